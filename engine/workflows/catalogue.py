"""What workflows are made of, told to whoever writes one: triggers, steps, operators, filters."""

from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import cleandoc
from typing import Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo

from engine.blocks.actions.call_function import CallFunction
from engine.blocks.step import Step, Template
from engine.blocks.triggers import Trigger
from engine.company.calendar import Calendar, parse_moment
from engine.conditions import Binder
from engine.conditions.operators import ANY, MEANT, OPERATORS, Operator
from engine.effects.functions import FUNCTIONS
from engine.schema.fields import FIELD_TYPES
from engine.schema.modules import Module, Schema
from engine.templates.filters import FILTERS
from engine.templates.variables import VARIABLES
from engine.workflows.recurrence import Recurrence, choices
from engine.workflows.rights import of_steps, risks
from engine.workflows.workflow import Workflow

Kind = Literal[
    "document", "trigger", "step", "operator", "value", "field", "variable", "filter", "function"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
SHARED = ("id", "label", "on_error")
CALLING = CallFunction.model_fields["type"].default
PARTS = {
    "steps": "list of steps",
    "then": "list of steps",
    "else": "list of steps",
    "trigger": "trigger",
    "conditions": "condition",
    "stop_when": "condition",
    "pause_when": "condition",
}


@dataclass(frozen=True)
class Setting:
    """One key of a block: what it takes, whether it is needed, and what it means."""

    name: str
    takes: str
    needed: bool
    default: JsonValue
    words: str


@dataclass(frozen=True)
class Block:
    """One thing that can stand in a document. `gives` is what later steps can read of it.

    Of a step also what its example `may` do, which of that is new and grave to a reviewer
    (`risks`), and what it `needs` to be set up.
    """

    kind: Kind
    type: str
    words: str
    settings: tuple[Setting, ...] = ()
    examples: tuple[JsonValue, ...] = ()
    gives: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Its words as one line: what is said first."""
        return self.words.partition("\n\n")[0].replace("\n", " ")


CONDITION: JsonValue = {
    "all": [
        {"field": "status", "op": "equals", "value": "Sent"},
        {
            "any": [
                {"field": "account.tier", "op": "is_empty"},
                {"not": {"field": "balance", "op": "equals", "value": 0}},
            ]
        },
    ]
}
DOCUMENT_WORDS = {
    "name": "Module - what it does.",
    "description": "Why it exists, in a sentence.",
    "category": "Any word to find it by.",
    "module": "The records it is about.",
    "trigger": "What starts it; kind trigger.",
    "conditions": "Which records: all, any, not, field comparisons, related records.",
    "recurrence": f"How often for one record: {choices(explained=True)}.",
    "everyone": "Confirms a schedule that writes to people or calls out, and has no conditions.",
    "group_by": "With a schedule: a reference or owner (account, account.group, owner); one run "
    'for all records that share it; "all": one run for all there are. Conditions ask each: '
    "who is done, paused or no longer fits is left out of the run, or of the message; an `if` says "
    "`some` or `every` in `of_group`; a wait for conditions ends when they hold of each.",
    "stop_when": "A condition that ends a run before its next step.",
    "pause_when": "A condition; while it holds for a record, nothing is written about it: the run "
    "waits at that step and goes on with it. Of a group, the others are written about.",
    "window": 'Hours in which a schedule looks for records and messages leave: {"from": "08:00", '
    '"to": "18:00", "days": "working_days"}; `days` may be ["mon", ...] or left out.',
    "steps": "What it does, in order; kind step.",
}
SCHEDULES: tuple[JsonValue, ...] = (
    {"type": "schedule", "every": "day", "at": "09:00"},
    {"type": "schedule", "every": "week", "weekdays": ["mon", "thu"], "at": "08:30"},
    {
        "type": "schedule",
        "every": "week",
        "weekdays": ["mon"],
        "interval": 2,
        "anchor": "2026-03-09",
        "at": "09:00",
    },
    {"type": "schedule", "every": "month", "days": [1, 15, "last"], "at": "07:00"},
    {"type": "schedule", "every": "month", "working_day": -1, "at": "17:00"},
    {
        "type": "schedule",
        "every": "month",
        "nth_weekday": {"nth": 2, "weekday": "tue"},
        "at": "09:00",
    },
    {"type": "schedule", "every": "year", "dates": ["07-14"], "at": "09:00"},
    {"type": "schedule", "every": "once", "date": "2026-12-24", "at": "10:00"},
    {"type": "schedule", "every": "hour"},
    {"type": "schedule", "every": "half_hour"},
    {"type": "schedule", "cron": "0 9 * * 1-5", "timezone": "Europe/Paris"},
)
VALUES: tuple[tuple[str, str, tuple[JsonValue, ...]], ...] = (
    (
        "literal",
        "A text, a number, true or false, or a list of them.",
        ("Sent", 1000, ["Open", "Waiting"]),
    ),
    (
        "day",
        "today, tomorrow, yesterday or now, with an offset: min, h, d, wd (working days), w, m, y.",
        ("today", "today-30d", "today+5wd", "now-48h", "today+1m"),
    ),
    (
        "field",
        "Another field of the record, also through references.",
        ({"field": "account.credit_limit"},),
    ),
    (
        "path",
        "A field is named by its path through references; where one may hold any record, with the "
        "module: record.invoices.balance. Where a path leads nowhere, only is_empty is true.",
        ("status", "account.owner.email", "record.invoices.balance"),
    ),
    ("old", "The value before the change; with triggers on a change only.", ({"old": "amount"},)),
    (
        "related",
        "A condition on related records: match some, every or none, or their count or sum. `via`: "
        "their field that leads here, one that both have, one that may hold any record, or one "
        "of a module in between. Templates can read those chosen: related.invoices.",
        (
            {
                "related": "project_tasks",
                "via": "project",
                "match": "none",
                "where": {"field": "status", "op": "not_equals", "value": "Completed"},
            },
            {
                "related": "invoices",
                "via": "account",
                "sum": "balance",
                "op": "greater_than",
                "value": 0,
            },
            {"related": "invoices", "via": "account", "count": True, "op": "at_least", "value": 3},
            {"related": "invoices", "via": "invoice_contacts.contact", "match": "some"},
            {"related": "tasks", "via": "record", "match": "none"},
        ),
    ),
    (
        "template",
        "Text with {{ ... }}: variables (kind variable), Jinja if and for, + - * / and "
        "comparisons, and filters (kind filter), which can also be called: "
        "add_days(record.due_date, 5).",
        (
            "Dear {{ contact.first_name|default('customer') }}",
            "{{ record.balance|money(record.currency) }}",
            "{% for invoice in invoices %}{{ invoice.number }}\n{% else %}Nothing.{% endfor %}",
            "{% if language == 'fr' %}Bonjour{% else %}Hello{% endif %}",
        ),
    ),
)


# No module in particular: what an example names is called there as it is written.
RECORDS = Module(name="records", label="Records", singular="Record", numbering="", fields=())
ONCE = datetime(2000, 1, 1, tzinfo=UTC)
ANYWHERE = Binder(Schema([RECORDS]), RECORDS, ONCE, Calendar(ZoneInfo("UTC")))


def meant() -> dict[str, str]:
    """The types of blocks, by what they are known as elsewhere."""
    return {**Trigger.meant(), **Step.meant(), **MEANT}


def blocks() -> list[Block]:
    """Every block, by kind and then by type."""
    steps = [*_documents(), *_triggers(), *_steps()]
    return [
        *steps,
        *_operators(),
        *_values(),
        *_fields(),
        *_variables(),
        *_filters(),
        *_functions(),
    ]


def icons() -> set[str]:
    """The icons of all steps and triggers."""
    steps = {kind.icon for kind in Step.types.values()}
    return steps | {kind.icon for kind in Trigger.types.values()}


def _documents() -> list[Block]:
    fields = Workflow.model_fields.items()
    kept = (_setting(name, info, DOCUMENT_WORDS.get(name, "")) for name, info in fields)
    words = "A workflow: when it starts, for which records, how often, and what it does."
    return [
        Block("document", "workflow", words, tuple(kept)),
        Block("document", "condition", "all, any, not, and comparisons in them.", (), (CONDITION,)),
    ]


def _triggers() -> list[Block]:
    return [
        Block(
            "trigger",
            name,
            cleandoc(kind.__doc__ or ""),
            _settings(kind, ("type",)),
            SCHEDULES if name == "schedule" else (kind.example,),
        )
        for name, kind in sorted(Trigger.types.items())
    ]


def _steps() -> list[Block]:
    return [_step(name, kind) for name, kind in sorted(Step.types.items())]


def _step(name: str, kind: type[Step]) -> Block:
    one = kind.model_validate(kind.example)
    found = list(of_steps([one], ANYWHERE, {}))
    return Block(
        "step",
        name,
        cleandoc(kind.__doc__ or ""),
        (*_settings(kind, ("type", *SHARED)), *_settings(Step, (), SHARED)),
        (kind.example,),
        kind.gives,
        may=tuple(dict.fromkeys(map(str, found))),
        risks=tuple(risks(found, ())),
        needs=tuple(need.what for need in one.needs()),
    )


# A field of each kind that many modules have.
USUAL = {
    "subject": "text",
    "balance": "number",
    "due_date": "date",
    "created_at": "datetime",
    "tags": "list",
    "locked": "bool",
    "account": "reference",
}


def _operators() -> list[Block]:
    return [
        Block(
            "operator",
            name,
            f"{operator.label}{f' (dates: {operator.of_dates})' if operator.of_dates else ''}; "
            f"for {_kinds(operator.kinds)}; takes {_taken(operator)}"
            f"{'; needs a change to look at' if operator.of_change else ''}.",
            examples=(_compared(operator),),
        )
        for name, operator in OPERATORS.items()
    ]


def _kinds(kinds: frozenset[str]) -> str:
    return "any field" if kinds == ANY else f"{', '.join(sorted(kinds))} fields"


def _taken(operator: Operator) -> str:
    known = {"value": "a value", "list": "a list", "range": "[lowest, highest]"}
    told = known.get(operator.takes, "no value")
    return f"{told}: {FIELD_TYPES[operator.against].words}" if operator.against else told


def _compared(operator: Operator) -> JsonValue:
    """The operator at work on a field that it fits."""
    example: JsonValue = operator.example
    of_number = isinstance(example, int | list) and operator.takes != "list"
    fitting = "balance" if of_number else "subject" if operator.of_parts else "status"
    fitting = "tags" if operator.of_category else fitting
    if operator.against:
        fitting = next(name for name, kind in USUAL.items() if kind in operator.kinds)
    if isinstance(example, str) and parse_moment(example):
        fitting = "due_date"
    shown: dict[str, JsonValue] = {"field": fitting, "op": operator.name}
    return shown if operator.takes == "nothing" else {**shown, "value": example}


def _values() -> list[Block]:
    return [Block("value", name, words, examples=shown) for name, words, shown in VALUES]


def _fields() -> list[Block]:
    """The types that fields of modules can have."""
    return [
        Block("field", name, f"{each.words}; compares as {each.kind}.", examples=(each.example,))
        for name, each in FIELD_TYPES.items()
    ]


def _variables() -> list[Block]:
    return [
        Block("variable", name, words, examples=(example,))
        for name, (words, example) in VARIABLES.items()
    ]


def _filters() -> list[Block]:
    return [
        Block("filter", name, f"{each.settings}: {each.words}", examples=(each.example,))
        for name, each in sorted(FILTERS.items())
    ]


def _functions() -> list[Block]:
    """Those that are installed here and that the operator has listed."""
    return [
        Block(
            "function",
            name,
            each.words or f"The function {name}, version {each.version}.",
            _settings(each.parameters, ()),
            ({"type": CALLING, "function": name, "values": {}},),
            ("result",),
        )
        for name, each in sorted(FUNCTIONS.known.items())
    ]


def _settings(
    kind: type[BaseModel], without: tuple[str, ...], only: tuple[str, ...] | None = None
) -> tuple[Setting, ...]:
    """The settings of a class: its own first, then those it shares with others."""
    own = kind.__annotations__
    return tuple(
        _setting(name, info)
        for name, info in sorted(kind.model_fields.items(), key=lambda pair: pair[0] not in own)
        if name not in without and (only is None or name in only)
    )


def _setting(name: str, info: FieldInfo, words: str = "") -> Setting:
    takes = _takes(info.alias or name, info.annotation)
    if any(isinstance(mark, Template) for mark in info.metadata):
        takes += " (template)"
    default = None if info.is_required() else _plain(info.default)
    said = words or info.description or ""
    return Setting(info.alias or name, takes, info.is_required(), default, said)


def _plain(default: Any) -> JsonValue:
    if isinstance(default, Recurrence):
        return default.as_written()
    if isinstance(default, BaseModel):
        return None
    return list(default) if isinstance(default, tuple) else default


def _takes(name: str, annotation: Any) -> str:
    """What a setting takes, in a word or two."""
    if name in PARTS:
        return PARTS[name]
    if annotation is Recurrence:
        forms = (it.example if isinstance(it.example, str) else "object" for it in Recurrence.kinds)
        return " | ".join(dict.fromkeys(forms))
    if get_origin(annotation) is Literal:
        return " | ".join(str(choice) for choice in get_args(annotation))
    inside = [_takes("", part) for part in get_args(annotation) if part not in (type(None), ...)]
    if get_origin(annotation) is tuple:
        return f"list of {inside[0]}"
    if inside and get_origin(annotation) is not dict:
        return " | ".join(dict.fromkeys(inside))
    known = {str: "text", int: "number", bool: "true or false"}
    return known.get(annotation, "object")
