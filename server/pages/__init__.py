"""The web pages: what they show (`views`), how steps look (`looks`), how it is drawn (`render`)."""
