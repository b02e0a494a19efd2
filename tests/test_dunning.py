"""A quarter of dunning on the demo's records, against what a person works out with a calendar."""

from typing import Any

from sqlalchemy import select

from engine.records.tables import RUNS
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living, local

MAIL = {"type": "send_email", "to": ["account"], "body": "Please pay {{ record.balance }}."}
PAUSE = {"type": "wait", "days": 5, "working_days": True}
DUNNING: dict[str, Any] = {
    "name": "Invoices - Dun in three steps",
    "module": "invoices",
    "trigger": {
        "type": "schedule",
        "every": "week",
        "weekdays": ["mon", "tue", "wed", "thu", "fri"],
        "at": "09:00",
    },
    "conditions": {
        "all": [
            {"field": "status", "op": "equals", "value": "Sent"},
            {"field": "due_date", "op": "less_than", "value": "today"},
            {"field": "balance", "op": "greater_than", "value": 0},
            {"field": "dispute", "op": "equals", "value": False},
        ]
    },
    "recurrence": "once",
    "stop_when": {
        "any": [
            {"field": "balance", "op": "equals", "value": 0},
            {
                "related": "promises_to_pay",
                "via": "invoice",
                "match": "some",
                "where": {"field": "status", "op": "equals", "value": "Active"},
            },
        ]
    },
    "steps": [
        {**MAIL, "id": "first", "subject": "First: {{ record.number }}"},
        {**PAUSE, "id": "a_week"},
        {**MAIL, "id": "second", "subject": "Second: {{ record.number }}"},
        {**PAUSE, "id": "another_week"},
        {"id": "call", "type": "create_task", "title": "Call about {{ record.number }}"},
    ],
}
# What people do, as the quarter goes on.
QUARTER: list[dict[str, Any]] = [
    {"at": "2026-03-12T14:00"},
    {"save": "INV-2", "values": {"status": "Paid", "balance": 0}},
    {"at": "2026-03-16T10:00"},
    {"create": "promises_to_pay", "values": {"account": "BETA", "invoice": "INV-3"}},
    {"at": "2026-03-20T10:00"},
    {"save": "INV-4", "values": {"dispute": True}},
    {"create": "invoices", "values": {"account": "BETA", "due_date": "2026-03-27", "balance": 75}},
    {
        "create": "invoices",
        "values": {"account": "BETA", "due_date": "2026-03-27", "dispute": True},
    },
    {"at": "2026-04-20T10:30"},
    {"save": "INV-10", "values": {"chasing_paused": False}},
    {"create": "invoices", "values": {"account": "ACME", "due_date": "2026-05-13", "balance": 90}},
    {"at": "2026-06-10T12:00"},
]
SENT = {"status": "Sent", "balance": 60}
# The clocks change on 29 March; 6 April, 1, 8, 14 and 25 May are holidays in France.
MAILS = [
    ("2026-03-10T09:00", "First: INV-1"),
    ("2026-03-10T09:00", "First: INV-2"),
    ("2026-03-11T09:00", "First: INV-3"),  # due on the 10th, so past due from the 11th on
    ("2026-03-17T09:00", "Second: INV-1"),  # 11, 12, 13, 16, 17 March; INV-2 is paid by then
    ("2026-03-18T09:00", "First: INV-4"),  # INV-3 is promised
    ("2026-03-30T09:00", "First: INV-11"),  # past due on a Saturday; on the Monday in summer time
    ("2026-04-07T09:00", "Second: INV-11"),  # 31 March, 1, 2, 3 April, not Easter Monday, the 7th
    ("2026-04-20T11:00", "First: INV-10"),  # held while chasing was paused, asked again every hour
    ("2026-04-27T11:00", "Second: INV-10"),  # 21, 22, 23, 24, 27 April
    ("2026-05-14T09:00", "First: INV-13"),  # Ascension is a Thursday, and the schedule runs on it
    ("2026-05-21T09:00", "Second: INV-13"),  # 15, 18, 19, 20, 21 May
]
TASKS = [
    (
        "2026-03-10T09:00",
        "E-mail in the workflow “Invoices - Dun in three steps” could not be sent",
    ),
    ("2026-03-24T09:00", "Call about INV-1"),
    ("2026-03-24T09:00", "Call about INV-7"),  # opted out of mail, so the call is all there is
    ("2026-04-14T09:00", "Call about INV-11"),  # 8, 9, 10, 13, 14 April
    ("2026-05-05T11:00", "Call about INV-10"),  # 28, 29, 30 April, not 1 May, 4, 5 May
    ("2026-05-29T09:00", "Call about INV-13"),  # 22 May, not Whit Monday, 26, 27, 28, 29 May
]
ENDS = {
    "INV-1": "done: finished",
    "INV-2": "stopped: stopped because the balance is 0",
    "INV-3": "stopped: stopped because a promise to pay of it has the status Active",
    "INV-4": "stopped: no longer applies: it is disputed",
    "INV-6": "failed: no recipient",
    "INV-7": "done: finished",
    "INV-10": "done: finished",
    "INV-11": "done: finished",
    "INV-13": "done: finished",
}


def test_a_quarter_of_dunning_goes_as_a_person_works_it_out(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"begins": "2026-03-10T08:00"}, template_database, clock) as story:
        story.approve(DUNNING)
        for part in QUARTER:
            values = part.get("values", {})
            new = {**SENT, **values} if part.get("create") == "invoices" else values
            story.tell({**part, "values": new})
        assert made(story, "emails", "subject") == MAILS
        assert made(story, "tasks", "title") == TASKS
        ends = ended(story)
        assert ends.keys() == ENDS.keys()
        assert {number: why.partition(":")[0] for number, why in ends.items()} == {
            number: why.partition(":")[0] for number, why in ENDS.items()
        }, ends


def made(story: Story, module: str, field: str) -> list[tuple[str, str]]:
    """When each record of a module was made since the story began, and what it is called."""
    with story.installation.database.read() as tx:
        table = tx.schema.tables[module]
        went = [table.c.status == "captured"] if module == "emails" else []
        query = select(table.c.created_at, table.c[field]).where(
            table.c.created_at >= local("2026-03-10T08:30"), *went
        )
        zone = tx.company.calendar.timezone
        rows = tx.db.execute(query.order_by(table.c.created_at, table.c[field])).all()
        return [(f"{at.astimezone(zone):%Y-%m-%dT%H:%M}", str(word)) for at, word in rows]


def ended(story: Story) -> dict[str, str]:
    """How the run of each invoice ended, and why."""
    with story.installation.database.read() as tx:
        invoices = tx.schema.tables["invoices"]
        query = select(invoices.c.number, RUNS.c.state, RUNS.c.reason).where(
            RUNS.c.record == invoices.c.id
        )
        return {number: f"{state}: {reason}" for number, state, reason in tx.db.execute(query)}
