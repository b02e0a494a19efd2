"""Which workflows use which templates of the library, and whether they say what it says now."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, select

from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.text_library import IN_FORCE
from engine.records.transaction import Transaction
from engine.templates.wording import Wording, loaded

Stands = Literal["live", "review", "behind"]


@dataclass(frozen=True)
class Use:
    """A workflow with a template in it: in the version that runs, and in the one that waits."""

    workflow: int
    name: str
    module: str
    to: tuple[str, ...]
    said: tuple[Wording, ...]
    waits: tuple[Wording, ...]
    version: int
    review: int | None

    def stands(self, now: Iterable[Wording]) -> Stands:
        """Whether what runs is what the library says now, or a person has to approve that."""
        wanted = _sorted(now)
        if _sorted(self.said) == wanted and (self.review is None or _sorted(self.waits) == wanted):
            return "live"
        return "review" if self.review and _sorted(self.waits) == wanted else "behind"


def uses(tx: Transaction) -> dict[str, list[Use]]:
    """The workflows of each template, in order of their names."""
    query = select(VERSIONS, WORKFLOWS.c.name.label("called"), WORKFLOWS.c.active_version).where(
        VERSIONS.c.workflow == WORKFLOWS.c.id,
        WORKFLOWS.c.state.in_(("active", "paused", "in_review")),
        VERSIONS.c.state.in_(IN_FORCE),
    )
    rows: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in tx.db.execute(query.order_by(WORKFLOWS.c.name, VERSIONS.c.version)):
        if row.state == "in_review" or row.version == row.active_version:
            rows[row.workflow].append(row)
    found: dict[str, list[Use]] = defaultdict(list)
    for versions in rows.values():
        for name in sorted({name for row in versions for name in row.texts or {}}):
            found[name].append(_use(name, versions))
    return found


def _use(name: str, versions: list[Row[Any]]) -> Use:
    newest = versions[-1]
    live = next((row for row in versions if row.state == "approved"), None)
    waits = next((row for row in versions if row.state == "in_review"), None)
    return Use(
        workflow=newest.workflow,
        name=newest.called,
        module=newest.document["module"],
        to=_to(newest.document.get("steps") or (), name),
        said=_said(live, name),
        waits=_said(waits, name),
        version=newest.version,
        review=waits.id if waits else None,
    )


def _said(row: Row[Any] | None, name: str) -> tuple[Wording, ...]:
    return loaded(row.texts).get(name, ()) if row else ()


def _to(part: Any, name: str) -> tuple[str, ...]:
    """Whom the first step that names the template writes to, however deep it stands."""
    if isinstance(part, list | tuple):
        return next((found for each in part if (found := _to(each, name))), ())
    if not isinstance(part, dict):
        return ()
    if part.get("template") == name:
        to = part.get("to") or ()
        return tuple([to] if isinstance(to, str) else to)
    return _to(list(part.values()), name)


def _sorted(wordings: Iterable[Wording]) -> list[Wording]:
    return sorted(wordings, key=lambda each: each.language)
