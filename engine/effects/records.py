"""Effects on records: create one (with its lines), change one, change several."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from engine.effects import Effect, Outcome, RecordEffect, Store
from engine.problems import Invalid
from engine.records.states import Result

NAMED = 10


class CreateRecord(RecordEffect):
    """A new record and, where it has lines, its lines. `title` is what people call it.

    Where there is a record with all values of one of `unless`, that is changed instead.
    """

    counted: ClassVar[str] = "new record"
    kind: Literal["create_record"] = "create_record"
    module: str
    title: str
    values: dict[str, JsonValue]
    lines_module: str = ""
    lines_field: str = ""
    lines: tuple[dict[str, JsonValue], ...] = ()
    unless: tuple[dict[str, JsonValue], ...] = ()

    def say(self) -> str:
        return f"create {self.title}" + (f" with {len(self.lines)} lines" if self.lines else "")

    def apply(self, store: Store) -> Outcome:
        there = [id for alike in self.unless for id in store.ids(self.module, alike)]
        if there:
            changing = UpdateRecord(
                module=self.module, id=there[0], title=self.title, values=self.values
            )
            return changing.apply(store)
        try:
            with store.whole() if self.lines else nullcontext():
                saved = store.create(self.module, self.values)
                for line in self.lines:
                    store.create(self.lines_module, {**line, self.lines_field: saved.id})
        except Invalid as invalid:
            return Outcome(Result.FAILED, f"{self.title} could not be created: {invalid}")
        made = {"id": saved.id, "number": saved.number, "record": f"{self.module}/{saved.id}"}
        return Outcome(Result.DONE, f"created {self.title} ({saved.number})", made)


class UpdateRecord(RecordEffect):
    """New values for some fields of one record."""

    kind: Literal["update_record"] = "update_record"
    module: str
    id: int
    title: str
    values: dict[str, JsonValue]

    def say(self) -> str:
        told = [f"{name} to {_shown(value)}" for name, value in self.values.items()]
        return f"set {', '.join(told)} on {self.title}"

    def apply(self, store: Store) -> Outcome:
        try:
            saved = store.update(self.module, self.id, self.values)
        except Invalid as invalid:
            return Outcome(Result.FAILED, f"{self.title} could not be changed: {invalid}")
        if saved.event is None:
            return Outcome(Result.UNCHANGED, f"{self.title} already has these values")
        told = ", ".join(
            f"{name}: {_shown(old)} → {_shown(new)}" for name, (old, new) in saved.changes.items()
        )
        return Outcome(Result.DONE, f"{self.title}: {told}", _given(saved.changes, [saved.number]))


class UpdateRecords(RecordEffect):
    """New values for several records: all of them are changed, or none is."""

    kind: Literal["update_records"] = "update_records"
    changes: tuple[UpdateRecord, ...]

    def say(self) -> str:
        alike = all(each.values == self.changes[0].values for each in self.changes)
        told = [f"{name} to {_shown(value)}" for name, value in self.changes[0].values.items()]
        if alike:
            return f"set {', '.join(told)} on {self._told(self.changes)}"
        return f"change {', '.join(self.changes[0].values)} of {self._told(self.changes)}"

    def apply(self, store: Store) -> Outcome:
        done: list[tuple[UpdateRecord, Any]] = []
        each = self.changes[0]
        try:
            with store.whole():
                for each in self.changes:
                    done.append((each, store.update(each.module, each.id, each.values)))
        except Invalid as invalid:
            return Outcome(
                Result.FAILED, f"nothing was changed, because of {each.title}: {invalid}"
            )
        changed = [(each, saved) for each, saved in done if saved.event is not None]
        if not changed:
            return Outcome(
                Result.UNCHANGED, f"{self._told(self.changes)} already have these values"
            )
        said = f"changed {self._told([each for each, _ in changed])}"
        numbers = [saved.number for _, saved in changed]
        return Outcome(Result.DONE, said, _given(changed[0][1].changes, numbers))

    def _told(self, changes: Sequence[UpdateRecord]) -> str:
        """How many records of what kind, and the first of them by name."""
        kinds = {each.module for each in changes}
        kind = kinds.pop().replace("_", " ") if len(kinds) == 1 else "records"
        more = [f"and {len(changes) - NAMED} more"] if len(changes) > NAMED else []
        named = ", ".join([*(each.title for each in changes[:NAMED]), *more])
        return f"{len(changes)} {kind}: {named}"


def together(plans: Sequence[Effect]) -> UpdateRecord | UpdateRecords:
    """Several changes of records as one. Of two for the same record, the later values count."""
    changes: dict[tuple[str, int], UpdateRecord] = {}
    for plan in plans:
        assert isinstance(plan, UpdateRecord | UpdateRecords)
        for each in plan.changes if isinstance(plan, UpdateRecords) else (plan,):
            key = (each.module, each.id)
            before = changes[key].values if key in changes else {}
            changes[key] = each.model_copy(update={"values": {**before, **each.values}})
    every = tuple(changes.values())
    return every[0] if len(every) == 1 else UpdateRecords(changes=every)


def _given(changes: Any, numbers: list[str]) -> dict[str, JsonValue]:
    """What later steps can read: which fields changed (of the first), and of which records."""
    kept: dict[str, JsonValue] = {name: list(pair) for name, pair in changes.items()}
    return {"changes": kept, "count": len(numbers), "records": [*numbers]}


def _shown(value: Any) -> str:
    return (
        "empty"
        if value is None
        else ", ".join(map(str, value))
        if isinstance(value, list)
        else str(value)
    )
