"""What is due when, what it starts, and moving what waits."""
