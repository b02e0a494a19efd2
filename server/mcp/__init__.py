"""MCP: the operations as tools, with resources and prompts."""
