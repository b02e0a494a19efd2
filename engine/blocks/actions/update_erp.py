"""The action of changing the record in the accounting system that it came from."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.rights import Host, Need, Right
from engine.blocks.step import Action, Look, Values
from engine.blocks.words import quoted
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.erp import MISSING, SECRET, SETTING, ChangeErp
from engine.phrases import listed, mark, say
from engine.problems import BadValue, Problem
from engine.records.states import Result
from engine.schema.erp_types import doubtful, split, typed
from engine.schema.modules import Module
from engine.schema.purposes import Purpose
from engine.templates import parse

SOURCE = "source_id"
# The level of a workflow: what a record of its module is called there, and in the address.
LEVELS = {
    Purpose.CUSTOMER: ("customer", "customers"),
    Purpose.INVOICE: ("invoice", "invoices"),
    Purpose.CREDIT_NOTE: ("credit_note", "credit_notes"),
    Purpose.PAYMENT: ("payment", "payments"),
}

COUNTERPARTS = {
    "customer": mark("customer"),
    "invoice": mark("invoice"),
    "credit_note": mark("credit note"),
    "payment": mark("payment"),
}


class UpdateErp(Action):
    """Set fields of the record's own counterpart in the accounting system, and of nothing else."""

    type: Literal["update_erp"] = "update_erp"
    level: Literal["", "customer", "invoice", "credit_note", "payment"] = Field(
        "", description="What is changed there; it can only be what the workflow is about."
    )
    values: Values = Field(
        description="Fields there and their values: boolean:true, integer:5, decimal:12.50, "
        "null:null to clear, all else as text; or true, 5, 12.5 and null as they are."
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "tell_accounting",
        "type": "update_erp",
        "values": {"collection_status": "reminded", "reminders": "integer:1"},
    }
    outward: ClassVar[bool] = True
    icon: ClassVar[str] = "database"
    look: ClassVar[Look] = "outside"
    gives: ClassVar[tuple[str, ...]] = ("status", "answer")

    def say(self, binder: Binder) -> str:
        own, _ = _level(binder.module)
        what = say(COUNTERPARTS[own]) if own else binder.module.singular.lower()
        told = [
            say("{field} to {value}", field=name, value=_said(raw, binder))
            for name, raw in self.values.items()
        ]
        phrase = mark("set {changes} on the {record} in the accounting system")
        return say(phrase, changes=listed(told), record=what)

    def hosts(self) -> Iterable[Host]:
        return (Host(setting=SETTING, secret=SECRET),)

    def may(self, binder: Binder) -> Iterator[Right]:
        told = say("the record's counterpart in the accounting system")
        yield Right("change", "erp", told, say("Changes the accounting system"))

    def needs(self) -> Iterable[Need]:
        told = f"{MISSING}: this step would fail."
        yield Need(
            "an accounting system",
            lambda world, _: bool(world.erp_url),
            told,
            f"Set {SETTING} and restart.",
        )

    def check(self, checking: Checking) -> Iterator[Problem]:
        module, schema = checking.module, checking.binder.schema
        own, _ = _level(module)
        if not own or SOURCE not in module.by_name:
            told = f"{module.label} have no counterpart in the accounting system."
            known = [there.name for each in LEVELS if (there := schema.find(each))]
            yield Problem("type", told, f"Only workflows of these have: {', '.join(known)}.")
        elif self.level and self.level != own:
            told = f"a workflow of {module.label} cannot change a {_spoken(self.level)} there."
            yield Problem("level", told, f"It changes the {_spoken(own)}; leave it out.")
        if not self.values:
            yield Problem("values", "nothing would be changed.", 'Write {"status": "reminded"}.')
        for name, raw in self.values.items():
            if isinstance(raw, (dict, list)):
                remedy = "Write one value: text, a number, true, false or null."
                yield Problem(f"values.{name}", "this is no single value.", remedy)
            elif isinstance(raw, str) and "{{" not in raw:
                yield from _mistyped(name, raw)
            else:
                yield from checking.text(raw, f"values.{name}")

    def advise(self) -> Iterator[Problem]:
        """Values whose type looks mistyped: they would be sent as the text they are."""
        for name, raw in self.values.items():
            if isinstance(raw, str) and (meant := doubtful(raw)):
                told = f"`{raw}` is sent as this very text."
                remedy = f"If you mean the type, write {meant}:; if the text, write string:{raw}."
                yield Problem(f"values.{name}", told, remedy)

    def filled(self, ctx: Context) -> Action:
        """Templates are filled in as text, so that the type in front counts and nothing else."""
        values = {name: _filled(raw, ctx) for name, raw in self.values.items()}
        return self.model_copy(update={"values": values})

    def plan(self, ctx: Context) -> ChangeErp:
        source = ctx.own(SOURCE)
        if not source:
            cause = f"“{ctx.binder.module.field(SOURCE).title}” is empty"
            told = f"{ctx.record.number} has no counterpart in the accounting system: {cause}."
            raise Unplanned(
                Outcome(Result.FAILED, f"{told} Fill it in, then try again from this step.")
            )
        values: dict[str, JsonValue] = {}
        for name, raw in self.values.items():
            try:
                values[name] = typed(raw) if isinstance(raw, str) else raw
            except BadValue as bad:
                raise BadValue(f"{name}: {bad.message}", bad.remedy) from None
        return ChangeErp(
            level=_level(ctx.binder.module)[1],
            source_id=str(source),
            title=ctx.record.number,
            values=values,
        )


def _spoken(level: str) -> str:
    return level.replace("_", " ")


def _filled(raw: JsonValue, ctx: Context) -> JsonValue:
    """A value with its template filled in; one that is a single field as programs write it."""
    if not isinstance(raw, str) or parse(raw).constant:
        return raw
    prefix, value = split(raw)
    if not parse(value).is_expression:
        return ctx.render(raw)
    return f"{prefix}{_written(ctx.value(value))}"


def _written(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
    return str(value)


def _mistyped(name: str, raw: str) -> Iterator[Problem]:
    try:
        typed(raw)
    except BadValue as bad:
        yield Problem(f"values.{name}", bad.message, bad.remedy)


def _said(raw: JsonValue, binder: Binder) -> str:
    if isinstance(raw, str) and "{{" in raw:
        return quoted(split(raw)[1], binder)
    if not isinstance(raw, str):
        return say("empty") if raw is None else str(raw).lower()
    try:
        meant = typed(raw)
    except BadValue:
        return quoted(raw, binder)
    if meant is None:
        return say("empty")
    return quoted(meant, binder) if isinstance(meant, str) else str(meant).lower()


def _level(module: Module) -> tuple[str, str]:
    """What a record of the module is called there, and in the address; "" where it has no twin."""
    return LEVELS.get(module.purpose, ("", "")) if module.purpose else ("", "")
