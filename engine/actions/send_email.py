"""The action of sending a mail."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.checking import Checking
from engine.conditions import Binder
from engine.context import Context, Person
from engine.effects import Outcome, Unplanned
from engine.effects.mail import SendMail, follow_up
from engine.modules import Module, Schema
from engine.phrases import people, quoted
from engine.problems import Invalid, Problem, suggest
from engine.steps import Action, Html, Text, Texts, Write

RECHECK = timedelta(hours=1)


class SendEmail(Action):
    """Send a mail to people named by address, user, group, or a field that leads to them."""

    type: Literal["send_email"] = "send_email"
    to: Texts = Field(
        description="Addresses, users, groups, or fields: owner, account, contact.email, {{ ... }}."
    )
    cc: Texts = ()
    subject: Text = ""
    body: Text = Field("", description="Plain text; blank lines part paragraphs.")
    html: Html = Field("", description="The same as HTML, if it should look different.")
    delivery: Literal["at_most_once", "at_least_once"] = Field(
        "at_most_once", description="What to prefer when the mail server's answer was lost."
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "remind",
        "type": "send_email",
        "to": ["account"],
        "subject": "Invoice {{ record.number }}",
        "body": "Dear customer,\n\nplease pay {{ record.balance|money('EUR') }}.",
    }
    icon: ClassVar[str] = "mail"
    gives: ClassVar[tuple[str, ...]] = ("to", "subject", "message_id")

    def say(self, binder: Binder) -> str:
        copies = f", with a copy to {people(self.cc, binder)}" if self.cc else ""
        return f"send the mail {quoted(self.subject, binder)} to {people(self.to, binder)}{copies}"

    def reads(self) -> Iterable[str]:
        return (*self.to, *self.cc)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write("emails", "*")

    def check(self, checking: Checking) -> Iterator[Problem]:
        if not self.to:
            remedy = 'Name someone, like "to": ["account"] or "to": ["owner"].'
            yield Problem("to", "the mail has no recipient.", remedy)
        for key, words in (("to", self.to), ("cc", self.cc)):
            for position, word in enumerate(words):
                yield from recipient(word, f"{key}.{position}", checking)
        if not self.subject.strip():
            yield Problem(
                "subject", "the mail has no subject.", "Say in a few words what it is about."
            )
        if not (self.body.strip() or self.html.strip()):
            yield Problem("body", "the mail has no text.", "Write what it should say.")

    def plan(self, ctx: Context) -> SendMail:
        to = [person for word in self.to for person in ctx.people(word)]
        if not to:
            raise Unplanned(self._nobody(ctx))
        if not all(person.handle for person in to) and (why := ctx.paused()):
            raise Unplanned(Outcome("held", f"not sent now: {why}", again_at=ctx.now + RECHECK))
        admitted, left_out = _admitted(to, ctx)
        copied, left_copies = _admitted(
            [person for word in self.cc for person in ctx.people(word)], ctx
        )
        if not admitted:
            raise Unplanned(Outcome("skipped", f"not sent: {'; '.join(left_out)}"))
        account = ctx.own("account") if "account" in ctx.binder.module.by_name else None
        company = ctx.data["company"]
        return SendMail(
            sender=company["sender"],
            sender_name=company["name"],
            to=tuple(dict.fromkeys(admitted)),
            cc=tuple(address for address in dict.fromkeys(copied) if address not in admitted),
            subject=self.subject,
            text=self.body,
            html=self.html,
            about=ctx.record.key,
            account=account if ctx.binder.module.name != "accounts" else ctx.record.id,
            run=ctx.run,
            step=self.id,
            workflow=ctx.workflow,
            owner=ctx.own("owner"),
            twice_rather_than_never=self.delivery == "at_least_once",
            left_out=(*left_out, *left_copies),
        )

    def _nobody(self, ctx: Context) -> Outcome:
        whose = people(self.to, ctx.binder) if self.to else "the customer"
        cause = f"no recipient for {ctx.record.number}: there is no address for {whose}"
        remedy = "Fill in the address, then try again from this step."
        after = follow_up(ctx.workflow, f"{cause}. {remedy}", ctx.record.key, ctx.own("owner"))
        return Outcome("failed", f"{cause}. {remedy}", then=after)


def _admitted(people: list[Person], ctx: Context) -> tuple[list[str], list[str]]:
    """The addresses that may be written to, and why the others may not."""
    asked = [(person, ctx.refuses(person)) for person in people]
    return [person.address for person, why in asked if not why], [why for _, why in asked if why]


def recipient(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    """What is wrong with a recipient word. Templates are checked as templates."""
    if "{{" in word or "@" in word:
        return
    name = word.removeprefix("group:")
    if name in checking.handles:
        return
    try:
        field = checking.binder.schema.path(checking.module, name, path).field
    except Invalid:
        people = [
            field.name
            for field in checking.module.by_name.values()
            if field.type in ("owner", "email", "reference")
        ]
        known = [*people, *checking.handles]
        yield Problem(
            path,
            f"`{word}` is no address, user, group or field.",
            suggest(name, known, "There are"),
        )
        return
    target = checking.binder.schema.target(field)
    if field.type not in ("owner", "owners", "email") and not (target and target.email_field):
        yield Problem(
            path,
            f"{field.title} does not lead to anybody's address.",
            "Choose a person, an account or an e-mail field.",
        )
