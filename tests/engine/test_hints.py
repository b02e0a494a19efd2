"""Hints: nearest by meaning, never the opposite, and right: who follows one has no problem left."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.blocks.step import Step
from engine.blocks.triggers import Trigger
from engine.conditions.operators import OPERATORS
from engine.problems import Problem, nearest
from engine.workflows.library import examine
from engine.workflows.reading import read
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.office import Office, prepare

MEANT = re.compile(r"Did you mean `([^`]+)`\?")
AS_A_LIST = re.compile(r'Write `"(\w+)": (\[.*\])`\.')
DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
DOCUMENT: dict[str, Any] = {
    "name": "Remind",
    "module": "invoices",
    "trigger": DAILY,
    "conditions": {
        "all": [
            {"field": "due_date", "op": "less_than", "value": "today"},
            {"field": "status", "op": "equals", "value": "Overdue"},
            {"field": "account.email", "op": "is_not_empty"},
        ]
    },
    "recurrence": "once",
    "steps": [
        {"id": "pause", "type": "wait", "days": 3},
        {"id": "mark", "type": "update_fields", "values": {"memo": "late", "count": 3}},
        {
            "id": "mail",
            "type": "send_email",
            "to": ["account"],
            "subject": "Invoice {{ record.number }}",
            "body": "Dear {{ record.account.name|upper }}, {{ record.due_date|date('long') }}",
        },
        {"id": "task", "type": "create_task", "title": "Call", "assign_to": "alice"},
    ],
}


@pytest.fixture
def office(template_database: TemplateDatabase, clock: Clock) -> Iterator[Office]:
    with Office.at(template_database("office", prepare).database_url, clock.now) as office:
        yield office


def problems(office: Office, document: dict[str, Any]) -> tuple[Problem, ...]:
    with office.database.read() as tx:
        return examine(tx, document, lambda url: None).problems


def shaped(**changes: Any) -> Problem:
    """The one problem of a document's shape."""
    (problem,) = read({**DOCUMENT, **changes})[1]
    return problem


# --- by meaning ---


@pytest.mark.parametrize(
    ("written", "known", "meant"),
    [
        ("Unpaid", ["Draft", "Sent", "Paid"], None),
        ("inactive", ["active", "archived"], None),
        ("Not sent", ["Draft", "Sent"], None),
        ("time", ["timezone", "type"], None),
        ("record_updated", ["record_created", "record_deleted"], None),
        ("date", ["due_date", "issue_date"], None),
        ("until", ["until"], None),
        ("Due Date", ["due_date", "issue_date"], "due_date"),
        ("dueDate", ["due_date", "date"], "due_date"),
        ("blance", ["balance", "status"], "balance"),
        ("workflowId", ["workflow", "version"], "workflow"),
    ],
)
def test_T29_a_hint_is_near_by_meaning_and_never_the_opposite(
    written: str, known: list[str], meant: str | None
) -> None:
    assert nearest(written, known) == meant


def test_T29_what_is_known_by_another_name_is_said_where_it_is_defined() -> None:
    for word, kind in (("email", "send_email"), ("delay", "wait"), ("task", "create_task")):
        assert Step.meant()[word] == kind
    assert Trigger.meant()["record_updated"] == "record_modified"
    for table, known in ((Step.meant(), Step.types), (Trigger.meant(), Trigger.types)):
        assert set(table.values()) <= set(known)
        assert not set(table) & set(known)
    assert not any(word in OPERATORS for each in OPERATORS.values() for word in each.known_as)


@pytest.mark.parametrize(
    ("trigger", "remedy"),
    [
        ({"type": "schedule", "every": "day", "time": "09:00"}, "Did you mean `at`?"),
        (
            {"type": "schedule", "every": "month", "at": "09:00", "day": 15},
            'Write `"days": [15]`.',
        ),
        (
            {"type": "schedule", "every": "week", "at": "09:00", "day": "mon"},
            'Write `"weekdays": ["mon"]`.',
        ),
        (
            {"type": "schedule", "every": "once", "at": "09:00", "day": "2026-05-04"},
            "Did you mean `date`?",
        ),
    ],
)
def test_T29_a_key_is_meant_that_takes_what_it_was_given(
    trigger: dict[str, Any], remedy: str
) -> None:
    assert shaped(trigger=trigger).remedy == remedy


def test_T36_a_hint_is_never_the_word_that_was_refused_and_knows_the_keys_of_its_place() -> None:
    nothing_more = {"field": "status", "op": "equals", "value": "Paid"}
    wait = {
        **{"id": "wait", "type": "wait", "until_conditions": nothing_more},
        "timeout": {"until": "due_date"},
    }
    problem = shaped(steps=[wait])
    assert problem == Problem(
        "steps.0.timeout.until",
        "there is no key `until` here.",
        "Keys: `minutes`, `hours`, `days`, `working_days`.",
    )
    find = {"module": "accounts", "wher": {"field": "name", "op": "is_empty"}}
    update = {"id": "set", "type": "update_fields", "values": {"name": "x"}, "find": find}
    told = {one.path: one.remedy for one in read({**DOCUMENT, "steps": [update]})[1]}
    assert told["steps.0.find.wher"] == "Did you mean `where`?"


