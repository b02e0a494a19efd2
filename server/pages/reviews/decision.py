"""The form by which a person decides on a version: what it asks, and what was answered."""

from dataclasses import dataclass, field
from datetime import timedelta

from starlette.datastructures import FormData

from engine.review.decisions import Baseline
from server.access.session import Visit, text, texts
from server.operations.queries import versions
from server.operations.reviews import Proposal, tick, to_type
from server.operations.schedules import next_due
from server.pages.frame.field_values import size
from server.pages.frame.lists import choice
from server.pages.frame.moments import coming, moment
from server.pages.frame.names import Names
from server.pages.frame.views import Choice, Link
from server.pages.reviews.views import Decision, NextStep

FRESH = timedelta(minutes=5)


@dataclass(frozen=True)
class Given:
    """What the person answered, kept when the page has to be shown again."""

    hash: str = ""
    comment: str = ""
    baseline: str = ""
    count: str = ""
    password: str = ""
    seen: frozenset[str] = field(default_factory=frozenset)


def given_in(form: FormData) -> Given:
    return Given(
        text(form, "hash"),
        text(form, "comment"),
        text(form, "baseline"),
        text(form, "count"),
        str(form.get("password") or ""),
        frozenset(texts(form, "seen")),
    )


def decision(visit: Visit, names: Names, it: Proposal, given: Given, error: str) -> Decision:
    """The form, with what was answered before, or why there is none."""
    row = it.row
    why_not = _why_not(names, it)
    count = to_type(visit.desk, names.tx, row) if not why_not else None
    return {
        "allowed": not why_not,
        "why_not": why_not,
        "hash": row.hash,
        "comment": given.comment,
        "baseline": _baselines(it, given),
        "running": [],
        "seen": [
            choice(tick(right), f"may {right}", tick(right) in given.seen, right.risk)
            for right in it.to_tick
        ],
        "count": str(count or ""),
        "password": old(visit),
        "error": error,
        "at_stake": _at_stake(names, it) if not why_not else "",
        "next": _next_step(names, it),
    }


def _why_not(names: Names, it: Proposal) -> str:
    match it.obstacle:
        case "decided":
            who = names.person(it.row.decided_by)
            did = {"approved": "Approved", "rejected": "Rejected"}.get(it.row.state, "Replaced")
            return f"{did} by {who}." if who else f"{did}: it waits for no decision any more."
        case "role":
            return "It takes the role approver to decide. An admin can give it."
        case "author":
            return "You took part in writing this version, so somebody else has to decide."
    return ""


def _at_stake(names: Names, it: Proposal) -> str:
    """What would come of it today, and when it begins."""
    tx, parsed = names.tx, it.parsed
    module = tx.schema.module(parsed.module)
    told = it.audience.at_stake(module)
    dates = parsed.next_dates(tx.binder(module, event=bool(parsed.trigger.listens())))
    if not dates:
        return f"Today {told} would fit; it starts with changes from now on."
    first, *later = (coming(tx, [at]) for at in dates)
    then = f", then on {later[0]}" if later else ""
    return f"{told[:1].upper()}{told[1:]} as of now, first on {first}{then}."


def _baselines(it: Proposal, given: Given) -> list[Choice]:
    """What to do with records that match already; asked once, when it makes a difference."""
    count, parsed = it.audience.count, it.parsed
    if it.base or not count or not parsed.recurrence.takes_baseline:
        return []
    chosen = given.baseline or ("include" if parsed.trigger.repeats else "ignore")
    leave = "Only what matches from now on starts."
    start = (
        f"{count:,} now." if parsed.trigger.repeats else f"{count:,}, each when it next changes."
    )
    return [
        choice("ignore", "Leave them alone", chosen == "ignore", leave),
        choice("include", "Start them too", chosen == "include", start),
    ]


def _next_step(names: Names, it: Proposal) -> NextStep | None:
    """What this version waits for, now that it is live; None for any other."""
    tx, row, parsed = names.tx, it.row, it.parsed
    if row.version != row.active_version or row.state != "approved":
        return None
    links: list[Link] = [
        {"text": "Its runs", "href": f"/runs?workflow={row.workflow}"},
        {"text": tx.schema.module(parsed.module).label, "href": f"/records/{parsed.module}"},
        {"text": "The workflow", "href": f"/workflows/{row.workflow}"},
    ]
    if waiting := versions.count(tx, "in_review"):
        links.append({"text": f"{size(waiting, 'review')} left", "href": "/reviews"})
    return {"text": f"It is live. {_waits_for(names, it)}", "links": links}


def _waits_for(names: Names, it: Proposal) -> str:
    tx = names.tx
    if next_at := next_due(tx, it.row.workflow):
        return f"It looks for the first time on {moment(tx, next_at)['text']}."
    event = bool(it.parsed.trigger.listens())
    return it.parsed.words(tx.binder(tx.schema.module(it.parsed.module), event=event))[0]


def baseline(given: Given) -> Baseline | None:
    match given.baseline:
        case "ignore" | "include" as chosen:
            return chosen
    return None


def old(visit: Visit) -> bool:
    """Whether it is a while since the person proved who they are."""
    return visit.installation.world.now() - visit.session.proved_at > FRESH
