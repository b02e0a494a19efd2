"""The words we say to models: one Markdown file a prompt."""
