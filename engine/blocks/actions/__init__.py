"""What a workflow can do: one file an action. A new file here is a new action everywhere."""
