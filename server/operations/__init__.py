"""What can be asked and done, one file a noun; each operation is a REST route and an MCP tool."""
