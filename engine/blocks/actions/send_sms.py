"""The action of sending a text message."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from engine.blocks.checking import Checking
from engine.blocks.communication import Communication
from engine.blocks.context import Context, Person
from engine.blocks.named_addresses import chosen, templated
from engine.blocks.recipient_rights import recipients
from engine.blocks.recipient_words import EACH, FROM_SOURCE, PEOPLE, canonical, recipient
from engine.blocks.rights import Host, Need, Right
from engine.blocks.step import Action, Text, Texts, Write, texts
from engine.blocks.words import people, quoted
from engine.company.message_limits import Channel
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.sms import MISSING, SETTING, Callee, SendText
from engine.phrases import mark, say
from engine.problems import BadValue, Invalid, Problem
from engine.records.states import Result
from engine.records.text_library import TEXT_MESSAGE
from engine.schema.modules import Module, Path, Schema
from engine.schema.own_modules import USERS
from engine.schema.phones import e164
from engine.schema.purposes import Purpose
from engine.templates.sms_length import MOST_PARTS, measure

FIRST = ("mobile", "phone")


class SendSms(Communication):
    """Send a text message to people named by number, user, group, or a field that leads to them."""

    type: Literal["send_sms"] = "send_sms"
    to: Texts = Field(
        description="Phone numbers, users, groups, or fields: contact.mobile, account, owner. Of a "
        "person who has both, the mobile phone is used.",
        min_length=1,
    )
    body: Text = Field("", description="What it says; 160 plain characters are one part.")
    template: str = Field("", description="A template of the library, in the place of `body`.")
    known_as: ClassVar[tuple[str, ...]] = ("sms", "text_message")
    example: ClassVar[dict[str, Any]] = {
        "id": "text_them",
        "type": "send_sms",
        "to": ["primary_contact"],
        "body": "{{ record.number }} needs your answer.",
    }
    channel: ClassVar[Channel] = "sms"
    template_kind: ClassVar[str] = TEXT_MESSAGE
    icon: ClassVar[str] = "smartphone"
    gives: ClassVar[tuple[str, ...]] = ("to", "parts", "message_id")

    @field_validator("to")
    @classmethod
    def _canonical(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(canonical(word) for word in words)

    def say(self, binder: Binder) -> str:
        text = quoted(self.body, binder) if self.body else say("“{text}”", text=self.template)
        told = mark("send the text message {text} to {people}")
        if self.body and "{" not in self.body:
            told = mark("send the text message {text} ({length}) to {people}")
        length, whom = measure(self.body), people(self.to, binder)
        return self.timed(say(told, text=text, length=length, people=whom))

    def reads(self) -> Iterable[str]:
        return [word.removeprefix(EACH).removeprefix(FROM_SOURCE) for word in self.to]

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write("sms", "*")

    def hosts(self) -> Iterable[Host]:
        return (Host(setting=SETTING),)

    def may(self, binder: Binder) -> Iterator[Right]:
        yield from recipients("text", self.to, binder)
        yield Right("send", "sms", say("text messages"), say("Sends text messages"))

    def needs(self) -> Iterable[Need]:
        told = f"{MISSING}: this step would fail."
        yield Need(
            "an SMS provider",
            lambda world, _: world.sms is not None,
            told,
            f"Set {SETTING} and restart.",
        )

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from super().check(checking)
        for position, word in enumerate(self.to):
            yield from _callable(word, f"to.{position}", checking)
        if self.template:
            yield from checking.named_template(self.template, "template")
        for wording in checking.templates.get(self.template, ()):
            if not wording.body.strip():
                told = f"the template “{self.template}” has no {wording.called('body')}."
                yield Problem("template", told, "Fill in its text, or choose another.")
        if bool(self.body.strip()) == bool(self.template):
            said = "there are two texts." if self.template else "the message has no text."
            yield Problem("body", said, "Write `body`, or name a `template` of the library.")
        if (long := measure(self.body)).parts > MOST_PARTS:
            remedy = f"Shorten it to {MOST_PARTS} parts or fewer."
            yield Problem("body", f"the message is too long: {long}.", remedy)

    def reachable(self, ctx: Context) -> list[Person]:
        return list(_callees(self._called(ctx), ctx)[0].values())

    def _called(self, ctx: Context) -> list[Person]:
        return [person for word in self.to for person in _meant(word, ctx)]

    def filled(self, ctx: Context) -> Action:
        """The same step with its text written for the person it goes to."""
        found = self._called(ctx)
        reader = ctx.addressed(found[0]) if found else ctx
        if not self.template:
            return Action.filled(self, reader)
        wording = reader.wording(self.template)
        worded = self.model_copy(update={"body": wording.body})
        return Action.filled(worded, reader.reading(wording))

    def plan(self, ctx: Context) -> SendText:
        callees, wrong = _callees(self._called(ctx), ctx)
        if not callees:
            whose = people(self.to, ctx.binder)
            cause = f"no number for {ctx.record.number}: there is no phone number for {whose}"
            told = (
                f"{'; '.join(wrong) or cause}. Fill in the number, then try again from this step."
            )
            raise Unplanned(Outcome(Result.FAILED, told, cause="address"))
        if not all(callee.ours for callee in callees) and (why := ctx.paused()):
            raise Unplanned(Outcome(Result.HELD, f"not sent now: {why}", cause="pause"))
        asked = [(callee, _refusal(callee, person, ctx)) for callee, person in callees.items()]
        left_out = [why for _, why in asked if why]
        admitted = tuple(callee for callee, why in asked if not why)
        if not admitted:
            raise Unplanned(Outcome(Result.SKIPPED, f"not sent: {'; '.join(left_out)}"))
        if (long := measure(self.body)).parts > MOST_PARTS:
            raise Unplanned(Outcome(Result.FAILED, f"the message is too long: {long}. Shorten it."))
        ctx.warnings.extend([*wrong, *(f"left out {why}" for why in left_out)])
        return SendText(
            to=admitted,
            text=self.body,
            about=ctx.record.key,
            run=ctx.run,
            step=self.id,
            left_out=tuple(left_out),
        )


def _callable(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    """What is wrong with a word for whom to send to, as with recipients of mails."""
    if templated(word):
        yield from chosen(word, path, checking, ("phone", *PEOPLE), _callable)
    elif "@" in word:
        yield Problem(path, f"`{word}` is no phone number.", "Write one like +33612345678.")
    elif _is_number(word):
        try:
            e164(word)
        except BadValue as bad:
            yield Problem(path, bad.message, "Write it with its country code: +33612345678.")
    elif (field := _field(word, checking)) is None or field.type != "phone":
        yield from recipient(word, path, checking)


def _field(word: str, checking: Checking) -> Any:
    try:
        return checking.binder.schema.path(checking.module, word).field
    except Invalid:
        return None


def _is_number(word: str) -> bool:
    return word.lstrip("+(").replace(" ", "")[:1].isdigit()


def _meant(word: str, ctx: Context) -> list[Person]:
    """Whom a word means; of somebody known by a number alone, the number is the address."""
    meant = texts(ctx.value(word))
    return [person for each in meant for person in _one(each, ctx)]


def _one(word: str, ctx: Context) -> list[Person]:
    if _is_number(word):
        return [Person(word)]
    schema, module = ctx.binder.schema, ctx.binder.module
    if word.partition(".")[0] in module.by_name:
        path = schema.path(module, word)
        if path.field.type == "phone":
            number = ctx.facts.value(path)
            return [_holder(path, str(number), ctx)] if number else []
    found = [each for person in ctx.people(word, "sms") for each in _singly(person, ctx)]
    return [_with_number(person, ctx) for person in found]


def _singly(person: Person, ctx: Context) -> list[Person]:
    """A group's mailbox has no telephone: its members have."""
    if not person.members:
        return [person]
    users = [(handle, ctx.around.user(handle)) for handle in person.members]
    return [
        Person("", str(row.get("name") or handle), handle, record=f"{USERS}/{row['id']}")
        for handle, row in users
        if row
    ]


