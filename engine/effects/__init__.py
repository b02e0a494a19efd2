"""Changes to the world as plain data: planned by actions, kept in the ledger, done at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import Annotated, Any, ClassVar, Literal, Protocol, get_args

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter
from pydantic import Field as Key

from engine.company.message_limits import Channel
from engine.outside.world import World
from engine.records.states import Result


@dataclass(frozen=True)
class Outcome:
    """How an effect ended: in one word, in a sentence, and in what later steps may read.

    `held` and `retry` are tried again at `again_at`; what was held, and what is to be decided
    `anew`, with all it rests on asked again. `cause` names why in one word. `then` are record
    changes that belong to the outcome and are committed with it; with `made`, later steps read
    what the first of them gives. `bounced` are addresses that do not exist, each with what the
    other side said.
    """

    result: Result
    said: str
    gives: Mapping[str, JsonValue] = field(default_factory=dict)
    again_at: datetime | None = None
    then: tuple[RecordEffect, ...] = ()
    cause: str = ""
    anew: bool = False
    bounced: tuple[tuple[str, str], ...] = ()
    made: bool = False


class Store(Protocol):
    """The records as an effect may change them: in the transaction that closes its step."""

    def create(self, module: str, values: Mapping[str, Any]) -> Any: ...

    def update(self, module: str, id: int, values: Mapping[str, Any]) -> Any: ...

    def delete(self, module: str, id: int) -> Any: ...

    def ids(self, module: str, values: Mapping[str, Any]) -> list[int]:
        """The records whose fields have exactly these values."""

    def whole(self) -> AbstractContextManager[None]:
        """All that is done inside or, should it raise, nothing of it."""

    def alone(self, word: str) -> None:
        """Let nobody else do what goes by this word until the transaction ends."""

    def next_in_turn(self, group: str) -> str | None:
        """The member of a group whose turn it is, who then comes last; None if there is nobody."""

    def start(self, workflow: int, module: str, id: int) -> tuple[int | None, str]:
        """Start a run of another workflow: its number, or None and why there is none."""


class Effect(BaseModel):
    """One change, fully described: done twice with the same key, it changes the world once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    types: ClassVar[dict[str, type[Effect]]] = {}
    counted: ClassVar[str] = "change"  # what people call one of it: "1 mail, 2 changes"

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "kind" in cls.model_fields:
            (name,) = get_args(cls.model_fields["kind"].annotation)
            Effect.types[name] = cls

    @property
    def calls(self) -> tuple[str, ...]:
        """The hosts that it calls by an address of its own, as `http.host_of` tells them."""
        return ()

    def say(self) -> str:
        """What will be done, verb first: "send “Reminder” to ap@acme.test"."""
        raise NotImplementedError


class RecordEffect(Effect):
    """A change of records. It commits together with the step that planned it: exactly once."""

    def apply(self, store: Store) -> Outcome:
        raise NotImplementedError


class OutwardEffect(Effect):
    """A change outside our database: planned, committed, performed, its outcome committed."""

    channel: ClassVar[Channel | Literal[""]] = ""
    scope: ClassVar[str] = ""  # the word of the kill switch that stops it

    @property
    def reaches(self) -> tuple[str, ...]:
        """The addresses or numbers of all people it writes to, if it does."""
        return ()

    @property
    def strangers(self) -> tuple[str, ...]:
        """Those of them that are not our own users."""
        return ()

    def lacks(self, world: World) -> str | None:
        """What has to be set up before it can take off; None if nothing."""
        return None

    def barred(self, world: World) -> Outcome | None:
        """How it fails here and now before anybody outside is asked; None if somebody may be."""
        return None

    def preview(self) -> Outcome:
        """What performing it would most likely give, for a rehearsal."""
        raise NotImplementedError

    def perform(self, world: World, key: str, tries: int) -> Outcome:
        raise NotImplementedError

    def lost(self) -> Outcome:
        """What to say when a process died while performing it."""
        return Outcome(Result.RETRY, "the process stopped before the answer came")

    def given_up(self, said: str) -> Outcome:
        """What it comes to when it was tried often enough."""
        return Outcome(Result.FAILED, said)


class Unplanned(Exception):
    """A step found that it has nothing to do or cannot be done: its outcome, without an effect."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.said)
        self.outcome = outcome


@cache
def any_effect() -> TypeAdapter[Any]:
    """The closed set as one type, to be read back from entries. All files of it are imported.

    Ask for it when an effect is read, not at import.
    """
    for found in iter_modules(__path__, f"{__name__}."):
        import_module(found.name)
    union: Any = reduce(or_, Effect.types.values())
    closed: Any = Annotated[union, Key(discriminator="kind")]
    return TypeAdapter(closed)
