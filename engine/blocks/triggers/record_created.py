"""A new record starts the workflow."""

from typing import Any, ClassVar, Literal

from engine.blocks.triggers import Listen, Trigger
from engine.conditions import Binder
from engine.phrases import say
from engine.schema.english import article


class RecordCreated(Trigger):
    """Starts once for each new record, and never for a change of an old one."""

    type: Literal["record_created"] = "record_created"
    known_as: ClassVar[tuple[str, ...]] = ("created", "new_record")
    example: ClassVar[dict[str, Any]] = {"type": "record_created"}

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("created"),)

    def say(self, binder: Binder) -> str:
        return say("When {record} is created", record=article(binder.module.singular))
