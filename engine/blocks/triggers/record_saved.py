"""A new or changed record starts the workflow."""

from typing import Any, ClassVar, Literal

from engine.blocks.triggers import Listen, Trigger
from engine.conditions import Binder
from engine.phrases import say
from engine.schema.english import article


class RecordSaved(Trigger):
    """Starts when a record is created and each time anything of it is changed.

    A save that changes nothing does not start it, unless its event is forced (`force_event`).
    """

    type: Literal["record_saved"] = "record_saved"
    known_as: ClassVar[tuple[str, ...]] = ("saved", "record_created_or_modified")
    example: ClassVar[dict[str, Any]] = {"type": "record_saved"}

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("created"), Listen("modified"))

    def say(self, binder: Binder) -> str:
        return say("When {record} is created or changed", record=article(binder.module.singular))
