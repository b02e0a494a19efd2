"""The action of telling users something inside Sayso."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.actions.send_email import recipient
from engine.checking import Checking
from engine.conditions import Binder
from engine.context import Context
from engine.effects import Outcome, Unplanned
from engine.effects.notify import Notify as Notice
from engine.modules import Module, Schema
from engine.phrases import people, quoted
from engine.problems import Problem
from engine.steps import Action, Text, Texts, Write


class Notify(Action):
    """Put a notice about this record in front of users."""

    type: Literal["notify"] = "notify"
    to: Texts = Field(description="Users, groups, or fields that hold one: owner, supervisor.")
    text: Text = Field(description="What to say.", min_length=1)
    example: ClassVar[dict[str, Any]] = {
        "id": "tell",
        "type": "notify",
        "to": ["owner"],
        "text": "Look at {{ record.number }}",
    }
    icon: ClassVar[str] = "bell"
    gives: ClassVar[tuple[str, ...]] = ("users",)

    def say(self, binder: Binder) -> str:
        return f"tell {people(self.to, binder)}: {quoted(self.text, binder)}"

    def reads(self) -> Iterable[str]:
        return self.to

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write("notifications", "*")

    def check(self, checking: Checking) -> Iterator[Problem]:
        if not self.to:
            yield Problem("to", "nobody would be told.", 'Name someone, like "to": ["owner"].')
        for position, word in enumerate(self.to):
            yield from recipient(word, f"to.{position}", checking)

    def plan(self, ctx: Context) -> Notice:
        users = [person.handle for word in self.to for person in ctx.people(word) if person.handle]
        if not users:
            whose = people(self.to, ctx.binder) if self.to else "the list"
            said = f"nobody to tell of {ctx.record.number}: {whose} is empty."
            raise Unplanned(Outcome("failed", f"{said} Fill it in, then try again from this step."))
        return Notice(users=tuple(dict.fromkeys(users)), text=self.text, record=ctx.record.key)
