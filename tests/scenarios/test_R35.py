"""R35: the company's time zone rules when things happen; a day stays that day in every zone."""

from datetime import date

import pytest

from engine.blocks.triggers.schedule import Schedule
from engine.conditions import bind
from engine.conditions.readings import holds
from engine.records.reader import Reader, RecordFacts
from engine.records.writer import Author, Records
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import living, local
from tests.test_rows import workflow

ZONES = ("Europe/Paris", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago")


@pytest.mark.parametrize("zone", ZONES)
def test_a_due_date_is_the_same_day_in_every_zone_and_a_moment_is_not(
    zone: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"company": {"timezone": zone}}, template_database, clock) as story:
        clock.set(local("2026-09-30T23:30"))
        with story.installation.database.begin() as tx:
            invoice = {"account": "ACME", "status": "Sent", "due_date": "2026-10-01", "balance": 1}
            id = Records(tx, Author("alice")).create("invoices", invoice).id
            module = tx.schema.module("invoices")
            row = Reader(tx).row(module, id) or {}
            assert row["due_date"] == date(2026, 10, 1)
            assert module.field("due_date").dump(row["due_date"]) == "2026-10-01"
            by_day = {"field": "created_at", "op": "equals", "value": "2026-09-30"}
            asked = workflow({"module": "invoices", "conditions": by_day})
            facts = RecordFacts(Reader(tx), module, row)
            found = holds(bind(asked.conditions, tx.binder(module)), facts)
        # 23:30 in Paris is still 30 September in New York and Pago Pago, but not in Kiritimati.
        assert found is (zone != "Pacific/Kiritimati")


def test_the_company_decides_what_nine_o_clock_is(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    due = {}
    for zone in ZONES[:2]:
        with living({"company": {"timezone": zone}}, template_database, clock) as story:
            with story.installation.database.read() as tx:
                trigger = Schedule.model_validate(
                    {"type": "schedule", "every": "day", "at": "09:00"}
                )
                moment = trigger.next_after(clock.now(), tx.company.calendar)
            due[zone] = moment and moment.isoformat()
    assert due == {
        "Europe/Paris": "2026-03-11T08:00:00+00:00",
        "America/New_York": "2026-03-10T13:00:00+00:00",
    }
