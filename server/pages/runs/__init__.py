"""Runs: the monitor, the story of one, moving what waits."""
