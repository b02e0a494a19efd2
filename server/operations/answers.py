"""How records, reasons and problems are written in answers: plain JSON, the same at every door.

The types of answers promise their keys; keys that are `NotRequired` are there if there is something
to tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NotRequired, TypeVar, cast, overload

from sqlalchemy import Row, select
from typing_extensions import TypedDict

from engine.company.calendar import parse_moment
from engine.conditions.words import Reason
from engine.problems import Problem, refuse
from engine.records.reader import name_of
from engine.records.tables import WORKFLOWS
from engine.records.transaction import Transaction
from engine.schema.civil_times import read_moment
from engine.schema.fields import Field
from engine.schema.modules import Module
from engine.schema.purposes import Purpose
from server.access.rights import kept_back
from server.operations.queries.runs import numbered
from server.operations.registry import missing

T = TypeVar("T", bound=Mapping[str, Any])
Values = dict[str, Any]


class Fault(TypedDict):
    """What is wrong or unwise: where, what, what to do; and in which step, if it is in one."""

    path: str
    message: str
    remedy: str
    step: NotRequired[str]


class ReasonPart(TypedDict):
    """One part of a condition: whether it holds, and what the record really has."""

    holds: bool
    words: str
    have: NotRequired[str]


def without(empty: tuple[object, ...], told: T) -> T:
    """What is told, without the keys that hold nothing: those are `NotRequired` in its type."""
    kept = {key: value for key, value in told.items() if value not in empty}
    return cast(T, kept)  # the same keys, or fewer, with the same values


def problems(found: Iterable[Problem]) -> list[Fault]:
    return [{"path": p.path, "message": p.message, "remedy": p.remedy} for p in found]


def faults(found: Iterable[Problem], document: Mapping[str, Any]) -> list[Fault]:
    """Problems of a document, each with the id of the step it is in: edits name steps by it."""
    return [
        {**told, "step": step} if (step := _step(told["path"], document)) else told
        for told in problems(found)
    ]


def _step(path: str, document: Any) -> str | None:
    """The id of the innermost step on a path like `steps.2.then.0.subject`."""
    node, id = document, None
    for part in path.split("."):
        if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
            id = node.get("id", id) if isinstance(node, dict) else id
        else:
            node = node.get(part) if isinstance(node, dict) else None
    return id if isinstance(id, str) else None


def values(module: Module, row: Mapping[str, Any], fields: Iterable[str] = ()) -> Values:
    """The fields of a stored row as JSON."""
    names = list(fields) or [name for name in module.by_name if name not in ("id", "number")]
    return {name: module.by_name[name].dump(row.get(name)) for name in names}


def names(
    tx: Transaction, links: Mapping[str, Field], rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """For each row, what people call the records that these fields refer to."""
    told: list[dict[str, str]] = [{} for _ in rows]
    for name, field in links.items():
        target = tx.schema.target(field) if field.type == "reference" else None
        ids = {row[name] for row in rows if row.get(name) is not None} if target else set()
        if not (target and ids):
            continue
        table = tx.schema.tables[target.name]
        known = tx.db.execute(select(table).where(table.c.id.in_(ids))).mappings()
        called = {row["id"]: name_of(target, dict(row)) for row in known}
        for here, row in zip(told, rows, strict=True):
            if row.get(name) in called:
                here[name] = called[row[name]]
    return told


STANDS = {"draft": "a draft", "in_review": "in review", "paused": "switched off"}


def stands(state: str) -> str:
    """How a workflow stands, in a sentence: "it is switched off"."""
    return STANDS.get(state, state.replace("_", " "))


@overload
def iso(moment: date) -> str: ...


@overload
def iso(moment: date | None) -> str | None: ...


def iso(moment: date | None) -> str | None:
    """A moment or a day as text, to the second."""
    if isinstance(moment, datetime):
        return moment.isoformat(timespec="seconds")
    return moment.isoformat() if moment else None


def reason(why: Reason) -> list[ReasonPart]:
    """A condition part by part: the words, whether they hold, and what the record really has."""
    if not why.parts:
        said: ReasonPart = {"holds": why.holds, "words": why.words}
        return [{**said, "have": why.have} if why.have else said]
    return [line for part in why.parts for line in reason(part)]


def when(tx: Transaction, text: str | None, at: str = "as_of") -> datetime | None:
    """The moment somebody named: a day (its first minute), a time, or a word. Raises `Invalid`."""
    if not text:
        return None
    calendar = tx.company.calendar
    try:
        if word := parse_moment(text):
            moment = word.resolve(tx.now, calendar)
            return moment if isinstance(moment, datetime) else calendar.at(moment, time(0))
        found = read_moment(text, calendar.timezone)
    except OverflowError:
        found = None
    if found is None:
        remedy = "Write it like 2026-03-10, 2026-03-10T09:00 or today-7d."
        raise refuse(at, f"`{text}` is no day or time.", remedy)
    return found


def id_of(tx: Transaction, module: Module, ref: int | str, at: str = "record") -> int:
    """The id of a record that was named by id, number, name or module/id. Raises `Missing`."""
    word = str(ref).strip()
    home, slash, rest = word.partition("/")
    if slash and home == module.name:
        word = rest
    id = int(word) if word.isdecimal() and len(word) < 19 else tx.find(module, word)
    table = tx.schema.tables[module.name]
    live = (table.c.id == id, table.c.deleted_at.is_(None))
    if id is None or tx.db.scalar(select(table.c.id).where(*live)) is None:
        remedy = "Give the id, number or full name of one record; search_records finds it."
        raise missing(at, f"there is no record `{ref}` in {module.label}.", remedy)
    return id


def record_named(
    tx: Transaction, ref: int | str, home: Module | None = None, at: str = "record"
) -> tuple[Module, int]:
    """The record that is named by module/id, or of `home` by id, number or name; by the number of
    any other; or the customer of this name. Deleted ones have numbers too. Raises `Missing`."""
    word = str(ref).strip()
    module = tx.schema.modules.get(word.partition("/")[0]) if "/" in word else None
    if module:
        return module, id_of(tx, module, word, at)
    for where in filter(None, (home, tx.schema.find(Purpose.CUSTOMER))):
        if (where is home and word.isdecimal()) or tx.find(where, word) is not None:
            return where, id_of(tx, where, word, at)
    if found := next(numbered(tx, word), None):
        return found
    remedy = "Give a number or the name of a customer, or module/id, like invoices/12."
    raise missing(at, f"`{ref}` names no record.", remedy)


def workflow_row(tx: Transaction, workflow: int) -> Row[Any]:
    """A workflow whose module may be seen here. Raises `Missing`."""
    row = tx.db.execute(select(WORKFLOWS).where(WORKFLOWS.c.id == workflow)).first()
    if row is None or kept_back(tx.schema, row.module):
        message = f"there is no workflow {workflow}."
        raise missing("workflow", message, "list_workflows tells which there are.")
    return row


def shown(tx: Transaction, module: str) -> bool:
    """Whether what is about this module may be seen here."""
    return not kept_back(tx.schema, module)
