"""The engine: packages that import downward only, from schema (the ground) to review."""
