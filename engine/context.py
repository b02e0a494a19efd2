"""What a step may know when it decides: the record, earlier results, the time. No writing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from engine.calendar import parse_moment
from engine.conditions import Binder
from engine.fields import Field
from engine.filters import Form, Named
from engine.modules import Module
from engine.problems import BadValue
from engine.readings import Facts
from engine.text import Rendered, parse

DAY, MOMENT = Field(name="day", type="date"), Field(name="moment", type="datetime")


@dataclass(frozen=True)
class Subject:
    """A record as steps name it."""

    module: Module
    id: int
    number: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.module.name}/{self.id}"


@dataclass(frozen=True)
class Person:
    """Somebody who can be written to: a user, or a record that has an address."""

    address: str
    name: str = ""
    handle: str = ""


def moment(word: str, binder: Binder) -> datetime:
    """A point in time as a word (`now+2h`; a day means 9 o'clock) or in full. Raises `BadValue`."""
    if known := parse_moment(word):
        when = known.resolve(binder.now, binder.calendar)
        return when if isinstance(when, datetime) else binder.calendar.at(when, time(9))
    found = MOMENT.parse(word)
    if not isinstance(found, datetime):
        raise BadValue("it does not say when.", "Write now+2h, or 2026-03-11T14:00:00+01:00.")
    return found


@dataclass
class Context:
    """The view from one step of one run. `data` is what templates may use: plain values only.

    `people` answers whom a recipient word means (a user, a group, an address, a path); `refuses`
    why a person must not be written to, if so; `paused` why customers must not be reminded now.
    Values that templates found missing are collected in `missing`, for the run's history.
    """

    binder: Binder
    facts: Facts
    record: Subject
    data: Mapping[str, Any]
    people: Callable[[str], list[Person]]
    refuses: Callable[[Person], str | None]
    paused: Callable[[], str | None]
    lines: Callable[[], list[dict[str, Any]]]
    workflow: str = ""
    run: int | None = None
    missing: list[str] = field(default_factory=list)

    def own(self, name: str) -> Any:
        """The value of a field of the record itself."""
        return self.facts.value(self.binder.schema.path(self.binder.module, name))

    def handle(self, word: str) -> str | None:
        """The user or group a word means: a field of the record that holds one, or its name."""
        known = self.binder.module.by_name.get(word)
        found = self.own(word) if known and known.type == "owner" else word
        return str(found) if found else None

    def day(self, word: str) -> date:
        """A day written as a word (`today+3d`) or as a date. Raises `BadValue`."""
        if moment := parse_moment(word):
            when = moment.resolve(self.now, self.binder.calendar)
            return self.binder.calendar.today(when) if isinstance(when, datetime) else when
        return DAY.parse(word) or self.binder.today

    def moment(self, word: str) -> datetime:
        """A point in time written as a word (`now+2h`) or in full. Raises `BadValue`."""
        return moment(word, self.binder)

    @property
    def now(self) -> datetime:
        return self.binder.now

    def render(self, source: str, form: Form = "text") -> str:
        """A template as text."""
        done: Rendered = parse(source).render(
            self.data, form=form, timezone=self.binder.calendar.timezone
        )
        self.missing.extend(done.missing)
        return done.text

    def value(self, source: Any) -> Any:
        """A template that is one expression keeps the type of its value; anything else is text."""
        if isinstance(source, str):
            return self._value(source)
        if isinstance(source, dict):
            return {key: self.value(part) for key, part in source.items()}
        if isinstance(source, (list, tuple)):
            return [self.value(part) for part in source]
        return source

    def _value(self, source: str) -> Any:
        template = parse(source)
        if template.constant:
            return source
        value = template.value(self.data, timezone=self.binder.calendar.timezone)
        return value.id if isinstance(value, Named) else value