def _holder(path: Path, number: str, ctx: Context) -> Person:
    """Whose number a field holds: the record's own, or that of the record it leads to."""
    module, id = ctx.binder.module, ctx.record.id
    if path.hops:
        module = path.hops[-1].module
        id = ctx.facts.value(Path(path.module, path.hops[:-1], path.hops[-1].field))
    row = ctx.look(f"{module.name}/{id}") if isinstance(id, int) else None
    if row is None:
        return Person(number)
    return Person(
        number,
        str(row.get(module.name_field) or ""),
        handle=str(row["username"]) if module.name == USERS else "",
        contact=row["id"] if module.purpose == Purpose.CONTACT else None,
        account=row["id"] if module.purpose == Purpose.CUSTOMER else row.get("account"),
        language=str(row.get("language") or ""),
        record=f"{module.name}/{row['id']}",
    )


def _with_number(person: Person, ctx: Context) -> Person:
    """The person, with their number in the place of their e-mail address."""
    row = ctx.look(person.record) if person.record else None
    name, _, _ = person.record.partition("/")
    fields = ctx.binder.schema.modules[name].fields if row else ()
    phones = [field.name for field in fields if field.type == "phone"]
    ordered = sorted(phones, key=lambda one: FIRST.index(one) if one in FIRST else len(FIRST))
    numbers = [row[phone] for phone in ordered if row and row.get(phone)]
    return Person(**{**vars(person), "address": str(numbers[0]) if numbers else ""})


