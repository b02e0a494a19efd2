"""Whatever a document says that decides what happens is told: no setting is without words."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from engine.blocks.step import Step
from engine.blocks.triggers import Trigger
from engine.company.schedule import Recurring
from engine.workflows.recurrence import Recurrence
from engine.workflows.workflow import Workflow
from tests.all_that_is_told import ASKED, BASIC, CALL, DOCUMENT, MAIL, NOTE, PAID, PLAIN, STOP, told

BLOCKS: list[type[Step] | type[Trigger]] = [*Step.types.values(), *Trigger.types.values()]
DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
# What people call it: it decides nothing.
COSMETIC = {"id", "label", "type", "name", "description", "category", "schema_"}
# A control step does nothing that could fail.
NEVER_FAILS = {"if.on_error", "wait.on_error", "stop.on_error"}
# How often one sender's mail starts it is a rule of the engine: test_keeping_back.
ELSEWHERE = {"email_received.once_per_sender_hours"}
# It can only be what the workflow is about.
NO_CHOICE = {"update_erp.level"}
# What a setting needs beside it to mean anything.
WITH: dict[str, dict[str, Any]] = {
    "create_record.line_fields": {"copy_lines": True},
    "fill_fields.leave_out": {"inputs": []},
    "send_email.template": {"subject": "", "body": "", "template": "reminder"},
    "send_sms.template": {"body": "", "template": "reminder"},
    "send_email.when_missing": {"attach": ["documents"]},
    "wait.when_empty": {"until": "due_date"},
    "wait.timeout": {"until_conditions": ASKED, "timeout": {"days": 3}},
    "wait.until_conditions": {"timeout": {"days": 3}, "days": 0},
}
# Where any other value will not do.
OTHER: dict[str, Any] = {
    "at": "10:30",
    "attach": ["documents"],
    "auth": {"type": "bearer", "secret": "shop"},
    "conditions": ASKED,
    "find": {"module": "accounts", "where": {"field": "name", "op": "equals", "value": "ACME"}},
    "pause_when": ASKED,
    "fill_fields.fields": {"due_date": "When"},
    "set_strike_level.at_most": 5,
    "received_after": "2026-03-01",
    "received_before": "2026-03-01",
    "link": "account",
    "record": "account",
    "then": [{**NOTE, "text": "Seen twice"}],
    "via": "partner",
    "recurrence": "once",
    "steps": [{**NOTE, "text": "Seen twice"}],
    "stop_when": ASKED,
    "timeout": {"days": 4},
    "trigger": {"type": "record_created"},
    "until": "due_date",
    "until_conditions": ASKED,
    "weekday": "tue",
    "when_nothing_matches": {"wait_days": 5},
    "where": ASKED,
    "window": {"from": "08:00", "to": "18:00"},
}


# The keys of a schedule hang together: see the words in test_schedule.
RHYTHM = {f"schedule.{name}" for name in Recurring.model_fields}
KEYS: dict[str, Any] = {
    "conditions": ASKED,
    "everyone": True,
    "group_by": "account",
    "module": "accounts",
    "pause_when": ASKED,
    "recurrence": "once",
    "steps": [NOTE],
    "stop_when": ASKED,
    "trigger": {"type": "manual"},
    "window": {"from": "08:00", "to": "18:00"},
}


def others(called: str, annotation: Any, now: Any) -> Iterator[Any]:
    """Values that a setting may have instead."""
    name = called.rpartition(".")[2]
    if known := OTHER.get(called, OTHER.get(name)):
        yield known if known != now else ""
        return
    union = get_origin(annotation) in (Union, UnionType)
    for kind in get_args(annotation) if union else [annotation]:
        if get_origin(kind) is Literal:
            yield from (each for each in get_args(kind) if each != now)
        elif kind is bool:
            yield not now
        elif kind is int:
            yield now + 1 if isinstance(now, int) else 1
        elif kind is str:
            yield f"{now}x" if isinstance(now, str) and now else "other"
        elif get_origin(kind) is tuple:
            yield [*(now or ()), "other"]
        elif get_origin(kind) is dict:
            yield {**(now or {}), "other": "thing"}


def every_setting() -> Iterator[Any]:
    """Each setting of each step and trigger: its block, its name, the document, its value."""
    for kind in BLOCKS:
        block = kind.model_fields["type"].default
        for name, field in kind.model_fields.items():
            called = f"{block}.{name}"
            if (
                name in COSMETIC | {"otherwise"}
                or called in NEVER_FAILS | ELSEWHERE | NO_CHOICE | RHYTHM
            ):
                continue
            given = {**kind.example, **WITH.get(called, {})}
            key = field.alias or name
            now = getattr(kind.model_validate(given), name)
            for value in others(called, field.annotation, now):
                yield pytest.param(kind, given, key, value, id=f"{called}={value}"[:60])


@pytest.mark.parametrize(("kind", "given", "key", "value"), [*every_setting()])
def test_T5_another_setting_has_other_words(
    kind: type[BaseModel], given: dict[str, Any], key: str, value: Any
) -> None:
    def placed(block: dict[str, Any]) -> dict[str, Any]:
        starts = issubclass(kind, Trigger)
        return {**DOCUMENT, **({"trigger": block} if starts else {"steps": [block]})}

    assert told(placed(given)) != told(placed({**given, key: value}))


def test_T5_no_setting_is_passed_over() -> None:
    tried = {param.id.partition("=")[0] for param in every_setting()} | {"if.otherwise"}
    known = {
        f"{kind.model_fields['type'].default}.{name}"
        for kind in BLOCKS
        for name in kind.model_fields
        if name not in COSMETIC
    }
    assert known - tried == NEVER_FAILS | ELSEWHERE | NO_CHOICE | RHYTHM


@pytest.mark.parametrize("key", sorted(set(Workflow.model_fields) - COSMETIC))
def test_T5_another_key_of_the_document_has_other_words(key: str) -> None:
    base = {**DOCUMENT, "trigger": DAILY, "steps": [MAIL]}
    assert told(base) != told({**base, key: KEYS[key]})


@pytest.mark.parametrize("kind", Recurrence.kinds, ids=lambda kind: kind.__name__)
def test_T5_each_recurrence_has_words_of_its_own(kind: type[Recurrence]) -> None:
    every = [told({**DOCUMENT, "recurrence": each.example}) for each in Recurrence.kinds]
    assert len({*every}) == len(every)
    for name in kind.model_fields:
        example: Any = kind.example
        more = {**example, name: example[name] + 1}
        assert told({**DOCUMENT, "recurrence": more}) != told({**DOCUMENT, "recurrence": example})


WAIT = {"id": "wait", "type": "wait", "until_conditions": ASKED}
HEADER = {"type": "header", "secret": "shop", "header": "X-Key"}
INSIDE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({**WAIT, "timeout": {"days": 3}}, {**WAIT, "timeout": {"days": 3, "working_days": True}}),
    ({**WAIT, "timeout": {"hours": 3}}, {**WAIT, "timeout": {"minutes": 3}}),
    ({**CALL, "auth": BASIC}, {**CALL, "auth": {**BASIC, "user": "root"}}),
    ({**CALL, "auth": BASIC}, {**CALL, "auth": {**BASIC, "secret": "bank"}}),
    ({**CALL, "auth": HEADER}, {**CALL, "auth": {**HEADER, "header": "X-Token"}}),
    ({**CALL, "auth": HEADER}, {**CALL, "auth": {"type": "bearer", "secret": "shop"}}),
    ({**CALL, "headers": {"X-A": "1"}}, {**CALL, "headers": {"X-A": "2"}}),
    ({**CALL, "body": "a" * 500 + "1"}, {**CALL, "body": "a" * 500 + "2"}),
    (
        {"id": "way", "type": "if", "conditions": ASKED, "then": [STOP]},
        {"id": "way", "type": "if", "conditions": ASKED, "else": [STOP]},
    ),
]


@pytest.mark.parametrize(("one", "other"), INSIDE)
def test_T5_what_stands_inside_a_setting_has_words(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert told({**DOCUMENT, "steps": [one]}) != told({**DOCUMENT, "steps": [other]})


CONDITIONS: list[Any] = [
    {"all": []},
    {"any": []},
    PLAIN,
    PAID,
    {"not": PLAIN},
    {"not": {"not": PLAIN}},
    {"not": {"all": [PLAIN, PAID]}},
    {"not": {"any": [PLAIN, PAID]}},
    {"all": [PLAIN, PAID]},
    {"any": [PLAIN, PAID]},
    {"all": [{"any": [PLAIN, PAID]}, ASKED]},
    {"any": [{"all": [PLAIN, ASKED]}, PAID]},
    {"field": "status", "op": "in", "value": ["Draft", "Sent"]},
    {"field": "status", "op": "in", "value": []},
    {"field": "status", "op": "not_in", "value": ["Sent", "Paid"]},
    {"field": "subject", "op": "contains", "value": "late"},
    {"field": "subject", "op": "contains", "value": "late", "exact": True},
    {"field": "balance", "op": "equals", "value": {"field": "total"}},
    {"field": "balance", "op": "equals", "value": {"old": "total"}},
    {"field": "balance", "op": "equals", "value": {"old": "balance"}},
    {"field": "due_date", "op": "less_than", "value": "today-3d"},
    {"field": "due_date", "op": "less_than", "value": "today-3wd"},
    {"field": "due_date", "op": "less_than", "value": "today-3w"},
    {"field": "status", "op": "becomes", "value": "Sent"},
    {"field": "status", "op": "changed_to", "value": "Sent"},
    {"field": "status", "op": "changed_from", "value": "Sent"},
    {"field": "status", "op": "changed"},
    {"field": "status", "op": "is_empty"},
    {"field": "status", "op": "is_not_empty"},
]


def test_T5_no_two_conditions_have_the_same_words() -> None:
    said: dict[str, list[Any]] = {}
    for each in CONDITIONS:
        said.setdefault(told({**DOCUMENT, "conditions": each}), []).append(each)
    assert [same for same in said.values() if len(same) > 1] == []
