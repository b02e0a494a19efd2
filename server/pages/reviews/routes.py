"""Reviews: the inbox of proposals, and the page on which a person decides."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.problems import Invalid, Problem, refuse
from engine.records.transaction import Transaction
from server.access import sign_in
from server.access.rights import Refused
from server.access.session import Posted, Signed, Visit
from server.operations import reviews
from server.operations.queries import versions
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.rows import review_rows
from server.pages.me.account import wrong_password
from server.pages.reviews.decision import Given, baseline, decision, given_in, old
from server.pages.reviews.review import Review
from server.pages.reviews.seen import as_seen, kept
from server.pages.reviews.trying import trying
from server.pages.reviews.views import ReviewsView, ReviewView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Verdict = Literal["approve", "reject"]


@router.get("/reviews")
def show_reviews(visit: Signed) -> Response:
    visit.desk.need("workflows:read")
    with visit.desk.read() as tx:
        names = Names(tx)
        view: ReviewsView = {
            "waiting": review_rows(names, versions.in_states(tx, "in_review")),
            "decided": review_rows(names, versions.in_states(tx, "approved", "rejected", limit=12)),
        }
        return page(visit, tx, "reviews.html", view, title="Reviews", here="reviews")


@router.get("/reviews/{review}")
def show_review(visit: Signed, review: int) -> Response:
    visit.desk.need("workflows:read")
    return _review(visit, review, Given())


@router.post("/reviews/{review}/approve")
def approve(request: Request, visit: Signed, review: int, form: Posted) -> Response:
    return _decide(request, visit, review, "approve", given_in(form))


@router.post("/reviews/{review}/reject")
def reject(request: Request, visit: Signed, review: int, form: Posted) -> Response:
    return _decide(request, visit, review, "reject", given_in(form))


def _decide(
    request: Request, visit: Visit, review: int, verdict: Verdict, given: Given
) -> Response:
    """Do as the person said, or show the page again with the reason why not."""
    try:
        visit.desk.need("reviews:decide")
        if verdict == "approve":
            _proved(request, visit, given)
            answers = (given.hash, given.comment, baseline(given), given.seen, given.count)
            reviews.approve(visit.desk, review, *answers, _shown(visit, review, given))
        else:
            shown = _shown(visit, review, given)
            reviews.reject(visit.desk, review, given.hash, given.comment, shown)
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
            return 403 if versions.of_review(tx, review).state == "in_review" else 409
    return {"hash": 409, "password": 403}.get(problem.path, 422)


def _proved(request: Request, visit: Visit, given: Given) -> None:
    """The person gave the password minutes ago, or gives it now. Raises `Invalid`."""
    if not old(visit):
        return
    if not given.password:
        remedy = "Give your password once more, then approve."
        raise refuse(
            "password", "It is more than five minutes since you last proved it is you.", remedy
        )
    if problem := wrong_password(request, visit.installation, visit.name, given.password):
        told = "That is not your password." if problem.startswith("That user") else problem
        raise refuse("password", told)
    sign_in.prove(visit.installation, visit.cookie)


def _review(
    visit: Visit, review: int, given: Given, error: str = "", status: int = 200
) -> Response:
    with visit.desk.read() as tx:
        view = _view(visit, tx, review, given, error)
        title = f"Review {review}: {view['workflow']['text']}"
        told = "" if view["decision"]["allowed"] else error
        return page(
            visit, tx, "review.html", view, title=title, here="reviews", status=status, error=told
        )


def _view(visit: Visit, tx: Transaction, review: int, given: Given, error: str = "") -> ReviewView:
    """The page; of a decided version as it was when it was decided."""
    it, names = reviews.proposal(visit.desk, tx, review), Names(tx)
    tried = reviews.tried(visit.desk, it)
    view = Review(tx, it, tried).view(decision(visit, names, it, given, error))
    if it.row.state == "in_review":
        view["trying"] = trying(visit, names, it)
    return as_seen(names, it.row, view)


def _shown(visit: Visit, review: int, given: Given) -> dict[str, Any]:
    """What is shown to the person who decides now."""
    with visit.desk.read() as tx:
        return kept(_view(visit, tx, review, given))
