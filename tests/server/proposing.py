"""Documents that are sent for review, and the review page as a person reads it."""

import html
import re
from typing import Any

from fastapi.testclient import TestClient

from engine.installation import Installation
from engine.workflows.library import By, save_draft, submit


def on_invoices(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "Invoices - Friendly reminder",
        "module": "invoices",
        "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
        "conditions": {"field": "due_date", "op": "less_than", "value": "today"},
        "steps": list(steps),
        **more,
    }


def mail(**settings: Any) -> dict[str, Any]:
    given = {"subject": "Invoice {{ record.number }}", "body": "Please pay.", "to": ["account"]}
    return {"id": "mail", "type": "send_email", **given, **settings}


def proposed(installation: Installation, document: dict[str, Any]) -> int:
    """The number of the review that a document is given."""
    with installation.database.begin() as tx:
        row = save_draft(tx, document, By("alice"))
        version = submit(tx, row.id, row.revision, "", By("alice"), installation.unsafe, None)
    return int(version.id)


def read(browser: TestClient, review: int) -> str:
    """What a person reads on the review page, without what is folded away as JSON."""
    page = browser.get(f"/reviews/{review}").text
    page = re.sub(r"(?s)<(script|style|template|head)\b.*?</\1>", " ", page)
    page = re.sub(r"(?s)<details\b[^>]*>(?:(?!</details>).)*?as JSON.*?</details>", " ", page)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))
