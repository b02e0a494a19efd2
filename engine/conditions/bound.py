"""A bound condition: every name a field, every value typed, every word for a day a date."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, Literal

from engine.company.calendar import Calendar
from engine.conditions.operators import Operator
from engine.problems import Problem
from engine.schema.fields import Field
from engine.schema.modules import Module, Path, Schema


@dataclass(frozen=True)
class Every:
    parts: tuple["Bound", ...]


@dataclass(frozen=True)
class Either:
    parts: tuple["Bound", ...]


@dataclass(frozen=True)
class Opposite:
    part: "Bound"


@dataclass(frozen=True)
class Filled:
    path: Path


@dataclass(frozen=True)
class Reached:
    """The references of this path all lead somewhere."""

    path: Path


@dataclass(frozen=True)
class Old:
    """The value a field of the record had before this change."""

    path: Path


@dataclass(frozen=True)
class Test:
    """Two filled values compared: a field with a value, another field, or an old value.

    `form` says how both are seen: text folded, as they are, or of a day its month and day alone.
    """

    path: Path
    operator: Operator
    value: Any
    form: Literal["folded", "exact", "month_day"] = "folded"


@dataclass(frozen=True)
class Change:
    """That a field was changed, or that it was changed to or from what fits `side`."""

    path: Path
    operator: Operator
    side: "Bound | None"


@dataclass(frozen=True)
class Tagged:
    """That one of the tags is of this category; `category` is folded."""

    path: Path
    category: str


@dataclass(frozen=True)
class Link:
    """A module whose records each join two others; `onward` leads to the further one."""

    module: Module
    onward: Field


@dataclass(frozen=True)
class Relation:
    """Which records of another module belong with this one: those whose `via` is our `anchor`.

    A `via` that may hold any record holds our anchor behind `prefix`. With a `link` it is the
    link's `via` that leads to us, and its `onward` that leads to them.
    """

    module: Module
    via: Field
    anchor: str
    prefix: str = ""
    link: Link | None = None

    def key(self, anchor: Any) -> Any:
        """What `via` holds where it means the record with this anchor."""
        return f"{self.prefix}{anchor}" if self.prefix and anchor is not None else anchor


@dataclass(frozen=True)
class Children:
    """How many of the related records fit: at least one, all of at least one, or none."""

    relation: Relation
    match: Literal["some", "every", "none"]
    where: "Bound"


@dataclass(frozen=True)
class Total:
    """How many related records there are, or what one of their fields adds up to, compared."""

    relation: Relation
    sum: Field | None
    where: "Bound"
    operator: Operator
    value: Any


Bound = Every | Either | Opposite | Filled | Reached | Test | Tagged | Change | Children | Total
NOTHING = Either(())
Lookup = Callable[[Module, str], int | None]
Called = Callable[[Module, int], str]


@dataclass
class Binder:
    """What names and words mean here and today. Problems found are collected, not raised."""

    schema: Schema
    module: Module
    now: datetime
    calendar: Calendar
    lookup: Lookup = lambda module, name: None
    handles: Collection[str] = ()
    event: bool = False
    problems: list[Problem] = field(default_factory=list)
    categories: Collection[str] = ()
    called: Called = lambda module, id: str(id)

    @property
    def today(self) -> date:
        return self.calendar.today(self.now)

    def of(self, module: Module) -> "Binder":
        """The same meanings seen from another module, where there is no change to look at."""
        return replace(self, module=module, event=False)

    def start(self, day: date) -> datetime:
        return self.calendar.at(day, time(0))
