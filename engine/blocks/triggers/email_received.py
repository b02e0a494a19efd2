"""A customer's mail starts the workflow."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks.checking import Checking
from engine.blocks.triggers import Listen, Trigger
from engine.conditions import AllOf, AnyOf, Binder, Compare, Condition
from engine.conditions.operators import alternatives
from engine.phrases import listed, mark, say, say_count
from engine.problems import Problem
from engine.schema.own_modules import EMAILS

FILTERS = {
    "subject": mark("its subject has {words}"),
    "body": mark("its text has {words}"),
    "content": mark("its subject or text has {words}"),
    "from_address": mark("the sender's address has {words}"),
    "from_name": mark("the sender's name has {words}"),
}
FIELDS = {"from_address": "sender", "from_name": "sender_name"}
OR = "A comma means or: `refund, dispute`."


class EmailReceived(Trigger):
    """Starts for each mail that comes in and belongs to a customer (module emails).

    A mail of somebody unknown starts it as soon as a person says which customer it is from.
    Mail sent by a machine, or from our own addresses, starts nothing. What a mail quotes of an
    earlier one is no part of its text here.
    """

    type: Literal["email_received"] = "email_received"
    subject: str = Field("", description=f"Only if the subject has one of these words. {OR}")
    body: str = Field("", description=f"Only if the text has one of these words. {OR}")
    content: str = Field("", description=f"Only if the subject or the text has one of them. {OR}")
    from_address: str = Field("", description=f"Only if the sender's address has this. {OR}")
    from_name: str = Field("", description=f"Only if the sender's name has this. {OR}")
    received_after: str = Field("", description="Only from this day on, like 2026-03-01.")
    received_before: str = Field("", description="Only before this day.")
    once_per_sender_hours: int | None = Field(
        None,
        ge=0,
        le=8760,
        description="For one sender it runs once in so many hours. If nothing is said: 24 where it "
        "writes to the customer, so that two machines do not answer each other; else each mail.",
    )
    known_as: ClassVar[tuple[str, ...]] = ("mail_received", "inbound_email")
    example: ClassVar[dict[str, Any]] = {"type": "email_received", "subject": "refund, dispute"}
    icon: ClassVar[str] = "mail-open"
    about: ClassVar[str] = EMAILS
    from_outside: ClassVar[bool] = True

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("created"), Listen("modified", frozenset({"account"})))

    def condition(self) -> Condition:
        asked: list[Condition] = [
            Compare(field="direction", op="equals", value="in"),
            Compare(field="auto_submitted", op="equals", value=False),
            Compare(field="account", op="is_not_empty"),
            *(self._has(name) for name in FILTERS if getattr(self, name)),
        ]
        if self.received_after:
            asked.append(Compare(field="received_at", op="at_least", value=self.received_after))
        if self.received_before:
            asked.append(Compare(field="received_at", op="less_than", value=self.received_before))
        return AllOf(all=tuple(asked))

    def _has(self, name: str) -> Condition:
        fields = ("subject", "body") if name == "content" else (FIELDS.get(name, name),)
        words: list[Any] = [*alternatives(getattr(self, name))]
        parts = tuple(Compare(field=field, op="contains_any", value=words) for field in fields)
        return parts[0] if len(parts) == 1 else AnyOf(any=parts)

    def supposed(self) -> Mapping[str, JsonValue]:
        return {"direction": "in", "status": "received"}

    def say(self, binder: Binder) -> str:
        asked, told = listed(self._asked()), say("When a customer's mail is received")
        if asked:
            told = say("When a customer's mail is received and {conditions}", conditions=asked)
        if not self.once_per_sender_hours:
            return told
        return say_count(
            "{start}, once in {count} hour for each sender",
            "{start}, once in {count} hours for each sender",
            self.once_per_sender_hours,
            start=told,
        )

    def _asked(self) -> Iterator[str]:
        """What it asks of a mail, each in words."""
        for name, phrase in FILTERS.items():
            if given := getattr(self, name):
                words = [say("“{text}”", text=word) for word in alternatives(given)]
                yield say(phrase, words=listed(words, "or"))
        if self.received_after:
            yield say("it came on or after {day}", day=self.received_after)
        if self.received_before:
            yield say("it came before {day}", day=self.received_before)

    def check(self, checking: Checking) -> Iterator[Problem]:
        misplaced = list(self.misplaced(checking))
        yield from misplaced
        for name in FILTERS:
            if (words := getattr(self, name)) and not alternatives(words):
                yield Problem(name, "there is no word between the commas.", "Write one, or none.")
        if misplaced:
            return
        for name, op in (("received_after", "at_least"), ("received_before", "less_than")):
            if day := getattr(self, name):
                asked = Compare(field="received_at", op=op, value=day)
                for problem in checking.condition(asked, "", event=True):
                    yield Problem(name, problem.message, problem.remedy)
