"""Records taken together: each is asked on its own, and nobody reads what belongs to others."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from engine.problems import Problem
from engine.records.tables import ENTRIES
from engine.workflows.library import examine
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.office import Office, prepare

DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
SENT = {"field": "status", "op": "equals", "value": "Sent"}
LARGE = {"field": "balance", "op": "greater_than", "value": 100}
MAIL = {"id": "mail", "type": "send_email", "subject": "Overdue", "body": "Please pay."}


def noting(id: str) -> dict[str, Any]:
    return {"id": id, "type": "add_note", "text": id}


def asking(**settings: Any) -> dict[str, Any]:
    """A group of invoices of one account that goes one way or the other."""
    way = {"id": "way", "type": "if", "conditions": LARGE, **settings}
    steps = [{**way, "then": [noting("large")], "else": [noting("small")]}]
    return {"trigger": DAILY, "conditions": SENT, "group_by": "account", "steps": steps}


@pytest.fixture
def office(template_database: TemplateDatabase, clock: Clock) -> Iterator[Office]:
    with Office.at(template_database("office", prepare).database_url, clock.now) as found:
        yield found


def entries(office: Office) -> list[str]:
    """What each step of all runs says."""
    with office.database.read() as tx:
        return list(tx.db.scalars(select(ENTRIES.c.said)))


def problems(office: Office, **document: Any) -> list[Problem]:
    with office.database.read() as tx:
        whole = {"name": "A workflow", "module": "invoices", **document}
        return list(examine(tx, whole, lambda url: None).problems)


def words(office: Office, **document: Any) -> str:
    whole = {"name": "A workflow", "module": "invoices", **document}
    with office.database.read() as tx:
        binder = tx.binder(tx.schema.module("invoices"))
        return "\n".join(Workflow.model_validate(whole).words(binder))


@pytest.mark.parametrize("order", [(200, 50), (50, 200), (50, 200, 70)])
@pytest.mark.parametrize(
    ("settings", "way"),
    [({"of_group": "some"}, "large"), ({"of_group": "every"}, "small"), ({}, "large")],
)
def test_T6_the_order_of_the_records_does_not_decide_the_way(
    office: Office, clock: Clock, order: tuple[int, ...], settings: dict[str, Any], way: str
) -> None:
    for balance in order:
        office.create("invoices", account=1, status="Sent", balance=balance)
    office.activate_unchecked(**asking(**settings))
    clock.advance(days=1)
    office.worker.work()
    assert office.rows("notes", "text") == [(way,)]


@pytest.mark.parametrize(
    ("balances", "of_group", "said"),
    [
        ((50, 200), "some", "Yes: INV-2, balance 200.00 is greater than 100"),
        ((50, 70), "some", "No: INV-1, balance 50.00 is not greater than 100"),
        ((200, 50), "every", "No: INV-2, balance 50.00 is not greater than 100"),
        ((200, 300), "every", "Yes: INV-1, balance 200.00 is greater than 100"),
    ],
)
def test_T6_the_run_says_which_record_decided(
    office: Office, clock: Clock, balances: tuple[int, ...], of_group: str, said: str
) -> None:
    for balance in balances:
        office.create("invoices", account=1, status="Sent", balance=balance)
    office.activate(**asking(of_group=of_group))
    clock.advance(days=1)
    office.worker.work()
    assert said in entries(office)


def test_T6_of_how_many_it_must_hold_has_to_be_said(office: Office) -> None:
    assert problems(office, **asking()) == [
        Problem(
            "steps.0.of_group",
            "this may hold of some of the records that are taken together, and not of others.",
            'Say of how many it must: "of_group": "some", or "every".',
        )
    ]
    assert problems(office, **asking(of_group="every")) == []


def test_T6_what_the_records_share_is_asked_once(office: Office) -> None:
    shared = {"field": "account.name", "op": "equals", "value": "ACME"}
    earlier = {"field": "steps.first.number", "op": "is_not_empty"}
    for conditions in (shared, {"not": shared}):
        assert problems(office, **asking(conditions=conditions)) == []
    given = asking(conditions=earlier)
    assert problems(office, **{**given, "steps": [noting("first"), *given["steps"]]}) == []


def test_T6_records_that_run_alone_are_no_group(office: Office) -> None:
    (problem,) = problems(office, **{**asking(of_group="some"), "group_by": None})
    assert (problem.path, problem.remedy) == (
        "steps.0.of_group",
        "Leave it out, or add `group_by`.",
    )


def test_T6_the_words_say_of_how_many(office: Office) -> None:
    assert "If of one or more of the invoices the balance is greater than 100:" in words(
        office, **asking(of_group="some")
    )
    assert "If of every one of the invoices the balance is greater than 100:" in words(
        office, **asking(of_group="every")
    )
    wait = {"id": "paid", "type": "wait", "until_conditions": LARGE, "timeout": {"days": 2}}
    waiting = {**asking(of_group="some"), "steps": [wait, noting("after")]}
    assert "ends when it is true of each of them" in words(office, **waiting)


def test_T6_the_words_say_what_is_done_to_each_and_what_to_the_first(office: Office) -> None:
    grouped = {"trigger": DAILY, "conditions": SENT, "group_by": "account"}
    update = {"id": "set", "type": "update_fields", "values": {"memo": "Seen"}}
    told = words(office, **grouped, steps=[noting("seen"), update])
    assert "Where a step says “it” and not “each of them”, the first of them is meant." in told
    assert "Write the note “seen” on it.\nSet its memo to “Seen”, for each of them." in told
    assert "the first of them" not in words(office, **grouped, steps=[update])


@pytest.mark.parametrize("group_by", ["all", "owner"])
@pytest.mark.parametrize(
    "word",
    ["account", "account.email", "contacts", "{{ record.account.email }}", "{{ customer.email }}"],
)
def test_T7_a_recipient_that_is_of_one_record_is_refused(
    office: Office, group_by: str, word: str
) -> None:
    grouped = {"trigger": DAILY, "conditions": SENT, "group_by": group_by}
    found = problems(office, **grouped, steps=[{**MAIL, "to": [word]}])
    assert "steps.0.to.0" in {problem.path for problem in found}
    assert any("it would get what belongs to the others" in problem.message for problem in found)


@pytest.mark.parametrize("word", ["account", "account.email", "records.owner", "alice", "a@x.test"])
def test_T7_what_the_records_share_or_is_said_of_each_may_be_written_to(
    office: Office, word: str
) -> None:
    grouped = {"trigger": DAILY, "conditions": SENT, "group_by": "account"}
    assert problems(office, **grouped, steps=[{**MAIL, "to": [word], "cc": [word]}]) == []


def test_T7_the_owner_of_one_of_them_is_not_the_owner_of_all(office: Office) -> None:
    grouped = {"trigger": DAILY, "conditions": SENT, "group_by": "account"}
    tell = {"id": "tell", "type": "notify", "to": ["owner"], "text": "Look"}
    (found,) = problems(office, **grouped, steps=[tell])
    assert found == Problem(
        "steps.0.to.0",
        "`owner` is that of one invoice, and it would get what belongs to the others.",
        "Group by it: one message each. Or name somebody for all invoices, or write "
        "`records.owner`: one message to those of all.",
    )
