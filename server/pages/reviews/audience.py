"""Whom a version under review would take, as its page shows them."""

from collections.abc import Sequence

from engine.runs.audience import LeftOut, NamedRecord
from engine.workflows.workflow import TOGETHER
from server.operations.queries import records
from server.operations.reviews import Proposal
from server.pages.frame.field_values import size
from server.pages.frame.lists import fitting
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.reviews.views import Audience, AudienceGroup, Person

SHOWN = 8


def audience(names: Names, it: Proposal) -> Audience:
    """Those it would take, those held back, and some of those left out."""
    tx, found = names.tx, it.audience
    why = {each["id"]: each["why"] for each in found.suppressed}
    inside = [each for each in found.records if each["id"] not in why]
    held: list[LeftOut] = [
        {**each, "why": why[each["id"]]} for each in found.records if each["id"] in why
    ]
    every = records.count(tx, tx.schema.module(it.parsed.module))
    return {
        "text": _headline(names, it),
        "href": fitting(it.parsed),
        "as_of": moment(tx, tx.now),
        "note": _note(it),
        "inside": _group(names, it, found.count - len(held), inside[:SHOWN]),
        "suppressed": _group(names, it, len(held), held),
        "outside": _group(names, it, max(every - found.count, 0), found.out[: 2 * SHOWN]),
    }


def _headline(names: Names, it: Proposal) -> str:
    module = names.tx.schema.module(it.parsed.module)
    units = it.audience.units(module)
    if it.parsed.trigger.repeats:
        return f"Now: {units}."
    return f"It starts with changes from now on. Its conditions fit today: {units}."


def _note(it: Proposal) -> str:
    return " ".join(f"{part}." for part in (it.audience.made_of, _together(it)) if part)


def _together(it: Proposal) -> str:
    if not it.parsed.group_by:
        return ""
    together = it.parsed.group_by.split(".")[-1].replace("_", " ")
    each = "" if together == TOGETHER else f" for each {together}"
    return f"Taken together{each}: {size(it.audience.runs, 'run')}"


def _group(
    names: Names, it: Proposal, count: int, people: Sequence[NamedRecord | LeftOut]
) -> AudienceGroup:
    return {"count": count, "people": [_person(names, it.parsed.module, each) for each in people]}


def _person(names: Names, module: str, each: NamedRecord | LeftOut) -> Person:
    record, about = names.record(module, each["id"])
    return {"record": record, "name": about, "why": str(each.get("why", ""))}
