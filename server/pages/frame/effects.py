"""What a step does to the world, as pages show it: fields before and after, mail, request."""

from collections.abc import Mapping
from typing import Any

from engine.company.company import Company
from engine.problems import BadValue
from server.pages.frame.field_values import told
from server.pages.frame.mail_html import safe_html, words_of
from server.pages.frame.names import Names
from server.pages.frame.views import Attachment, Effect, FieldChange, Mail


def effect(
    data: Mapping[str, Any],
    names: Names,
    *,
    icon: str,
    title: str,
    detail: str = "",
    before: Mapping[str, Any] | None = None,
) -> Effect:
    """One effect as it was planned, with the icon of its step. `before` holds the values that it
    replaces."""
    kind = str(data.get("kind", ""))
    return {
        "icon": icon,
        "title": title[:1].upper() + title[1:],
        "detail": detail,
        "fields": _fields(data, names, before or {}),
        "mail": mail(data, names.tx.company) if kind == "mail" else None,
        "code": str(data.get("body", "")) if kind == "http" else "",
    }


def mail(data: Mapping[str, Any], company: Company) -> Mail:
    """A planned mail as its reader would see it: as text, unless it has HTML of its own."""
    html, text = safe_html(str(data.get("html") or "")), str(data.get("text") or "")
    return {
        "sender": _sender(data, company),
        "to": [str(address) for address in data.get("to", ())],
        "cc": [str(address) for address in data.get("cc", ())],
        "subject": str(data.get("subject") or ""),
        "html": html,
        "text": text,
        "plain": (text or words_of(html)) if html else "",
        "attachments": [_file(each) for each in data.get("attachments", ())],
    }


def _sender(data: Mapping[str, Any], company: Company) -> str:
    name = data.get("sender_name") or company.sender_name or company.name
    return f"{name} <{data.get('sender') or company.sender}>"


def _file(told: Mapping[str, Any]) -> Attachment:
    """A file that would go along; without a document of its own it cannot be looked at."""
    document = told.get("document")
    href = f"/files/{document}" if document is not None else ""
    return {"name": str(told.get("name") or ""), "size": "", "href": href}


def _fields(data: Mapping[str, Any], names: Names, before: Mapping[str, Any]) -> list[FieldChange]:
    """The values that a record gets; of several that are changed together, the first."""
    if data.get("kind") == "update_records":
        data = data["changes"][0]
    module = names.tx.schema.modules.get(str(data.get("module", "")))
    new = data.get("kind") == "create_record"
    found: list[FieldChange] = []
    for name, raw in (data.get("values") or {}).items():
        field = module.by_name.get(name) if module else None
        if field is None:
            continue
        was = None if new else _word(field, before[name], names) if name in before else ""
        found.append({"label": field.title, "before": was, "after": _word(field, raw, names)})
    return found


def _word(field: Any, raw: Any, names: Names) -> str:
    try:
        return told(field, field.load(raw), names)["text"]
    except (BadValue, ValueError, TypeError):
        return str(raw)
