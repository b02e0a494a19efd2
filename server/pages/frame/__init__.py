"""What surrounds every page, and what pages of several areas share. It knows no page."""
