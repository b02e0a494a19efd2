"""The action of sending a mail."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from engine.blocks.attach_words import attached, attachment
from engine.blocks.checking import Checking
from engine.blocks.communication import Communication
from engine.blocks.context import Context, Person, once
from engine.blocks.disclosures import SENSITIVE
from engine.blocks.group_recipients import of_one
from engine.blocks.recipient_rights import recipients
from engine.blocks.recipient_words import EACH, FROM_SOURCE, canonical, recipient
from engine.blocks.replying import answered
from engine.blocks.rights import Host, Need, Right
from engine.blocks.step import Action, Html, Text, Texts, Write, texts
from engine.blocks.words import people, quoted
from engine.company.company import PLACEHOLDER, Company, Sender
from engine.company.message_limits import Channel
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.follow_up import follow_up
from engine.effects.mail import SendMail
from engine.outside.world import World
from engine.phrases import mark, say
from engine.problems import KnownAs, Problem, suggest
from engine.records.states import Result
from engine.records.text_library import E_MAIL
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import EMAILS
from engine.schema.purposes import Purpose
from engine.schema.stored_files import Attachment
from engine.templates import parse
from engine.templates.wording import Wording

RECHECK = timedelta(minutes=15)
# What it carries, in words, by `when_missing`.
CARRYING = {
    "fail": mark("{step}, with {files} attached"),
    "wait": mark("{step}, with {files} attached, waiting for what is not there yet"),
    "send": mark("{step}, with {files} attached where there is one"),
}


class SendEmail(Communication):
    """Send a mail to people named by address, user, group, field or rule, with files if wanted.

    Its text is written for the first person in `to`: `{{ contact.name }}` is theirs, and so is the
    language. Name one person there and the others in `cc`, who change neither.
    """

    type: Literal["send_email"] = "send_email"
    to: Annotated[Texts, KnownAs(("recipient", "recipients"))] = Field(
        description="Addresses, users, groups, fields (owner, account, contact.email, {{ ... }}), "
        "or `contacts`, `contacts:CFO,AP`, `primary_contact`, `invoice_contacts`, `records.owner`, "
        "`{{user_from_source_id:FIELD}}`."
    )
    cc: Texts = Field((), description="Who gets a copy; the same words as in `to`.")
    from_: str = Field(
        "", alias="from", description="The name of a sender; without it the company's own."
    )
    template: str = Field("", description="The name of a text in the library, to be sent.")
    subject: Annotated[Text, KnownAs(("title",))] = Field(
        "", description="Without it that of the template."
    )
    body: Annotated[Text, KnownAs(("text", "message", "content"))] = Field(
        "", description="Plain text; blank lines part paragraphs."
    )
    html: Html = Field("", description="The same as HTML, if it should look different.")
    attach: Texts = Field(
        (),
        description="`documents` (those of the record), a field with a file or document (`pdf`; "
        "`records.pdf` for each record of a group), a document's number, or {{ steps.make.id }}.",
    )
    when_missing: Literal["fail", "wait", "send"] = Field(
        "fail", description="What to do when a file that is to be attached is not there."
    )
    delivery: Literal["at_most_once", "at_least_once"] = Field(
        "at_most_once", description="What to prefer when the mail server's answer was lost."
    )
    known_as: ClassVar[tuple[str, ...]] = ("email", "mail", "e_mail")
    example: ClassVar[dict[str, Any]] = {
        "id": "remind",
        "type": "send_email",
        "to": ["account"],
        "subject": "Invoice {{ record.number }}",
        "body": "Dear customer,\n\nplease pay {{ record.balance|money('EUR') }}.",
    }
    channel: ClassVar[Channel] = "email"
    quotes: ClassVar[bool] = True
    template_kind: ClassVar[str] = E_MAIL
    icon: ClassVar[str] = "mail"
    gives: ClassVar[tuple[str, ...]] = ("to", "subject", "message_id")

    @field_validator("to", "cc")
    @classmethod
    def _canonical(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(canonical(word) for word in words)

    def say(self, binder: Binder) -> str:
        told = mark("send the mail {mail} to {people}")
        if self.from_:
            told = mark("send the mail {mail} in the name of {sender} to {people}")
        whom = people(self.to, binder)
        told = say(told, mail=self._named(binder), sender=self.from_, people=whom)
        if self.cc:
            told = say("{step}, with a copy to {people}", step=told, people=people(self.cc, binder))
        if self.attach:
            files = attached(self.attach, binder)
            told = say(CARRYING[self.when_missing], step=told, files=files)
        told = self.timed(told)
        if self.delivery == "at_least_once":
            told = say("{step}, again if it may not have arrived", step=told)
        return told

    def _named(self, binder: Binder) -> str:
        """The mail by its subject, and by the template that its text is from."""
        if not self.subject:
            return say("“{text}”", text=self.template)
        subject = quoted(self.subject, binder)
        if not self.template or self.body or self.html:
            return subject
        told = mark("{subject} (template “{template}”)")
        return say(told, subject=subject, template=self.template)

    def reads(self) -> Iterable[str]:
        words = (*self.to, *self.cc, *self.attach)
        return [word.removeprefix(EACH).removeprefix(FROM_SOURCE) for word in words]

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(EMAILS, "*")

    def hosts(self) -> Iterable[Host]:
        return (Host(setting="SAYSO_SMTP_URL"),)

    def may(self, binder: Binder) -> Iterator[Right]:
        yield from recipients("mail", (*self.to, *self.cc), binder)
        risk = say(SENSITIVE) if binder.module.sensitive else ""
        for word in self.attach:
            yield Right("attach", word, attached([word], binder), risk)

    def senders(self) -> Iterable[str]:
        return (self.from_,) if self.from_ else ()

    def needs(self) -> Iterable[Need]:
        if not self.from_:
            told = "no sender is set: its mails would stay here until there is one."
            remedy = "An admin sets it on the page System, or SAYSO_SENDER does."
            yield Need("a sender", _has_sender, told, remedy)

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from super().check(checking)
        if not self.to:
            remedy = 'Name someone, like "to": ["account"] or "to": ["owner"].'
            yield Problem("to", "the mail has no recipient.", remedy)
        for key, words in (("to", self.to), ("cc", self.cc)):
            for position, word in enumerate(words):
                yield from recipient(word, f"{key}.{position}", checking)
        yield from of_one(self.cc, "cc", checking)
        for position, word in enumerate(self.attach):
            yield from attachment(word, f"attach.{position}", checking)
        if self.from_ and self.from_.casefold() not in map(str.casefold, checking.senders):
            told = f"there is no sender `{self.from_}`."
            remedy = suggest(self.from_, checking.senders, "There are")
            yield Problem("from", told, f"{remedy} An admin adds senders on the page System.")
        yield from self._check_text(checking)

    def _check_text(self, checking: Checking) -> Iterator[Problem]:
        if self.template:
            yield from checking.named_template(self.template, "template")
        own_alone = () if self.template else (Wording(),)
        for wording in checking.templates.get(self.template, own_alone):
            named = f", as the template “{self.template}” has none{wording.spoken}"
            why = named if self.template else ""
            if not (self.subject.strip() or wording.subject.strip()):
                remedy = "Say in a few words what it is about."
                yield Problem("subject", f"the mail has no subject{why}.", remedy)
            if not any(text.strip() for text in (self.body, self.html, *wording.parts[1:])):
                yield Problem("body", f"the mail has no text{why}.", "Write what it should say.")

    def advise(self) -> Iterator[Problem]:
        if self.template and self.subject and (self.body or self.html):
            told = f"nothing of the template “{self.template}” is used: the step says all of it."
            yield Problem("template", told, "Leave out the template, or the text of the step.")
        texts = [parse(text) for text in (self.subject, self.body, self.html)]
        named = any(path.partition(".")[0] == "contact" for text in texts for path in text.paths)
        if named and (len(self.to) > 1 or any(map(_several, self.to))):
            told = "several people may be in To, and the name is that of the first alone."
            yield Problem("to", told, "Keep one person in `to`, and put the others in `cc`.")

    def reachable(self, ctx: Context) -> list[Person]:
        return _reachable([word for given in self.to for word in texts(ctx.value(given))], ctx)

    def filled(self, ctx: Context) -> Action:
        """The same step with its texts written for the person it goes to."""
        found = self.reachable(ctx)
        first = next((person for person in found if not ctx.refuses(person)), None)
        reader = ctx.addressed(first or found[0]) if found else ctx
        if not self.template:
            return Action.filled(self, reader)
        wording = reader.wording(self.template)
        own = self.body or self.html
        return Action.filled(self._worded(wording), reader if own else reader.reading(wording))

    def _worded(self, wording: Wording) -> "SendEmail":
        """The same step with what its template says, wherever it says nothing itself."""
        own = self.body or self.html
        text = {} if own else {"body": wording.body, "html": wording.html}
        return self.model_copy(update={"subject": self.subject or wording.subject, **text})

    def plan(self, ctx: Context) -> SendMail:
        to, cc, left_out = self._readers(ctx)
        customers = [person.address for person in (*to, *cc) if not person.handle]
        sender, thread, files = self._sender(ctx), answered(ctx, (*to, *cc)), self._files(ctx)
        ctx.warnings.extend(f"left out {why}" for why in left_out)
        return SendMail(
            sender=sender.address,
            sender_name=sender.name,
            reply_to=sender.reply_to,
            in_reply_to=thread,
            connection=sender.connection,
            to=tuple(person.address for person in to),
            cc=tuple(person.address for person in cc),
            subject=" ".join(self.subject.split()),
            text=self.body,
            html=self.html,
            attachments=files,
            about=ctx.record.key,
            account=_account(ctx, to[0]),
            contact=to[0].contact,
            run=ctx.run,
            step=self.id,
            workflow=ctx.workflow,
            owner=ctx.own("owner"),
            twice_rather_than_never=self.delivery == "at_least_once",
            customers=tuple(customers),
            unsubscribe=ctx.unsubscribe(customers[0]) if customers else "",
        )

    def _readers(self, ctx: Context) -> tuple[list[Person], list[Person], list[str]]:
        """To, Cc, and why others may not be written to. Raises `Unplanned` if nobody is left."""
        to = _reachable(self.to, ctx)
        if not to:
            raise Unplanned(self._nobody(ctx))
        if not all(person.handle for person in to) and (why := ctx.paused()):
            raise Unplanned(Outcome(Result.HELD, f"not sent now: {why}", cause="pause"))
        admitted, left_out = _admitted(to, ctx)
        if not admitted:
            raise Unplanned(Outcome(Result.SKIPPED, f"not sent: {'; '.join(left_out)}"))
        taken = {person.address.casefold() for person in to}
        copies = _reachable(self.cc, ctx)
        others = [person for person in copies if person.address.casefold() not in taken]
        copied, left_copies = _admitted(others, ctx)
        return admitted, copied, [*left_out, *left_copies]

    def _sender(self, ctx: Context) -> Sender:
        if found := ctx.company.sender_named(self.from_):
            return found
        told = f"there is no sender {self.from_} any more. Add it, then try again."
        raise Unplanned(Outcome(Result.FAILED, told))

    def _nobody(self, ctx: Context) -> Outcome:
        whose = people(self.to, ctx.binder) if self.to else "the customer"
        cause = f"no recipient for {ctx.record.number}: there is no address for {whose}"
        told = f"{cause}. Fill in the address, then try again from this step."
        return self._failed(ctx, told, "address")

    def _failed(self, ctx: Context, told: str, cause: str = "") -> Outcome:
        after = follow_up(ctx.workflow, self.id, told, ctx.record.key, ctx.own("owner"))
        return Outcome(Result.FAILED, told, then=after, cause=cause)

    def _files(self, ctx: Context) -> tuple[Attachment, ...]:
        """What goes with it. Raises `Unplanned` where something is not there, or must not leave."""
        found = ctx.attached_files(self.attach)
        if found.barred:
            told = f"the mail was not sent: {'; '.join(found.barred)}"
            raise Unplanned(Outcome(Result.FAILED, f"{told}. Attach something else."))
        missing = "; ".join(found.missing)
        if missing and self.when_missing == "fail":
            told = f"the mail was not sent, for want of what it is to carry: {missing}"
            raise Unplanned(self._failed(ctx, f"{told}. Add it, then try again from this step."))
        if missing and self.when_missing == "wait":
            told = f"waits for what it is to carry: {missing}"
            raise Unplanned(Outcome(Result.HELD, told, again_at=ctx.now + RECHECK, cause="file"))
        ctx.warnings.extend(f"not attached: {each}" for each in found.missing)
        return found.files


def _has_sender(world: World, company: Company) -> bool:
    """Whether mails have somebody to come from; without a mail server they need nobody."""
    return not world.smtp_url or company.sender != PLACEHOLDER


def _several(word: str) -> bool:
    """Whether a word means several people as a rule."""
    many = (*("contacts", "invoice_contacts"), *("group:", EACH, FROM_SOURCE))
    return word in many[:2] or word.startswith(many[2:])


def _reachable(words: Iterable[str], ctx: Context) -> list[Person]:
    """Whom these words mean, each once, without those that have no address."""
    found = once(person for word in words for person in ctx.people(word))
    for one in found:
        told = f"there is no address for {one.name}"
        if not one.address and told not in ctx.warnings:
            ctx.warnings.append(told)
    return [person for person in found if person.address]


def _admitted(people: list[Person], ctx: Context) -> tuple[list[Person], list[str]]:
    """Those who may be written to, and why the others may not."""
    asked = [(person, ctx.refuses(person)) for person in people]
    return [person for person, why in asked if not why], [why for _, why in asked if why]


def _account(ctx: Context, person: Person) -> int | None:
    """The customer it is about: the record itself, its account, or that of the reader."""
    if ctx.binder.module.purpose == Purpose.CUSTOMER:
        return ctx.record.id
    own = ctx.own("account") if "account" in ctx.binder.module.by_name else None
    return own if own is not None else person.account
