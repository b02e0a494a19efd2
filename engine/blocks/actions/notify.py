"""The action of telling users something inside Sayso."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.group_recipients import of_one
from engine.blocks.recipient_rights import recipients
from engine.blocks.recipient_words import recipient
from engine.blocks.rights import Right
from engine.blocks.step import Action, Text, Texts, Write
from engine.blocks.words import people, quoted
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.notify import Notify as Notice
from engine.effects.notify import Told
from engine.people.notification_preferences import ways
from engine.phrases import listed, say
from engine.problems import Problem
from engine.records.states import Result
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import NOTIFICATIONS


class Notify(Action):
    """Tell users something about this record: in Sayso, by mail or in a daily digest, as they wish.

    What each user wants is that user's own choice, on the page of the account.
    """

    type: Literal["notify"] = "notify"
    to: Texts = Field(description="Users, groups, or fields that hold one: owner, supervisor.")
    text: Text = Field(description="What to say.", min_length=1)
    known_as: ClassVar[tuple[str, ...]] = ("notification", "notice", "alert")
    example: ClassVar[dict[str, Any]] = {
        "id": "tell",
        "type": "notify",
        "to": ["owner"],
        "text": "Look at {{ record.number }}",
    }
    quotes: ClassVar[bool] = True
    icon: ClassVar[str] = "bell"
    gives: ClassVar[tuple[str, ...]] = ("users",)

    def say(self, binder: Binder) -> str:
        whom, text = people(self.to, binder), quoted(self.text, binder)
        return say("tell {people}: {text}", people=whom, text=text)

    def reads(self) -> Iterable[str]:
        return self.to

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(NOTIFICATIONS, "*")

    def may(self, binder: Binder) -> Iterator[Right]:
        yield from recipients("tell", self.to, binder)

    def tells(self) -> Mapping[str, Any]:
        return {"text": self.text}

    def check(self, checking: Checking) -> Iterator[Problem]:
        if not self.to:
            yield Problem("to", "nobody would be told.", 'Name someone, like "to": ["owner"].')
        for position, word in enumerate(self.to):
            yield from recipient(word, f"to.{position}", checking)
        yield from of_one(self.to, "to", checking)

    def plan(self, ctx: Context) -> Notice:
        users = [user for word in self.to for person in ctx.people(word) for user in person.users]
        if not users:
            whose = people(self.to, ctx.binder) if self.to else "the list"
            said = f"nobody to tell of {ctx.record.number}: {whose} is empty."
            raise Unplanned(
                Outcome(Result.FAILED, f"{said} Fill it in, then try again from this step.")
            )
        notices = [notice for user in dict.fromkeys(users) for notice in self._ways(user, ctx)]
        if not notices:
            names = list(dict.fromkeys(users))
            said = f"not told: {listed(names)} want{'s' if len(names) == 1 else ''} no notices"
            raise Unplanned(Outcome(Result.SKIPPED, said))
        return Notice(notices=tuple(notices), text=self.text, record=ctx.record.key, run=ctx.run)

    def _ways(self, user: str, ctx: Context) -> Iterator[Told]:
        wishes = ctx.around.user(user) or {}
        for each in ways(user, wishes, ctx.now, ctx.binder.calendar.timezone):
            yield Told(user=each.user, way=each.way, send_at=each.send_at)
