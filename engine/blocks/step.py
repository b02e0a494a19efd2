"""What a workflow is made of: steps that decide, and the moves they can decide on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.disclosures import disclosed, setting
from engine.blocks.rights import Host, Need, Right
from engine.company.company import Company
from engine.company.message_limits import Channel
from engine.conditions import Binder, Condition
from engine.effects import Effect, Outcome, Unplanned
from engine.effects.records import together
from engine.outside.world import World
from engine.phrases import mark, say
from engine.problems import BadValue, Problem
from engine.records.states import Result
from engine.schema.english import listed
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import (
    CALENDAR,
    DOCUMENTS,
    EMAILS,
    NOTES,
    NOTIFICATIONS,
    TASKS,
    TEXT_MESSAGES,
)
from engine.templates.filters import Form


@dataclass(frozen=True)
class Do:
    """Make this change, then go on."""

    effect: Effect


@dataclass(frozen=True)
class Enter:
    """Go down this branch; it rejoins after the step that holds it."""

    branch: str
    why: str


@dataclass(frozen=True)
class Sleep:
    """Go on, but not before then."""

    until: datetime


@dataclass(frozen=True)
class Skip:
    """Nothing is done here, or, if that `ends` the run, from here on; the outcome says why."""

    outcome: Outcome
    ends: bool = False


@dataclass(frozen=True)
class End:
    """There is nothing more to do."""

    reason: str


@dataclass(frozen=True)
class Await:
    """Go on once something has come about, at the latest at `until`.

    A change of `record` (as `module/id`) may bring it; `said` tells what is waited for.
    """

    record: str
    said: str
    until: datetime | None = None


Move = Do | Enter | Sleep | Await | Skip | End
SAYING = ("may", "hosts", "functions")
BESIDE = (EMAILS, TEXT_MESSAGES, NOTIFICATIONS, NOTES, TASKS, CALENDAR, DOCUMENTS)
"""The modules in which a step keeps what it did, or what people have to do."""
Look = Literal["if", "wait", "outside", "action", "end"]


@dataclass(frozen=True)
class Write:
    """A field that a step may change, and to what if that is known; "*" means a new record.

    One that `moves` changes the field once more when it is done once more: a sum, whose turn it is.
    """

    module: str
    field: str
    value: JsonValue = None
    moves: bool = False


@dataclass(frozen=True)
class Template:
    """Marks settings that are templates: before an action plans, values fit for `form` go in.

    One that names people or files is not `told` to anybody.
    """

    form: Form = "text"
    told: bool = True


Text = Annotated[str, Template()]
Html = Annotated[str, Template("html")]
Url = Annotated[str, Template("url")]
JsonText = Annotated[str, Template("json")]
Texts = Annotated[tuple[str, ...], Template(told=False)]
Values = Annotated[dict[str, JsonValue], Template()]


class Step(BaseModel):
    """One block of a workflow. Its class is its schema, its form and its documentation.

    It shows as an `icon` (a name of Lucide) on a tile of its `look`; where its sentence `quotes`
    something, the sentence is parted behind that. `outward` tells that what it does leaves the
    house: a message, by its `channel`, or a call. It sends templates of the library that are of
    its `template_kind`. Elsewhere it is `known_as` something else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    types: ClassVar[dict[str, type[Step]]] = {}
    example: ClassVar[dict[str, Any]]
    icon: ClassVar[str] = "box"
    look: ClassVar[Look] = "action"
    quotes: ClassVar[bool] = False
    gives: ClassVar[tuple[str, ...]] = ()
    outward: ClassVar[bool] = False
    channel: ClassVar[Channel | Literal[""]] = ""
    template_kind: ClassVar[str] = ""
    known_as: ClassVar[tuple[str, ...]] = ()

    id: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,62}$", description="A short name, unique in the workflow."
    )
    label: str = Field("", description="What people call this step.")
    on_error: Literal["stop", "continue"] = Field(
        "stop", description="What a failure does to the run."
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" not in cls.model_fields:
            return
        if cls.outward and not any(getattr(cls, it) is not getattr(Step, it) for it in SAYING):
            told = f"is outward, and none of its own `{'`, `'.join(SAYING)}` says what it may do"
            raise TypeError(f"{cls.__name__} {told}: whoever approves it would not see it.")
        (name,) = get_args(cls.model_fields["type"].annotation)
        Step.types[name] = cls

    @classmethod
    def meant(cls) -> dict[str, str]:
        """The types of step, by what they are known as elsewhere."""
        return {word: name for name, kind in cls.types.items() for word in kind.known_as}

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, given: Any) -> Any:
        """A setting that is null is one that is not given, if it need not be."""
        if not isinstance(given, dict):
            return given
        fields = cls.model_fields.items()
        optional = {field.alias or name for name, field in fields if not field.is_required()}
        return {key: part for key, part in given.items() if part is not None or key not in optional}

    @property
    def kind(self) -> str:
        return str(getattr(self, "type"))  # noqa: B009 - every concrete step has a type

    def branches(self) -> Mapping[str, tuple[Step, ...]]:
        """The steps inside, by the name of their branch."""
        return {}

    def templates(self) -> dict[str, Any]:
        """The settings that are templates, as written."""
        return {name: getattr(self, name) for name in self.forms()}

    @classmethod
    def forms(cls) -> dict[str, Form]:
        """The form of each setting that is a template."""
        return {name: mark.form for name, mark in cls._marks()}

    @classmethod
    def _marks(cls) -> Iterator[tuple[str, Template]]:
        for name, field in cls.model_fields.items():
            yield from ((name, mark) for mark in field.metadata if isinstance(mark, Template))

    @property
    def template_named(self) -> str:
        """The template of the library that it sends, by name; "" for none."""
        return str(getattr(self, "template", ""))

    def tells(self) -> Mapping[str, Any]:
        """The settings whose text leaves with it: all that say something, if it reaches outside."""
        if not (self.outward or any(self.hosts())):
            return {}
        return {name: getattr(self, name) for name, mark in self._marks() if mark.told}

    def keys(self) -> tuple[str, ...]:
        """What later steps can read of this one's result."""
        return self.gives

    def answered(self) -> tuple[str, ...]:
        """Of these, what somebody outside has written: all that a machine outside answers."""
        return self.keys() if any(self.hosts()) and not self.channel else ()

    def say(self, binder: Binder) -> str:
        """What it does, verb first: "send “Reminder” to the account"."""
        raise NotImplementedError

    def sentence(self, binder: Binder) -> str:
        """What it does, never in its author's words, which can say anything."""
        said = self.say(binder)
        return said[:1].upper() + said[1:]

    def heading(self, binder: Binder) -> str:
        """What it does, then what its author calls it: "Stop (“All done”)"."""
        said = self.sentence(binder)
        return say("{step} (“{label}”)", step=said, label=self.label) if self.label else said

    def reads(self) -> Iterable[str]:
        """The paths it reads beside those in its templates, among words that are no path."""
        return ()

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        """What it may change in records."""
        yield from ()

    def hosts(self) -> Iterable[Host]:
        """The machines outside that it calls. An effect that calls another is not done."""
        return ()

    def functions(self) -> Iterable[str]:
        """The functions of installed packages that it calls, by name."""
        return ()

    def senders(self) -> Iterable[str]:
        """The senders in whose name it writes, beside the company itself."""
        return ()

    def starts(self) -> Iterable[int | str]:
        """The workflows that it starts, by number or name."""
        return ()

    def may(self, binder: Binder) -> Iterator[Right]:
        """What it may do beside writing, calling hosts, starting workflows, running functions and
        telling what its texts say."""
        yield from ()

    def rights(self, binder: Binder) -> Iterator[Right]:
        """All that it may do, for whoever approves it."""
        yield from self.may(binder)
        for write in self.writes(binder.module, binder.schema):
            yield _writing(write, binder)
        for host in self.hosts():
            yield from host.rights()
        for name in self.functions():
            told = say("the function {function}", function=name)
            yield Right("run", name, told, say("Calls a function"))
        for named in self.starts():
            number = isinstance(named, int)
            told = mark("workflow {workflow}") if number else mark("“{workflow}”")
            words = say(told, workflow=named)
            yield Right("start", str(named), words, say("Starts another workflow"))
        for name, text in self.tells().items():
            yield from disclosed(text, setting(name), binder)

    def needs(self) -> Iterable[Need]:
        """What has to be set up here before it can do its work."""
        return ()

    def lacks(self, world: World, company: Company) -> Iterator[Problem]:
        """What it needs and is not set up here."""
        for need in self.needs():
            if not need.met(world, company):
                yield Problem("", need.otherwise, need.remedy)

    def asked(self) -> Iterable[tuple[str, Condition]]:
        """The conditions it asks, each with the module it asks it of; "" for that of the run."""
        return ()

    def check(self, checking: Checking) -> Iterator[Problem]:
        """What is wrong beyond its schema and its templates."""
        yield from ()

    def advise(self) -> Iterator[Problem]:
        """What is unwise about its settings, sound as they are."""
        yield from ()

    def decide(self, ctx: Context) -> Move:
        """Choose the next move from what is known now. Reads only; changes nothing."""
        raise NotImplementedError

    def awaits(self, given: Mapping[str, JsonValue]) -> Await | None:
        """What is waited for after an effect of this step is done, if anything."""
        return None

    def came(self, ctx: Context, given: Mapping[str, JsonValue], *, late: bool) -> Outcome | None:
        """How the waiting ended: it came, or it is too `late`; None while it goes on."""
        return Outcome(Result.DONE, "")

    def supposed(self) -> Mapping[str, JsonValue]:
        """What a rehearsal supposes that its waiting gave."""
        return {}


