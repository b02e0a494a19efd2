"""The command `sayso`, one file a group of commands."""
