"""The modules that Sayso keeps its own records in, by name: it cannot work without them.

What else there is, a company may call as it likes: see `purposes`.
"""

USERS, GROUPS = "users", "groups"
TASKS, NOTES, CALENDAR, DOCUMENTS = "tasks", "notes", "events", "documents"
EMAILS, TEXT_MESSAGES, NOTIFICATIONS, WEBHOOK_CALLS = (
    "emails",
    "sms",
    "notifications",
    "webhook_calls",
)
TEMPLATES, TAG_CATEGORIES = "templates", "tag_categories"
PORTFOLIOS, PORTFOLIO_LINES = "portfolios", "portfolio_accounts"