class Action(Step):
    """A step that makes exactly one change, of the first record of a run that has several.

    It is planned for each of them where it is `of_each`, or at once for all where it is `for_all`.
    """

    of_each: ClassVar[bool] = False
    for_all: ClassVar[bool] = False

    @property
    def several(self) -> bool:
        """Whether it changes each of the records of a run, and not the first alone."""
        return self.of_each or self.for_all

    def plan(self, ctx: Context) -> Effect:
        """The change, fully described. Raises `Unplanned` where there is none to make."""
        raise NotImplementedError

    def decide(self, ctx: Context) -> Move:
        try:
            effect = self._of_all(ctx) if self.of_each else self.filled(ctx).plan(ctx)
            return Do(self._approved(effect))
        except Unplanned as nothing:
            return Skip(nothing.outcome)
        except BadValue as bad:
            return Skip(Outcome(Result.FAILED, f"{bad.message} {bad.remedy}".strip()))

    def _approved(self, effect: Effect) -> Effect:
        """The effect, if it calls no host but those that people saw when they approved the step."""
        if unknown := {*effect.calls} - {host.name for host in self.hosts()}:
            told = f"it would call {listed(sorted(unknown))}, which its step does not name."
            raise Unplanned(Outcome(Result.FAILED, f"{told} Name the host in the step itself."))
        return effect

    def _of_all(self, ctx: Context) -> Effect:
        """One change for all records of the run. Those with nothing to change are left out."""
        plans: list[Effect] = []
        left: list[Unplanned] = []
        failed: list[Unplanned] = []
        for one in ctx.each():
            try:
                plans.append(self.filled(one).plan(one))
            except Unplanned as nothing:
                (failed if nothing.outcome.result == Result.FAILED else left).append(nothing)
            except BadValue as bad:
                said = f"{one.record.number}: {bad.message} {bad.remedy}".strip()
                failed.append(Unplanned(Outcome(Result.FAILED, said)))
        if failed or not plans:
            raise (failed or left)[0]
        return together(plans)

    def filled(self, ctx: Context) -> Action:
        """The same action with its templates filled in."""
        forms = {name: (getattr(self, name), form) for name, form in self.forms().items()}
        read = {source: form for source, form in forms.values() if _is_read(source, form)}
        spoken = ctx.spoken(read)
        return self.model_copy(
            update={name: _fill(source, form, spoken) for name, (source, form) in forms.items()}
        )


