"""What a person may be here, and what a token may be for. Imports nothing, so that all can ask."""

ROLES = ("viewer", "author", "approver", "admin")
SCOPES = (
    "records:read",
    "records:write",
    "workflows:read",
    "workflows:write",
    "workflows:test",
    "workflows:toggle",
    "workflows:run",
    "runs:read",
    "runs:control",
    "audit:read",
)
LONGEST_TOKEN_DAYS = 90
