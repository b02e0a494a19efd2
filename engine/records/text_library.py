"""The library of templates: records of the module `templates`, by name and language."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Row, func, select

from engine.problems import Invalid, Problem, refuse
from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.schema.english import listed
from engine.schema.own_modules import TEMPLATES
from engine.templates import TextProblem, parse
from engine.templates.wording import Wording

Values = Mapping[str, Any]
E_MAIL, TEXT_MESSAGE, PDF = "E-mail", "Text message", "PDF"
PARTS = ("subject", "body", "html")
IN_FORCE = ("approved", "in_review")


def current(tx: Transaction) -> dict[str, tuple[Wording, ...]]:
    """What each template says now, in each of its languages."""
    if TEMPLATES not in tx.schema.modules:
        return {}
    table = tx.schema.tables[TEMPLATES]
    query = select(table).where(table.c.deleted_at.is_(None)).order_by(table.c.id)
    found: dict[str, dict[str, Wording]] = defaultdict(dict)
    for row in tx.db.execute(query):
        found[row.name].setdefault(row.language or "", wording_of(row))
    return {name: tuple(wordings.values()) for name, wordings in found.items()}


def wording_of(row: Row[Any]) -> Wording:
    """A record of the module as what it says."""
    subject, body, html = (part or "" for part in (row.subject, row.body, row.html))
    return Wording(language=row.language or "", subject=subject, body=body, html=html)


def users_of(tx: Transaction, name: str) -> list[str]:
    """The workflows that run with this template, or wait for review with it, by name."""
    query = select(WORKFLOWS.c.name, VERSIONS.c.texts).where(
        VERSIONS.c.workflow == WORKFLOWS.c.id,
        WORKFLOWS.c.state.in_(("active", "paused", "in_review")),
        VERSIONS.c.state.in_(IN_FORCE),
    )
    rows = tx.db.execute(query.order_by(WORKFLOWS.c.name)).all()
    return list(dict.fromkeys(row.name for row in rows if name in (row.texts or {})))


def refuse_unfit(
    tx: Transaction, row: Values, id: int | None = None, beside: Iterable[Values] = ()
) -> None:
    """Raise `Invalid` if it cannot be read, or if its name and language are another's.

    Others are those that are kept, and those written `beside` it.
    """
    if problems := list(_unsound(row)):
        raise Invalid(*problems)
    twice = any(_key(row) == _key(other) for other in beside)
    if twice or _same_name(tx, row["name"], id, row.get("language") or ""):
        where = f"in {row['language']}" if row.get("language") else "for all languages"
        told = f"there is a template “{row['name']}” {where} already."
        raise refuse("values.name", told, "Change that one, or choose another name or language.")


def _key(row: Values) -> tuple[str, str]:
    return row["name"], row.get("language") or ""


def _unsound(row: Values) -> Iterator[Problem]:
    for part in PARTS:
        try:
            parse(row.get(part) or "")
        except TextProblem as bad:
            yield Problem(f"values.{part}", bad.message, bad.remedy)


def refuse_loss(tx: Transaction, row: Values) -> None:
    """Raise `Invalid`, naming the workflows, if a template in use would be gone without this, or
    its wording for all languages would."""
    users = users_of(tx, row["name"])
    left = None if row.get("language") else ""
    if users and not _same_name(tx, row["name"], row["id"], left):
        named = listed([f"“{name}”" for name in users])
        told = f"the template “{row['name']}” is used by {named}."
        remedy = "Let them use another template first."
        if left == "" and _same_name(tx, row["name"], row["id"]):
            told = f"{told} This is its wording for all who read none of its other languages."
            remedy = "Keep it, or make another wording the one for all languages first."
        raise refuse("", told, remedy)


def _same_name(tx: Transaction, name: str, id: int | None, language: str | None = None) -> bool:
    """Whether another record has this name, in this language if one is asked for."""
    table = tx.schema.tables[TEMPLATES]
    asked = [table.c.name == name, table.c.deleted_at.is_(None), table.c.id != (id or 0)]
    if language is not None:
        asked.append(func.coalesce(table.c.language, "") == language)
    return tx.count(table, *asked) > 0
