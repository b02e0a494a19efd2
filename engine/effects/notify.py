"""The effect of telling users something, each in the ways that they have chosen."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from engine.effects import Outcome, RecordEffect, Store
from engine.records.states import Result
from engine.schema.own_modules import NOTIFICATIONS

HOW = {"bell": "in Sayso", "email": "by mail", "digest": "in the daily digest"}


class Told(BaseModel):
    """One way in which one user is told; mail is sent at `send_at`, and not in this transaction."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: str
    way: Literal["bell", "email", "digest"]
    send_at: datetime | None = None


class Notify(RecordEffect):
    """A notice for each user in each of the user's ways."""

    counted: ClassVar[str] = "notice"
    kind: Literal["notify"] = "notify"
    notices: tuple[Told, ...]
    text: str
    record: str
    run: int | None = None

    @property
    def users(self) -> list[str]:
        return list(dict.fromkeys(each.user for each in self.notices))

    def say(self) -> str:
        return f"tell {self._told()}: “{self.text}”"

    def apply(self, store: Store) -> Outcome:
        for each in self.notices:
            values = {"user": each.user, "text": self.text, "record": self.record, "run": self.run}
            waits = {"state": "waiting", "send_at": each.send_at} if each.send_at else {}
            store.create(NOTIFICATIONS, {**values, "channel": each.way, **waits})
        return Outcome(Result.DONE, f"told {self._told()}", self._gives())

    def _gives(self) -> dict[str, JsonValue]:
        return {"users": [*self.users]}

    def _told(self) -> str:
        """The users, and how those are told who do not just find it in Sayso."""
        named = []
        for user in self.users:
            ways = [each.way for each in self.notices if each.user == user]
            how = "" if ways == ["bell"] else f" ({' and '.join(HOW[way] for way in ways)})"
            named.append(f"{user}{how}")
        return ", ".join(named)