def _is_read(source: Any, form: Form) -> bool:
    """Whether people read it: an address or JSON is for programs."""
    return isinstance(source, str) and form in ("text", "html")


def _writing(write: Write, binder: Binder) -> Right:
    """The right to write: "status of tickets", "new notes"."""
    module = binder.schema.modules.get(write.module)
    label = module.label.lower() if module else write.module
    known = module.by_name.get(write.field) if module else None
    name = known.title.lower() if known else write.field
    told = say("{field} of {records}", field=name, records=label)
    new = say("new {records}", records=label)
    usual = write.module == binder.module.name or write.module in BESIDE
    return Right(
        "write",
        f"{write.module}.{write.field}",
        new if write.field == "*" else told,
        "" if usual else say("Changes another module"),
    )


def _fill(source: Any, form: Form, ctx: Context) -> Any:
    if isinstance(source, str):
        return ctx.render(source, form)
    if isinstance(source, tuple):
        return tuple(part for text in source for part in texts(ctx.value(text)))
    return ctx.value(source)


def texts(value: Any) -> list[str]:
    """A template in a list may give several values, or none. Raises `BadValue`."""
    several = value if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(part, Mapping) for part in several):
        told = "a whole record stands where a name, an address or a word should."
        raise BadValue(told, "Name one of its fields, like `{{ record.email }}`.")
    return [str(part) for part in several if part not in (None, "")]
