"""What people decide about versions of workflows."""
