"""From the database of an earlier release to that of this one: steps, a backup, and words."""
