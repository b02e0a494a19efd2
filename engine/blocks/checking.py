"""What a document is checked against: modules, people, the steps before, safe addresses."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.company.calendar import parse_moment
from engine.company.windows import Window
from engine.conditions import Binder, Condition, bind
from engine.conditions.parts import values
from engine.problems import BadValue, Invalid, Problem, suggest
from engine.records.named import ActiveWorkflow
from engine.schema.fields import Field
from engine.schema.modules import Fits, Module
from engine.templates import TextProblem, fixed, parse
from engine.templates.filters import FILTERS
from engine.templates.shorthands import is_shortcode
from engine.templates.trying import failure
from engine.templates.variables import KEYS, ROOTS, fields_of
from engine.templates.wording import Wording

OWN_FIELD = re.compile(r"\{\{-?\s*record\.([\w.]+)\s*-?\}\}")
CALL = re.compile(r"\s*(\w+)\(.*\)\s*", re.DOTALL)


@dataclass
class Checking:
    """What checks share. `results` holds, for each earlier step, the keys of its result, and
    `answered` those of them that somebody outside has written.

    `group_by` is by what records are taken together, "" where each has a run of its own; `size`
    counts the records of the module; `chosen` names the modules of which the conditions
    choose related records; `window` is that of the workflow.
    """

    binder: Binder
    handles: Collection[str] = ()
    group_by: str = ""
    results: dict[str, Collection[str]] = field(default_factory=dict)
    answered: dict[str, Collection[str]] = field(default_factory=dict)
    unsafe: Callable[[str], str | None] = lambda url: None
    size: Callable[[], int] = lambda: 0
    chosen: Collection[str] = ()
    categories: Collection[str] = ()
    templates: Mapping[str, tuple[Wording, ...]] = field(default_factory=dict)
    inactive: Collection[str] = ()
    others: Collection[ActiveWorkflow] = ()
    senders: Collection[str] = ()
    window: Window | None = None

    @property
    def grouped(self) -> bool:
        """Whether records are taken together."""
        return bool(self.group_by)

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
            categories=self.categories,
        )
        bind(condition, fresh)
        literal = list(_taken_literally(condition))
        told = {problem.path for problem in literal}
        for problem in (*literal, *(each for each in fresh.problems if each.path not in told)):
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

    def named_template(self, name: str, path: str) -> Iterator[Problem]:
        """What is wrong with the template of this name in the library, read by this workflow."""
        if name not in self.templates:
            message = f"there is no template `{name}` in the library."
            yield Problem(path, message, suggest(name, self.templates, "There are"))
            return
        for wording in self.templates[name]:
            for source in wording.parts:
                for problem in self._template(source, path):
                    told = f"the template “{name}”: {problem.message}"
                    yield Problem(path, told, problem.remedy)

    def _template(self, source: str, path: str) -> Iterator[Problem]:
        try:
            template = parse(source)
        except TextProblem as bad:
            yield Problem(path, bad.message, bad.remedy)
            return
        found = [self._reads(dotted, path) for dotted in sorted(template.paths)]
        yield from filter(None, found)
        if not any(found) and (fails := failure(template, self.module, self.binder.schema)):
            yield Problem(path, fails.message, fails.remedy)

    def _reads(self, dotted: str, path: str) -> Problem | None:
        root, *rest = dotted.split(".")
        if root not in ROOTS and not is_shortcode(root):
            return Problem(path, f"there is no variable `{root}`.", self._meant(root, rest))
        if root == "steps":
            return self.result(rest, path)
        if problem := self._absent(root, rest, path):
            return problem
        try:
            read = list(fields_of(dotted, self.module, self.binder.schema))
        except Invalid as invalid:
            (problem, *_) = invalid.problems
            told = f"`{root}`: {problem.message}" if is_shortcode(root) else problem.message
            return Problem(path, told, problem.remedy)
        return next((problem for each in read if (problem := self._field(*each, path))), None)

    def _absent(self, root: str, rest: list[str], path: str) -> Problem | None:
        """Why a variable is not known here, or has nothing of that name below it."""
        match root:
            case "old" if not self.binder.event:
                told = "`old` is only known when a change starts the workflow."
                return Problem(path, told, "Use `record`.")
            case "records" if not self.grouped:
                told = "`records` is only known with `group_by`."
                return Problem(path, told, "Use `record`, or add `group_by`.")
            case "related" if not rest or rest[0] not in self.chosen:
                told = "`related` has the related records that the conditions choose."
                remedy = suggest(rest[0] if rest else "", self.chosen, "Here they choose")
                return Problem(path, told, remedy)
            case _ if (place := self._items(root, rest)) is not None and rest[place] != "*":
                whole, name = ".".join([root, *rest[:place]]), rest[place]
                remedy = f"Write `{whole}.0.{name}`, or `{{% for each in {whole} %}}`."
                return Problem(path, f"`{whole}` is a list, which has no `{name}`.", remedy)
        if root in KEYS and rest and rest[0] not in KEYS[root]:
            told = f"there is no `{root}.{rest[0]}`."
            return Problem(path, told, suggest(rest[0], KEYS[root], "There are"))
        return None

    def _items(self, root: str, rest: list[str]) -> int | None:
        """Where in a path the items of a list begin; None where it leads through none."""
        lines = rest[:1] == ["lines"] and self.binder.schema.lines(self.module)
        of_one = lines if root in ("record", "old") else rest[:1] == ["invoices"]
        place = 0 if root in ("records", "invoices") else 1
        listed = root in ("records", "invoices", "related") or of_one
        return place if listed and len(rest) > place else None

    def _meant(self, root: str, rest: list[str]) -> str:
        """What somebody who wrote `balance` or `invoice.balance` was most likely after."""
        names = [name for name in (root, *rest[:1]) if self.module.meant(name)]
        if names:
            return f"Fields of the record are written like `record.{self.module.meant(names[0])}`."
        return suggest(root, ROOTS, "There are")

    def _field(self, module: Module, dotted: str, path: str) -> Problem | None:
        """What is wrong with a path of fields."""
        try:
            self.binder.schema.path(module, dotted, path)
        except Invalid as invalid:
            return invalid.problems[0]
        return None

    def result(self, rest: list[str], path: str) -> Problem | None:
        """What is wrong with a result of an earlier step, named by the step and its key."""
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
        if isinstance(raw, str) and not fixed(raw):
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
            value = target.parse(raw, self.binder.calendar.timezone)
        except BadValue as bad:
            called = CALL.match(raw) if isinstance(raw, str) else None
            meant = called and called[1] in FILTERS
            remedy = f"An expression stands in {{{{ }}}}: {{{{ {raw} }}}}." if meant else bad.remedy
            yield Problem(path, bad.message, remedy)
            return
        if target.type == "owner" and value is not None:
            yield from self.handle(value, path)

    def takes(self, raw: Any) -> Fits:
        """Which fields a value could go into."""
        return lambda field: not any(self.value(field, raw, ""))

    def present(self, name: str, path: str) -> Iterator[Problem]:
        """Whether a user who is named has been switched off."""
        if name in self.inactive:
            told = f"{name} is switched off and can be given nothing any more."
            yield Problem(path, told, "Name an active user, or a group.")

    def handle(self, name: str, path: str) -> Iterator[Problem]:
        """Whether there is such a user or group."""
        yield from self.present(name, path)
        if name not in self.handles:
            yield Problem(
                path,
                f"there is no user or group `{name}`.",
                suggest(name, self.handles, "There are"),
            )


def _taken_literally(condition: Condition) -> Iterator[Problem]:
    """Values of a condition that are written as templates, which nobody fills in there."""
    for path, value in values(condition):
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and "{{" in text:
                field = OWN_FIELD.fullmatch(text)
                remedy = f'Write {{"field": "{field[1]}"}}.' if field else "Write the value itself."
                told = f"`{text}` would be taken literally: a condition's value is no template."
                yield Problem(path, told, remedy)
