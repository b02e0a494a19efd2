"""Home, sign-in, notices and tokens of the person at the desk."""
