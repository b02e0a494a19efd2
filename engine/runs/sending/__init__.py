"""Whether messages leave, when, and how many: held, counted, stopped, let go."""
