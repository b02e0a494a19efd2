"""What a step may know when it decides: the record, earlier results, the time. No writing."""

from abc import ABC, abstractmethod
from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, Protocol, cast

from engine.company.calendar import parse_moment
from engine.company.company import Company
from engine.company.message_limits import Channel
from engine.conditions import Binder, Condition
from engine.conditions.readings import Facts
from engine.problems import BadValue, Invalid
from engine.records.named import ActiveWorkflow, Subject
from engine.schema.civil_times import as_written
from engine.schema.fields import Field
from engine.schema.modules import Module
from engine.schema.stored_files import AttachedFiles
from engine.templates import Rendered, Setting, Template, TextProblem, parse
from engine.templates.filters import Form, Named
from engine.templates.shorthands import is_shortcode
from engine.templates.spoken import language_of
from engine.templates.variables import meaning
from engine.templates.wording import FOR_ALL, Wording, chosen

ON_DUTY = "on_duty:"
DAY, MOMENT = Field(name="day", type="date"), Field(name="moment", type="datetime")


@dataclass(frozen=True)
class Person:
    """Somebody who can be written to: a user, a group's mailbox, or a record with an address.

    `record` is where it comes from, like "contacts/3", and `contact` and `account` the ids of the
    contact and the account that are meant; `language` is "" if unknown.
    """

    address: str
    name: str = ""
    handle: str = ""
    contact: int | None = None
    account: int | None = None
    language: str = ""
    record: str = ""
    members: tuple[str, ...] = ()

    @property
    def users(self) -> tuple[str, ...]:
        """The users who are meant: for a mailbox those of its group."""
        return self.members or ((self.handle,) if self.handle else ())


def once(people: Iterable[Person]) -> list[Person]:
    """Each address once, as it was first found; those without one are told apart by record."""
    kept: dict[str, Person] = {}
    for person in people:
        kept.setdefault(person.address.casefold() or person.record, person)
    return list(kept.values())


class Around(Protocol):
    """What a step may look up beyond its record."""

    def user(self, handle: str) -> Mapping[str, Any] | None: ...

    def group(self, name: str) -> Mapping[str, Any] | None: ...

    def row(self, module: Module, id: int) -> Mapping[str, Any] | None:
        """The values of a record; None if there is none."""

    def related(self, module: Module, field: str, value: Any) -> list[int]:
        """The records of a module of which this field holds that value."""

    def next_in_turn(self, group: str) -> str | None:
        """The member of a group whose turn it would be now."""

    def workflow(self, known: int | str) -> ActiveWorkflow | None:
        """The one active workflow with this number or name."""

    def chosen(self, module: Module, condition: Condition, most: int) -> list[Subject]:
        """The first records of a module that fit, as far as `most`. Raises `Invalid`."""

    def refused(self, address: str, channel: Channel = "email") -> str | None:
        """Why nobody may write to this address or number automatically; None if they may."""


def moment(written: str | date, binder: Binder) -> datetime:
    """A point in time as a word (`now+2h`) or in full, in UTC. Raises `BadValue`.

    One that names no zone is the company's; a day, however it is written, means 9 o'clock.
    """
    known = parse_moment(written) if isinstance(written, str) else None
    when = known.resolve(binder.now, binder.calendar) if known else as_written(written)
    if when is not None and not isinstance(when, datetime):
        return binder.calendar.at(when, time(9))
    found = MOMENT.parse(when or written, binder.calendar.timezone)
    if not isinstance(found, datetime):
        raise BadValue("it does not say when.", "Write now+2h, or 2026-03-11T14:00:00+01:00.")
    return found


