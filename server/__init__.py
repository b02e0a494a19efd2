"""The doors: web pages, REST, MCP and the command line."""
