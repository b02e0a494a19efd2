"""Workflows: list, one workflow, switching, planner."""
