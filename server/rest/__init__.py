"""REST under /api, and the addresses at which other systems call."""
