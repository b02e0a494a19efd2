"""What the person who decided saw: kept with the decision, and shown again as it was."""

from typing import Any, cast

from server.operations.queries import Stored
from server.operations.reviews import shown_then
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.reviews.views import ReviewView

# What goes on changing after a decision; all else is kept.
GOES_ON = frozenset(("id", "workflow", "version", "state", "author", "sent", "live")) | {
    "decision",
    "trying",
    "story",
    "seen",
}


def kept(view: ReviewView) -> dict[str, Any]:
    """What is kept of a page with the decision that was made on it."""
    return {name: value for name, value in view.items() if name not in GOES_ON}


def as_seen(names: Names, row: Stored, view: ReviewView) -> ReviewView:
    """The page of a decided version as it was, for whoever may see all that it names."""
    then = shown_then(names.tx, row)
    if then is None:
        return view
    did = "rejection" if row.state == "rejected" else "approval"
    when = moment(names.tx, row.decided_at)["text"]
    seen = f"As seen at {did}, {when}, by {names.person(row.decided_by)}"
    was = {name: value for name, value in then.items() if name in view.keys() - GOES_ON}
    # The same keys as the page has now, each as it was then.
    return cast(ReviewView, {**view, **was, "seen": seen})
