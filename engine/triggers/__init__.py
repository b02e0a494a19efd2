"""What starts a workflow: a change of a record, a point in time, or a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict

from engine.checking import Checking
from engine.conditions import Binder, Condition
from engine.problems import Problem


@dataclass(frozen=True)
class Listen:
    """A kind of change that a workflow wants to hear of; `fields` are those it looks at."""

    kind: Literal["created", "modified", "deleted"]
    fields: frozenset[str] | None = None


class Trigger(BaseModel):
    """One way to start. Its class is its schema, its form and its documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    types: ClassVar[dict[str, type[Trigger]]] = {}
    example: ClassVar[dict[str, Any]]
    repeats: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.model_fields:
            (name,) = get_args(cls.model_fields["type"].annotation)
            Trigger.types[name] = cls

    @property
    def kind(self) -> str:
        return str(getattr(self, "type"))  # noqa: B009 - every concrete trigger has a type

    def listens(self) -> tuple[Listen, ...]:
        """The changes that may start it."""
        return ()

    def condition(self) -> Condition | None:
        """What it asks of the change, beside the workflow's own conditions."""
        return None

    def say(self, binder: Binder) -> str:
        """When it starts, as the beginning of a sentence."""
        raise NotImplementedError

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from ()