@dataclass
class Context(ABC):
    """The view from one record of one run at one step. `data` is what templates may use: plain
    values only.

    `language` is that of the reader, `written_in` that of the texts, where it is known. Values that
    templates found missing are collected in `missing`, for the run's history, and what else it
    should tell in `warnings`.
    """

    binder: Binder
    facts: Facts
    record: Subject
    data: Mapping[str, Any]
    around: Around
    workflow: str = ""
    run: int | None = None
    language: str = ""
    written_in: str = ""
    texts: Mapping[str, tuple[Wording, ...]] = field(default_factory=dict)
    company: Company = field(default_factory=Company)
    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @abstractmethod
    def people(self, word: str, by: Channel = "email") -> list[Person]:
        """Whom a recipient word means: a user, a group, an address, a path, a rule."""

    @abstractmethod
    def refuses(self, person: Person) -> str | None:
        """Why a person must not be written to automatically; None if they may be."""

    @abstractmethod
    def paused(self) -> str | None:
        """Why customers must not be reminded of this record now; None if they may be."""

    @abstractmethod
    def lines(self) -> list[dict[str, Any]]:
        """The lines of the record, as plain data."""

    @abstractmethod
    def each(self) -> "list[Context]":
        """The same view from every record of the run that still belongs to it."""

    @abstractmethod
    def unsubscribe(self, address: str) -> str:
        """The link with which the reader of a mail to this address ends all of it."""

    @abstractmethod
    def look(self, key: str) -> Mapping[str, Any] | None:
        """The values of any record (`tasks/12`); None if there is no such record any more."""

    @abstractmethod
    def described(self, person: Person) -> Mapping[str, Any]:
        """A person as templates read them."""

    @abstractmethod
    def attached_files(self, words: Iterable[str]) -> AttachedFiles:
        """The files that these words of `attach` mean."""

    def addressed(self, person: Person) -> "Context":
        """The same view for a text to this person: in their language, `contact` being them."""
        # Nothing is ever written to a chain, which is all that would need more than a Mapping.
        given = cast(MutableMapping[str, Any], self.data)
        data = ChainMap({"contact": self.described(person)}, given)
        ours = self.company.language if person.handle else self.language
        return replace(self, data=data, language=person.language or ours)

    def own(self, name: str) -> Any:
        """The value of a field of the record itself."""
        return self.facts.value(self.binder.schema.path(self.binder.module, name))

    def handle(self, word: str) -> str | None:
        """The user or group a word means: a field of the record, a name, or on_duty:Group."""
        if word.startswith(ON_DUTY):
            found = (self.around.group(word.removeprefix(ON_DUTY)) or {}).get("on_duty")
            return str(found) if found else None
        path = self.binder.schema.owner_path(self.binder.module, word)
        found = self.facts.value(path) if path else word
        return str(found) if found else None

    def assigned(self, word: str) -> str | None:
        """As `handle`; in the place of a user who is switched off, the owner of the record."""
        who = self.handle(word)
        if who is None or not self.absent(who):
            return who
        owner = self.own("owner")
        stands_in = str(owner) if owner and not self.absent(str(owner)) else None
        self.warnings.append(f"{who} is switched off: {stands_in or 'nobody'} is given it instead")
        return stands_in

    def absent(self, handle: str) -> bool:
        """Whether this is a user who has been switched off."""
        user = self.around.user(handle)
        return user is not None and user.get("active") is False

    def day(self, word: str) -> date:
        """A day written as a word (`today+3d`) or as a date. Raises `BadValue`."""
        if moment := parse_moment(word):
            when = moment.resolve(self.now, self.binder.calendar)
            return self.binder.calendar.today(when) if isinstance(when, datetime) else when
        return DAY.parse(word, self.binder.calendar.timezone) or self.binder.today

    def moment(self, word: str | date) -> datetime:
        """A point in time: a word (`now+2h`), one in full, or a day. Raises `BadValue`."""
        return moment(word, self.binder)

    def wording(self, name: str) -> Wording:
        """What a template of the library says, in the reader's language if it has that."""
        installation = str(self.data["company"]["language"])
        return chosen(self.texts[name], (self._reader, FOR_ALL, installation))

    @property
    def now(self) -> datetime:
        return self.binder.now

    def reading(self, wording: Wording) -> "Context":
        """The same view for a text of the library, which is in the language that it is for."""
        return replace(self, written_in=wording.language)

    def spoken(self, texts: Mapping[str, Form]) -> "Context":
        """The same view for texts that go together, which are written in one language.

        It is that of their own words, as this reader is given them; where these do not plainly
        tell another, it is the reader's.
        """
        if self.written_in or not any(parse(source).localised for source in texts):
            return self
        trial = replace(self, missing=[], warnings=[])
        words = "\n".join(trial._rendered(source, form).words for source, form in texts.items())
        return replace(self, written_in=language_of(words, self._reader, self.company.language))

    def render(self, source: str, form: Form = "text") -> str:
        """A template as text."""
        done = self._rendered(source, form)
        self.missing.extend(done.missing)
        return done.text

    def _rendered(self, source: str, form: Form) -> Rendered:
        template, setting = parse(source), self._setting(form)
        return template.render(self._known(template), setting)

    def _known(self, template: Template) -> dict[str, Any]:
        """What a template names; for shortcodes of other products, the fields they stand for."""
        known = {root: self.data.get(root) for root in template.roots}
        for root in filter(is_shortcode, template.roots):
            known[root] = self._meant(root)
        return {**known, "language": self._reader}

    def _meant(self, shortcode: str) -> Any:
        try:
            path = meaning(shortcode, self.binder.module, self.binder.schema)
        except Invalid as invalid:
            raise TextProblem(f"`{shortcode}`: {invalid.problems[0].message}") from invalid
        root, *keys = path.split(".")
        value = self.data.get(root)
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _setting(self, form: Form = "text") -> Setting:
        """For whom, when and in what form a template is written."""
        calendar = self.binder.calendar
        return Setting(self.written_in or self._reader, calendar.timezone, self.now, calendar, form)

    @property
    def _reader(self) -> str:
        """The language of whoever reads what is written here."""
        return self.language or str(self.data["language"])

    def value(self, source: Any) -> Any:
        """A template that is one expression keeps the type of its value; anything else is text."""
        if isinstance(source, str):
            return self._value(source)
        if isinstance(source, dict):
            return {key: self.value(part) for key, part in source.items()}
        if isinstance(source, (list, tuple)):
            return [self.value(part) for part in source]
        return source

    def _value(self, source: str) -> Any:
        template = parse(source)
        if template.constant:
            return source
        setting = self._setting()
        found = template.value(self._known(template), setting)
        self.missing.extend(found.missing)
        return found.value.id if isinstance(found.value, Named) else found.value
