"""What starts a workflow: a change of a record, a point in time, or a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, JsonValue

from engine.blocks.checking import Checking
from engine.company.windows import Window
from engine.conditions import Binder, Condition
from engine.problems import Problem


@dataclass(frozen=True)
class Listen:
    """A kind of change that a workflow wants to hear of; `fields` are those it looks at."""

    kind: Literal["created", "modified", "deleted"]
    fields: frozenset[str] | None = None


class Trigger(BaseModel):
    """One way to start. Its class is its schema, its form and its documentation.

    `about` is the one module that it is for, if it is for one alone. What comes `from_outside` no
    workflow can cause. One that `minds_itself` does not tell people of changes of its own making:
    that they start nothing is what it is expected to do. It shows as an `icon` of Lucide. Elsewhere
    it is `known_as` something else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    types: ClassVar[dict[str, type[Trigger]]] = {}
    example: ClassVar[dict[str, Any]]
    icon: ClassVar[str] = "zap"
    repeats: ClassVar[bool] = False
    about: ClassVar[str] = ""
    from_outside: ClassVar[bool] = False
    minds_itself: ClassVar[bool] = False
    known_as: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.model_fields:
            (name,) = get_args(cls.model_fields["type"].annotation)
            Trigger.types[name] = cls

    @classmethod
    def meant(cls) -> dict[str, str]:
        """The types of trigger, by what they are known as elsewhere."""
        return {word: name for name, kind in cls.types.items() for word in kind.known_as}

    @property
    def kind(self) -> str:
        return str(getattr(self, "type"))  # noqa: B009 - every concrete trigger has a type

    def listens(self) -> tuple[Listen, ...]:
        """The changes that may start it."""
        return ()

    def condition(self) -> Condition | None:
        """What it asks of the change, beside the workflow's own conditions."""
        return None

    def next_dates(self, window: Window | None, binder: Binder) -> list[datetime]:
        """When the clock starts it next while the window is open, in UTC: three times at most."""
        return []

    def supposed(self) -> Mapping[str, JsonValue]:
        """What a record has that starts it, where one is only supposed."""
        return {}

    def say(self, binder: Binder) -> str:
        """When it starts, as the beginning of a sentence."""
        raise NotImplementedError

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from self.misplaced(checking)

    def misplaced(self, checking: Checking) -> Iterator[Problem]:
        """That the workflow is about other records than this trigger, if it is."""
        schema, here = checking.binder.schema, checking.module
        if self.about and here.name != self.about:
            there = schema.modules.get(self.about)
            meant = there.label.lower() if there else self.about
            told = f"`{self.kind}` is about {meant}, and this workflow is about "
            yield Problem(
                "type", f"{told}{here.label.lower()}.", f'Write "module": "{self.about}".'
            )
