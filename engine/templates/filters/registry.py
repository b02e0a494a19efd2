"""All filters by name: what each does in words, an example that is true, and what it takes."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from engine.templates.filters.values import Form, Setting


@dataclass(frozen=True)
class Filter:
    """One filter. Those that take empty are given None for an empty field; others let it pass.

    `reads` is how it is said of a `{value}` with its settings, `[...]` only if they are given.
    `form` is that of the text in which its example gives what it says. One that starts from today
    (or from `now`) can be called without a date: `add_days(5)`.
    """

    name: str
    function: Callable[..., object]
    words: str
    reads: str
    example: str
    takes_empty: bool = False
    form: Form = "text"
    starts: str = ""

    @cached_property
    def localised(self) -> bool:
        return "setting" in inspect.signature(self.function).parameters

    @property
    def settings(self) -> str:
        """How it is written: `date(format, zone)`."""
        given = inspect.signature(self.function).parameters.values()
        names = [str(each).split(":")[0] for each in given if each.name != "setting"]
        return f"{self.name}({', '.join(names[1:])})" if names[1:] else self.name

    def takes(self, positional: int, named: Iterable[str]) -> bool:
        """Whether it can be given that many settings, and settings of these names."""
        given = dict.fromkeys([*named, *(["setting"] if self.localised else [])])
        try:
            inspect.signature(self.function).bind(None, *[None] * positional, **given)
        except TypeError:
            return False
        return "setting" not in named


FILTERS: dict[str, Filter] = {}

SAMPLE: dict[str, object] = {
    "contact": {"first_name": "Ana", "last_name": "Lopez", "nickname": None},
    "invoice": {
        "number": "INV-1",
        "due_date": date(2026, 1, 31),
        "note": "<b>Paid</b><script>x</script>",
        "paid": True,
    },
    "invoices": [
        {
            "number": "INV-2",
            "due_date": date(2026, 2, 20),
            "currency": "EUR",
            "balance": Decimal("100.00"),
        },
        {
            "number": "INV-1",
            "due_date": date(2026, 1, 20),
            "currency": "USD",
            "balance": Decimal("40.00"),
        },
    ],
    "sent_at": datetime(2026, 3, 10, 8, 0, tzinfo=UTC),
    "today": date(2026, 3, 10),
    "now": datetime(2026, 3, 10, 8, 0, tzinfo=UTC),
}
"""The data that the examples read."""

AT = Setting(now=datetime(2026, 3, 10, 8, 0, tzinfo=UTC))
"""When the examples are read."""

F = TypeVar("F", bound=Callable[..., object])


def register(
    *names: str,
    words: str,
    reads: str,
    example: str,
    takes_empty: bool = False,
    form: Form = "text",
    starts: str = "",
) -> Callable[[F], F]:
    """Make a function a filter, under each of these names."""

    def enter(function: F) -> F:
        for name in names:
            FILTERS[name] = Filter(name, function, words, reads, example, takes_empty, form, starts)
        return function

    return enter
