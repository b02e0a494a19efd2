"""The database, and the one door through which records change."""