def test_T29_an_operator_or_field_of_another_kind_is_no_hint(office: Office) -> None:
    for condition, path in (
        ({"field": "balance", "op": "contians", "value": 3}, "conditions.op"),
        ({"field": "sttus", "op": "at_least", "value": 3}, "conditions.field"),
    ):
        document = {**DOCUMENT, "conditions": condition}
        (problem,) = [one for one in problems(office, document) if one.path == path]
        assert "Did you mean" not in problem.remedy


def test_T36_a_field_compared_with_itself_is_a_problem_also_inside_related_records(
    office: Office,
) -> None:
    itself = {"field": "created_at", "op": "at_least", "value": {"field": "created_at"}}
    whole = {"related": "invoices", "via": "account", "match": "some", "where": itself}
    for condition, module, path, label in (
        (itself, "invoices", "conditions.value", "Invoices"),
        (whole, "accounts", "conditions.where.value", "Invoices"),
        (
            {**itself, "field": "account.name", "op": "equals", "value": {"field": "account.name"}},
            "invoices",
            "conditions.value",
            "Invoices",
        ),
    ):
        note = {"id": "note", "type": "add_note", "text": "x"}
        document = {**DOCUMENT, "module": module, "conditions": condition, "steps": [note]}
        (problem,) = problems(office, document)
        assert problem.path == path
        assert problem.message.endswith(f" of {label} is compared with itself.")
    before = {"field": "balance", "op": "less_than", "value": {"old": "balance"}}
    saved = {"type": "record_modified"}
    assert problems(office, {**DOCUMENT, "trigger": saved, "conditions": before}) == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"steps": [{"id": f"n{i}", "type": "add_note", "text": "x"} for i in range(213)]},
            "at most 200 steps are possible, and these are 213.",
        ),
        ({"name": "x" * 130}, "it must have 120 characters at most."),
        (
            {"trigger": {"type": "webhook_received", "hook": "Our Shop!"}},
            "`Our Shop!` is not possible here.",
        ),
        (
            {"steps": [{"id": "w", "type": "wait", "days": 99_999}]},
            "it must be 3650 or less.",
        ),
    ],
)
def test_T36_an_error_names_the_limit(changes: dict[str, Any], told: str) -> None:
    assert shaped(**changes).message == told


# --- followed ---


def words(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key and every text that names something, with the path at which it stands."""
    if isinstance(node, dict):
        for key, part in node.items():
            yield f"{path}.{key}".strip("."), key
            yield from words(part, f"{path}.{key}".strip("."))
    elif isinstance(node, list):
        for place, part in enumerate(node):
            yield from words(part, f"{path}.{place}".strip("."))
    elif isinstance(node, str) and node.replace(".", "").replace("_", "").isalpha():
        yield path, node


def parent(document: Any, path: str) -> tuple[Any, Any]:
    """What holds the place at a path, and the key or position of it there."""
    *through, last = path.split(".")
    for part in through:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document, int(last) if isinstance(document, list) else last


def misspelt(word: str, draw: st.DataObject) -> str:
    place = draw.draw(st.integers(0, len(word) - 1))
    match draw.draw(st.sampled_from(["drop", "double", "swap"])):
        case "drop":
            return word[:place] + word[place + 1 :]
        case "double":
            return word[:place] + word[place] + word[place:]
        case _:
            return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]


def followed(document: dict[str, Any], problem: Problem) -> dict[str, Any] | None:
    """The document with what a hint says; None where there is no hint."""
    changed = deepcopy(document)
    holder, last = parent(changed, problem.path)
    wrong = re.search(r"`(?:\w+: )?([^`]+)`", problem.message)
    if found := AS_A_LIST.search(problem.remedy):
        holder.pop(last)
        holder[found[1]] = json.loads(found[2])
    elif (found := MEANT.search(problem.remedy)) and wrong:
        if isinstance(holder, dict) and last == wrong[1]:
            holder[found[1]] = holder.pop(last)
        else:
            holder[last] = holder[last].replace(wrong[1], found[1], 1)
    else:
        return None
    return changed


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_T29_a_hint_that_is_followed_makes_the_problem_go_away(office: Office) -> None:
    assert problems(office, DOCUMENT) == ()
    told = 0

    @settings(
        max_examples=400,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(st.data())
    def follows(data: st.DataObject) -> None:
        nonlocal told
        document = deepcopy(DOCUMENT)
        path, word = data.draw(st.sampled_from(list(words(DOCUMENT))))
        if len(word) < 3:
            return
        wrong = misspelt(word, data)
        holder, last = parent(document, path)
        if holder[last] == word and last != word:
            holder[last] = wrong
        elif wrong not in holder:
            holder[wrong] = holder.pop(last)
        for problem in problems(office, document):
            if better := followed(document, problem):
                told += 1
                left = [(one.path, one.message) for one in problems(office, better)]
                assert (problem.path, problem.message) not in left, (problem, left)
                place = problem.path.rpartition(".")[0]
                named = MEANT.search(problem.remedy)
                assert f"{place}.{named[1] if named else ''}" not in [at for at, _ in left]

    follows()
    assert told > 100
