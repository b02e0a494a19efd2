"""A deleted record starts the workflow."""

from typing import Any, ClassVar, Literal

from engine.blocks.triggers import Listen, Trigger
from engine.conditions import Binder
from engine.phrases import say
from engine.schema.english import article


class RecordDeleted(Trigger):
    """Starts when a record is deleted; its last values can still be read."""

    type: Literal["record_deleted"] = "record_deleted"
    example: ClassVar[dict[str, Any]] = {"type": "record_deleted"}
    icon: ClassVar[str] = "trash-2"

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("deleted"),)

    def say(self, binder: Binder) -> str:
        return say("When {record} is deleted", record=article(binder.module.singular))
