"""The company's days, hours and limits: calendar, schedules, windows, message limits. Pure."""
