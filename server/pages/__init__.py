"""The web pages by area, each with its views (what it shows, as plain data) beside it."""
