"""What a document is checked against: modules, people, the steps before, safe addresses."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.calendar import parse_moment
from engine.conditions import Binder, Condition, bind
from engine.fields import Field
from engine.modules import Module
from engine.problems import BadValue, Invalid, Problem, suggest
from engine.text import TextProblem, parse

ROOTS = ("record", "old", "records", "steps", "actor", "company", "today", "now")
COMPANY = ("name", "timezone", "language", "currency", "sender")
ACTOR = ("name", "email")


@dataclass
class Checking:
    """What checks share. `results` holds, for each earlier step, the keys of its result."""

    binder: Binder
    handles: Collection[str] = ()
    grouped: bool = False
    results: dict[str, Collection[str]] = field(default_factory=dict)
    unsafe: Callable[[str], str | None] = lambda url: None
    templates: Mapping[str, Any] = field(default_factory=dict)

    @property
    def module(self) -> Module:
        return self.binder.module

    def condition(self, condition: Condition, path: str, *, event: bool) -> Iterator[Problem]:
        """What is wrong with a condition."""
        fresh = Binder(
            self.binder.schema,
            self.module,
            self.binder.now,
            self.binder.calendar,
            self.binder.lookup,
            self.handles,
            event,
        )
        bind(condition, fresh)
        for problem in fresh.problems:
            yield problem.under(path)

    def text(self, source: Any, path: str) -> Iterator[Problem]:
        """What is wrong with a template, or with the templates inside a list or object."""
        if isinstance(source, dict):
            for key, part in source.items():
                yield from self.text(part, f"{path}.{key}")
        elif isinstance(source, (list, tuple)):
            for position, part in enumerate(source):
                yield from self.text(part, f"{path}.{position}")
        elif isinstance(source, str):
            yield from self._template(source, path)

    def _template(self, source: str, path: str) -> Iterator[Problem]:
        try:
            template = parse(source)
        except TextProblem as bad:
            yield Problem(path, bad.message, bad.remedy)
            return
        for dotted in sorted(template.paths):
            if problem := self._reads(dotted, path):
                yield problem

    def _reads(self, dotted: str, path: str) -> Problem | None:
        root, *rest = dotted.split(".")
        if root not in ROOTS:
            return Problem(path, f"there is no variable `{root}`.", self._meant(root, rest))
        match root:
            case "record":
                return self._field(rest, path)
            case "old":
                if not self.binder.event:
                    return Problem(
                        path,
                        "`old` is only known when a change starts the workflow.",
                        "Use `record`.",
                    )
                return self._field(rest, path)
            case "records":
                if not self.grouped:
                    return Problem(
                        path,
                        "`records` is only known with `group_by`.",
                        "Use `record`, or add `group_by`.",
                    )
                return self._field(rest[1:], path)
            case "steps":
                return self._step(rest, path)
            case "company" | "actor":
                known = COMPANY if root == "company" else ACTOR
                if rest and rest[0] not in known:
                    return Problem(
                        path,
                        f"there is no `{root}.{rest[0]}`.",
                        suggest(rest[0], known, "There are"),
                    )
        return None

    def _meant(self, root: str, rest: list[str]) -> str:
        """What somebody who wrote `balance` or `invoice.balance` was most likely after."""
        field = next((name for name in (root, *rest[:1]) if name in self.module.by_name), None)
        if field:
            return f"Fields of the record are written like `record.{field}`."
        return suggest(root, ROOTS, "There are")

    def _field(self, rest: list[str], path: str) -> Problem | None:
        if not rest:
            return None
        if rest[0] == "lines" and (lines := self.binder.schema.lines(self.module)):
            module, rest = lines[0], rest[2:]
        else:
            module = self.module
        try:
            if rest:
                self.binder.schema.path(module, ".".join(rest), path)
        except Invalid as invalid:
            return invalid.problems[0]
        return None

    def _step(self, rest: list[str], path: str) -> Problem | None:
        if not rest or rest[0] not in self.results:
            name = rest[0] if rest else ""
            remedy = suggest(name, self.results, "Earlier steps") if self.results else ""
            remedy = remedy or "This is the first step: it has nothing to read."
            return Problem(path, f"there is no step `{name}` before this one.", remedy)
        keys = self.results[rest[0]]
        if len(rest) > 1 and rest[1] not in keys:
            return Problem(
                path, f"step `{rest[0]}` gives no `{rest[1]}`.", suggest(rest[1], keys, "It gives")
            )
        return None

    def value(self, target: Field, raw: Any, path: str) -> Iterator[Problem]:
        """What is wrong with a value meant for a field, as far as it can be told beforehand."""
        yield from self.text(raw, path)
        if isinstance(raw, str) and ("{{" in raw or raw.startswith("$")):
            return
        if target.computed or target.name in (
            "id",
            "created_at",
            "modified_at",
            "created_by",
            "modified_by",
            "source",
        ):
            yield Problem(path, f"{target.title} cannot be set.", "Leave it out.")
            return
        try:
            if target.type == "reference" and isinstance(raw, str) and not raw.isdigit():
                if self.binder.lookup(self.binder.schema.module(target.module or ""), raw) is None:
                    raise BadValue(
                        f"there is no single record `{raw}`.", "Give its id, number or full name."
                    )
                return
            if target.kind in ("date", "datetime") and isinstance(raw, str) and parse_moment(raw):
                return
            value = target.parse(raw)
        except BadValue as bad:
            yield Problem(path, bad.message, bad.remedy)
            return
        if target.type == "owner" and value is not None:
            yield from self.handle(value, path)

    def handle(self, name: str, path: str) -> Iterator[Problem]:
        """Whether there is such a user or group."""
        if name not in self.handles:
            yield Problem(
                path,
                f"there is no user or group `{name}`.",
                suggest(name, self.handles, "There are"),
            )