def _callees(found: Iterable[Person], ctx: Context) -> tuple[dict[Callee, Person], list[str]]:
    """Each number once, as the world dials it; and what cannot be dialled, with why."""
    callees: dict[Callee, Person] = {}
    wrong = []
    for one in found:
        if not one.address:
            wrong.append(f"there is no phone number for {one.name}")
            continue
        try:
            number = e164(one.address, _country(one, ctx))
        except BadValue as bad:
            wrong.append(f"{one.name}: {bad.message}" if one.name else bad.message)
            continue
        if number in {callee.number for callee in callees}:
            continue
        who = {"contact": one.contact, "account": one.account or _account(ctx)}
        ours = bool(one.handle)
        callees[Callee(number=number, name=one.name, ours=ours, **who)] = one
    return callees, [each.rstrip(".") for each in wrong]


def _country(person: Person, ctx: Context) -> str | None:
    """The country of a number without one: that of its holder, of the account, the company's."""
    keys = (person.record, _customer(person.account, ctx))
    rows = [ctx.look(key) for key in keys if key]
    found = next((row["country"] for row in rows if row and row.get("country")), None)
    return str(found) if found else ctx.company.country


def _customer(account: int | None, ctx: Context) -> str:
    """Where a customer is found, like "accounts/3"; "" for none."""
    home = ctx.binder.schema.find(Purpose.CUSTOMER)
    return f"{home.name}/{account}" if home and account else ""


def _account(ctx: Context) -> int | None:
    if ctx.binder.module.purpose == Purpose.CUSTOMER:
        return ctx.record.id
    return ctx.own("account") if "account" in ctx.binder.module.by_name else None


def _refusal(callee: Callee, person: Person, ctx: Context) -> str | None:
    """Why somebody must not be texted automatically; None if they may be."""
    if callee.ours:
        return None
    for key in (person.record, _customer(callee.account, ctx)):
        name, _, _ = key.partition("/")
        flag = ctx.binder.schema.modules[name].opt_out.get("sms") if key else None
        if flag and (ctx.look(key) or {}).get(flag):
            return f"{callee} has opted out of text messages"
    return ctx.around.refused(callee.number, "sms") or ctx.around.refused(person.address, "sms")
