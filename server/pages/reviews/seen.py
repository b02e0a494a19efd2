"""What the person who decided saw: kept with the decision, and shown again as it was."""

from hashlib import sha256
from typing import Any, cast, get_args, get_type_hints

from typing_extensions import is_typeddict

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
AS_NOW = (
    "An earlier release of Sayso kept what was seen then in another form: this is worked out anew."
)


def _parts(kind: Any, known: set[Any]) -> str:
    """What a type of the page is called and holds, part by part."""
    if is_typeddict(kind) and kind not in known:
        known.add(kind)
        hints = get_type_hints(kind).items()
        return f"{kind.__name__}({', '.join(f'{k}: {_parts(v, known)}' for k, v in hints)})"
    inside = [_parts(each, known) for each in get_args(kind)]
    return f"{getattr(kind, '__name__', kind)}{inside}"


# A page that was kept in another shape cannot be shown again.
SHAPE = sha256(_parts(ReviewView, set()).encode()).hexdigest()[:12]


def kept(view: ReviewView) -> dict[str, Any]:
    """What is kept of a page with the decision that was made on it."""
    return {
        "shape": SHAPE,
        **{name: value for name, value in view.items() if name not in GOES_ON},
    }


def as_seen(names: Names, row: Stored, view: ReviewView) -> ReviewView:
    """The page of a decided version as it was, for whoever may see all that it names.

    It is worked out anew, and says so, where an earlier release kept it in another shape.
    """
    then = shown_then(names.tx, row)
    if then is None:
        return view
    if then.get("shape") != SHAPE:
        return {**view, "seen": AS_NOW}
    did = "rejection" if row.state == "rejected" else "approval"
    when = moment(names.tx, row.decided_at)["text"]
    seen = (
        f"As seen at {did}, {when}, by {names.person(row.decided_by)}. "
        "What has changed since is not shown here."
    )
    was = {name: value for name, value in then.items() if name in view.keys() - GOES_ON}
    # The same keys as the page has now, each as it was then.
    return cast(ReviewView, {**view, **was, "seen": seen})
