"""Reviews: the inbox of proposals, and the page on which a person decides."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.people import logins
from engine.problems import Invalid, Problem, refuse
from engine.records.transaction import Transaction
from engine.review.decisions import Baseline
from server.access.rights import Refused
from server.access.session import Posted, Signed, Visit, text, texts
from server.operations import reviews
from server.operations.registry import missing
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.rows import review_rows
from server.pages.frame.views import Choice
from server.pages.me.account import wrong_password
from server.pages.me.home import versions
from server.pages.reviews.proposal import Proposal, row_of_review
from server.pages.reviews.views import Decision, ReviewsView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
FRESH = timedelta(minutes=5)
MANY = 20
Verdict = Literal["approve", "reject"]


@dataclass(frozen=True)
class Given:
    """What the person answered, kept when the page has to be shown again."""

    hash: str = ""
    comment: str = ""
    baseline: str = ""
    count: str = ""
    password: str = ""
    asked: frozenset[str] = field(default_factory=frozenset)
    seen: frozenset[str] = field(default_factory=frozenset)


@router.get("/reviews")
def show_reviews(visit: Signed) -> Response:
    visit.desk.need("workflows:read")
    with visit.desk.read() as tx:
        names = Names(tx)
        view: ReviewsView = {
            "waiting": review_rows(names, versions(tx, "in_review")),
            "decided": review_rows(names, versions(tx, "approved", "rejected", limit=12)),
        }
        return page(visit, tx, "reviews.html", view, title="Reviews", here="reviews")


@router.get("/reviews/{review}")
def show_review(visit: Signed, review: int) -> Response:
    visit.desk.need("workflows:read")
    return _review(visit, review, Given())


@router.post("/reviews/{review}/approve")
def approve(request: Request, visit: Signed, review: int, form: Posted) -> Response:
    return _decide(request, visit, review, "approve", _given(form))


@router.post("/reviews/{review}/reject")
def reject(request: Request, visit: Signed, review: int, form: Posted) -> Response:
    return _decide(request, visit, review, "reject", _given(form))


def _decide(
    request: Request, visit: Visit, review: int, verdict: Verdict, given: Given
) -> Response:
    """Do as the person said, or show the page again with the reason why not."""
    try:
        visit.desk.need("reviews:decide")
        if verdict == "approve":
            _confirmed(given)
            _proved(request, visit, given)
            reviews.approve(visit.desk, review, given.hash, given.comment, _baseline(given))
        else:
            reviews.reject(visit.desk, review, given.hash, given.comment)
    except Refused as refused:
        return _review(visit, review, given, f"{refused.message} {refused.remedy}", 403)
    except Invalid as invalid:
        told = faults(invalid.problems)
        return _review(visit, review, given, told, _status(visit, review, invalid.problems[0]))
    visit.installation.changed()
    told = (
        "Approved: it is live now."
        if verdict == "approve"
        else "Rejected: its author can read why."
    )
    return go(f"/reviews/{review}", told)


def _status(visit: Visit, review: int, problem: Problem) -> int:
    """What a refusal is: overtaken by events, not for this person, or not answered rightly."""
    if problem.path == "review":
        with visit.desk.read() as tx:
            row = row_of_review(tx, review)
        return 403 if row is not None and row.state == "in_review" else 409
    return {"hash": 409, "password": 403}.get(problem.path, 422)


def _baseline(given: Given) -> Baseline | None:
    match given.baseline:
        case "ignore" | "include" as chosen:
            return chosen
    return None


def _confirmed(given: Given) -> None:
    """What the page asked to be confirmed must have been. Raises `Invalid`."""
    if "baseline" in given.asked and _baseline(given) is None:
        told = "Say what should happen to the records that match already."
        raise refuse("baseline", told)
    unseen = {ask.removeprefix("seen ") for ask in given.asked if ask.startswith("seen ")}
    if unseen - given.seen:
        raise refuse("seen", "Tick what you have seen, so that nothing new goes by unread.")
    counts = {ask.removeprefix("count ") for ask in given.asked if ask.startswith("count ")}
    if counts and given.count.replace(",", "") not in counts:
        raise refuse("count", f"Type {counts.pop()}, the number of records it would take.")


def _proved(request: Request, visit: Visit, given: Given) -> None:
    """The person gave the password minutes ago, or gives it now. Raises `Invalid`."""
    if not _old(visit):
        return
    if not given.password:
        remedy = "Give your password once more, then approve."
        raise refuse(
            "password", "It is more than five minutes since you last proved it is you.", remedy
        )
    if problem := wrong_password(request, visit.installation, visit.name, given.password):
        told = "That is not your password." if problem.startswith("That user") else problem
        raise refuse("password", told)
    with visit.desk.begin() as tx:
        logins.prove(tx, visit.cookie)


def _old(visit: Visit) -> bool:
    return visit.installation.world.now() - visit.session.proved_at > FRESH


def _review(
    visit: Visit, review: int, given: Given, error: str = "", status: int = 200
) -> Response:
    with visit.desk.read() as tx:
        row = row_of_review(tx, review)
        if row is None:
            raise missing("review", f"there is no review {review}.", "Open the list of reviews.")
        proposal = Proposal(visit, tx, row)
        view = proposal.view(_decision(visit, tx, proposal, given, error))
        title = f"Review of {proposal.parsed.name}"
        told = "" if view["decision"]["allowed"] else error
        return page(
            visit, tx, "review.html", view, title=title, here="reviews", status=status, error=told
        )


def _decision(
    visit: Visit, tx: Transaction, proposal: Proposal, given: Given, error: str
) -> Decision:
    """The form, with what was answered before, or why there is none."""
    row = proposal.row
    why_not = _why_not(visit, tx, proposal)
    own = visit.name in row.authors
    many = own and proposal.found.count > MANY
    return {
        "allowed": not why_not,
        "why_not": why_not,
        "hash": row.hash,
        "comment": given.comment,
        "baseline": _baselines(proposal, given),
        "running": [],
        "seen": [
            _choice(host, f"a new outside address: {host}", host in given.seen)
            for host in proposal.new_hosts()
        ],
        "count": str(proposal.found.count) if many else "",
        "password": _old(visit),
        "error": error,
        "next": proposal.next_step(),
    }


def _why_not(visit: Visit, tx: Transaction, proposal: Proposal) -> str:
    row, names = proposal.row, proposal.names
    if row.state != "in_review":
        who = names.person(row.decided_by)
        did = {"approved": "Approved", "rejected": "Rejected"}.get(row.state, "Replaced")
        return f"{did} by {who}." if who else f"{did}: it waits for no decision any more."
    if not visit.desk.may("reviews:decide"):
        return "It takes the role approver to decide. An admin can give it."
    if visit.name in row.authors and tx.company.four_eyes:
        return "You took part in writing this version, so somebody else has to decide."
    return ""


def _baselines(proposal: Proposal, given: Given) -> list[Choice]:
    """What to do with records that match already; asked once, when it makes a difference."""
    count, parsed = proposal.found.count, proposal.parsed
    if proposal.base or not count or not parsed.recurrence.takes_baseline:
        return []
    chosen = given.baseline or ("include" if parsed.trigger.repeats else "ignore")
    leave = "Only what matches from now on starts."
    start = (
        f"{count:,} now." if parsed.trigger.repeats else f"{count:,}, each when it next changes."
    )
    return [
        _choice("ignore", "Leave them alone", chosen == "ignore", leave),
        _choice("include", "Start them too", chosen == "include", start),
    ]


def _choice(value: str, label: str, chosen: bool, help: str = "") -> Choice:
    return {"value": value, "label": label, "help": help, "chosen": chosen}


def _given(form: Any) -> Given:
    return Given(
        text(form, "hash"),
        text(form, "comment"),
        text(form, "baseline"),
        text(form, "count"),
        str(form.get("password") or ""),
        frozenset(texts(form, "asked")),
        frozenset(texts(form, "seen")),
    )
