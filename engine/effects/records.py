"""Effects on records: create one (with its lines), change one."""

from typing import Any, Literal

from pydantic import JsonValue

from engine.effects import Outcome, RecordEffect, Store
from engine.problems import Invalid


class CreateRecord(RecordEffect):
    """A new record and, where it has lines, its lines. `title` is what people call it."""

    kind: Literal["create_record"] = "create_record"
    module: str
    title: str
    values: dict[str, JsonValue]
    lines_module: str = ""
    lines_field: str = ""
    lines: tuple[dict[str, JsonValue], ...] = ()

    def say(self) -> str:
        return f"create {self.title}" + (f" with {len(self.lines)} lines" if self.lines else "")

    def apply(self, store: Store) -> Outcome:
        try:
            saved = store.create(self.module, self.values)
            for line in self.lines:
                store.create(self.lines_module, {**line, self.lines_field: saved.id})
        except Invalid as invalid:
            return Outcome("failed", f"{self.title} could not be created: {invalid}")
        made = {"id": saved.id, "number": saved.number, "record": f"{self.module}/{saved.id}"}
        return Outcome("done", f"created {self.title} ({saved.number})", made)

    def preview(self) -> Outcome:
        return Outcome(
            "done",
            f"would {self.say()}",
            {"id": 0, "number": "(new)", "record": f"{self.module}/0"},
        )


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
            return Outcome("failed", f"{self.title} could not be changed: {invalid}")
        if saved.event is None:
            return Outcome("unchanged", f"{self.title} already has these values")
        told = ", ".join(
            f"{name}: {_shown(old)} → {_shown(new)}" for name, (old, new) in saved.changes.items()
        )
        return Outcome("done", f"{self.title}: {told}", {"changes": _changes(saved.changes)})

    def preview(self) -> Outcome:
        return Outcome("done", f"would {self.say()}")


def _changes(changes: Any) -> JsonValue:
    return {name: list(pair) for name, pair in changes.items()}


def _shown(value: Any) -> str:
    return (
        "empty"
        if value is None
        else ", ".join(map(str, value))
        if isinstance(value, list)
        else str(value)
    )
