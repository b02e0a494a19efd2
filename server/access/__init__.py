"""Who asks, and what they may: rights, sessions, request guard, rate limits."""
