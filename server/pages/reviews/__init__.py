"""Proposals: the inbox, and the page on which a person decides."""
