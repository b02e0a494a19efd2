"""What a workflow is made of, one file each: triggers, control steps, actions."""
