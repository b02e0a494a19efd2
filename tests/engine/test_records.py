"""The one door of records: what it takes, what it refuses, and what it writes down."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from engine.problems import Invalid, Problem
from engine.records.database import Database
from engine.records.tables import EVENTS
from engine.records.writer import Author, Records, Saved
from engine.schema.fields import Field
from engine.schema.modules import Module
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import fill

ALICE = Author("alice")
NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


@pytest.fixture
def database(template_database: TemplateDatabase, clock: Clock) -> Iterator[Database]:
    """The demo's records."""
    database = Database(template_database("reference", fill).database_url, clock.now)
    yield database
    database.close()


def create(database: Database, module: str, values: dict[str, Any]) -> Saved:
    with database.begin() as tx:
        return Records(tx, ALICE).create(module, values)


def update(database: Database, module: str, id: int, values: dict[str, Any]) -> Saved:
    with database.begin() as tx:
        return Records(tx, ALICE).update(module, id, values)


def stored(database: Database, module: str, id: int) -> dict[str, Any]:
    with database.read() as tx:
        table = tx.schema.tables[module]
        return dict(tx.db.execute(select(table).where(table.c.id == id)).mappings().one())


def history(database: Database, module: str, id: int) -> list[tuple[str, str, Any]]:
    """Kind, author and changes of every change of a record made by these tests."""
    with database.read() as tx:
        where = (EVENTS.c.module == module, EVENTS.c.record == id, EVENTS.c.actor != "admin")
        rows = tx.db.execute(select(EVENTS).where(*where).order_by(EVENTS.c.id))
        return [(row.kind, row.actor, row.changes) for row in rows]


def refusals(database: Database, module: str, values: dict[str, Any], id: int = 0) -> list[Problem]:
    def save() -> Saved:
        return update(database, module, id, values) if id else create(database, module, values)

    with pytest.raises(Invalid) as refused:
        save()
    return list(refused.value.problems)


# --- what is kept ---


def test_values_are_kept_in_their_types_with_defaults_and_stamps(database: Database) -> None:
    values = {"title": "  No power ", "account": "ACME", "priority": "high", "tags": "VIP, vip"}
    saved = create(database, "tickets", values)
    row = stored(database, "tickets", saved.id)
    kept = {name: value for name, value in row.items() if value is not None}
    assert (saved.number, kept) == (
        "TK-4",
        {
            "id": saved.id,
            "number": "TK-4",
            "title": "No power",
            "account": 1,
            "priority": "High",
            "status": "Open",
            "tags": ["VIP"],
            "source": "user",
            "locked": False,
            "created_at": NOW,
            "modified_at": NOW,
            "created_by": "alice",
            "modified_by": "alice",
            "revision": 1,
        },
    )


def test_numbers_go_on_after_the_highest_and_a_given_one_is_kept(database: Database) -> None:
    lead = {"name": "Gus Ames"}
    numbers = [
        create(database, "leads", lead).number,
        create(database, "leads", {**lead, "number": "LD-40"}).number,
        create(database, "leads", {**lead, "number": "OLD/7"}).number,
        create(database, "leads", lead).number,
    ]
    assert numbers == ["LD-3", "LD-40", "OLD/7", "LD-41"]


def test_many_records_are_numbered_in_their_order(database: Database) -> None:
    with database.begin() as tx:
        many = [{"name": f"Lead {n}"} for n in range(300)]
        saved = Records(tx, ALICE).create_all("leads", many)
    assert [one.number for one in saved] == [f"LD-{n}" for n in range(3, 303)]
    assert stored(database, "leads", saved[299].id)["name"] == "Lead 299"


@pytest.mark.parametrize("written", ["ACME", "acme", "ACC-1", 1, "1", {"id": 1}])
def test_a_reference_is_an_id_a_number_or_a_name(database: Database, written: Any) -> None:
    saved = create(database, "invoices", {"account": written})
    assert stored(database, "invoices", saved.id)["account"] == 1


def test_a_number_counts_before_a_name(database: Database) -> None:
    create(database, "accounts", {"name": "ACC-1"})
    saved = create(database, "invoices", {"account": "ACC-1"})
    assert stored(database, "invoices", saved.id)["account"] == 1


# --- what is refused ---


def test_all_faults_are_told_at_once(database: Database) -> None:
    values = {
        "acount": "ACME",
        "status": "Sentt",
        "due_date": "soon",
        "total": "many",
        "owner": "alicia",
        "order": "SO-9",
        "days_late": 3,
        "created_at": "2026-01-01",
    }
    assert [str(problem) for problem in refusals(database, "invoices", values)] == [
        "`values.acount`: there is no field `acount` in Invoices. Did you mean `account`?",
        "`values.status`: `Sentt` is not a choice of Status. Did you mean `Sent`? "
        "Choices: `Draft`, `Finalized`, `Sent`, `Partially paid`, `Paid`, `Overdue`, `Cancelled`.",
        "`values.due_date`: Due date takes a date, not 'soon'. Write it like 2026-03-10.",
        "`values.total`: Total takes a number, not 'many'. Write it like 1200.50.",
        "`values.owner`: there is no user or group `alicia`. Did you mean `alice`?",
        "`values.order`: there is no single record `SO-9` in Sales orders. "
        "Give its id, number or full name.",
        "`values.days_late`: Days late is computed and cannot be set. Leave it out.",
        "`values.created_at`: Created is kept by Sayso and cannot be set. Leave it out.",
        "`values.account`: Invoice needs Account. Give it a value.",
    ]


def test_nothing_is_written_when_something_is_refused(database: Database) -> None:
    with database.begin() as tx, pytest.raises(Invalid):
        Records(tx, ALICE).create_all("leads", [{"name": "Gus Ames"}, {"name": ""}])
    with database.read() as tx:
        assert tx.count(tx.schema.tables["leads"]) == 2
    assert create(database, "leads", {"name": "Gus Ames"}).number == "LD-3"


def test_a_required_field_cannot_be_emptied(database: Database) -> None:
    assert refusals(database, "accounts", {"name": " "}, 1) == [
        Problem("values.name", "Account needs Name.", "Give it a value.")
    ]


def test_a_name_that_two_records_have_is_refused(database: Database) -> None:
    create(database, "accounts", {"name": "Acme"})
    (problem,) = refusals(database, "invoices", {"account": "ACME"})
    assert problem.message == "there is no single record `ACME` in Accounts."


def test_a_number_that_is_taken_is_refused(database: Database) -> None:
    assert refusals(database, "leads", {"name": "Gus Ames", "number": "LD-1"}) == [
        Problem("values.number", "there is a record LD-1 already.", "Leave the number out.")
    ]
    assert refusals(database, "leads", {"number": "LD-1"}, 2) == [
        Problem("values.number", "there is a record LD-1 already.", "Leave the number out.")
    ]


def test_a_record_that_is_given_a_later_number_is_counted_past(database: Database) -> None:
    update(database, "leads", 1, {"number": "LD-3"})
    assert create(database, "leads", {"name": "Gus Ames"}).number == "LD-4"
    assert refusals(database, "leads", {"number": " "}, 1) == [
        Problem("values.number", "Lead needs Number.", "Give it a value.")
    ]


def test_a_locked_record_is_changed_only_to_unlock_it(database: Database) -> None:
    update(database, "invoices", 1, {"locked": True})
    assert refusals(database, "invoices", {"subject": "Chairs"}, 1) == [
        Problem("", "INV-1 is locked and cannot be changed.", "Unlock it first.")
    ]
    with database.begin() as tx, pytest.raises(Invalid) as refused:
        Records(tx, ALICE).delete("invoices", 1)
    assert str(refused.value) == "INV-1 is locked and cannot be deleted. Unlock it first."
    update(database, "invoices", 1, {"locked": False, "subject": "Chairs"})
    assert stored(database, "invoices", 1)["subject"] == "Chairs"


# --- what is written down ---


def test_a_change_is_kept_field_by_field_with_who_made_it(database: Database) -> None:
    lead = create(database, "leads", {"name": "Gus Ames"}).id
    changes = {"name": "Gus", "score": 7, "owner": "bob", "tags": ["VIP"]}
    saved = update(database, "leads", lead, changes)
    made = {
        "name": ["Gus Ames", "Gus"],
        "score": [0, 7],
        "owner": [None, "bob"],
        "tags": [None, ["VIP"]],
    }
    assert saved.changes == made
    assert history(database, "leads", lead)[1:] == [("modified", "alice", made)]


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"total": "1000.0", "balance": 1000},
        {"due_date": "2026-02-08", "account": "ACME"},
        {"subject": "  ", "status": "sent"},
        {"currency": "EUR", "chasing_paused": False, "tags": []},
    ],
)
def test_a_save_that_changes_nothing_leaves_no_trace(database: Database, same: Any) -> None:
    before = stored(database, "invoices", 1)
    assert update(database, "invoices", 1, same) == Saved(1, "INV-1", None, {})
    assert (stored(database, "invoices", 1), history(database, "invoices", 1)) == (before, [])


def test_a_change_that_is_rolled_back_raised_no_event(database: Database) -> None:
    def change_and_fail() -> None:
        with database.begin() as tx:
            Records(tx, ALICE).update("invoices", 1, {"subject": "Chairs"})
            raise ConnectionError

    with pytest.raises(ConnectionError):
        change_and_fail()
    assert history(database, "invoices", 1) == []


def test_a_deleted_record_is_gone_from_everywhere_but_its_history(database: Database) -> None:
    with database.begin() as tx:
        saved = Records(tx, ALICE).delete("accounts", 1)
        accounts = tx.schema.module("accounts")
        assert tx.find(accounts, "ACME") is None
        snapshot = tx.db.scalar(select(EVENTS.c.snapshot).where(EVENTS.c.id == saved.event))
    assert snapshot
    assert (saved.number, snapshot["name"]) == ("ACC-1", "ACME")
    assert history(database, "accounts", 1) == [("deleted", "alice", {})]
    assert stored(database, "accounts", 1)["deleted_at"] == NOW
    (problem,) = refusals(database, "accounts", {"name": "ACME"}, 1)
    assert problem.message == "there is no record 1 in Accounts."
    (problem,) = refusals(database, "invoices", {"account": 1})
    assert problem.message == "there is no record 1 in Accounts."


def test_the_number_of_a_deleted_record_is_not_given_again(database: Database) -> None:
    with database.begin() as tx:
        Records(tx, ALICE).delete("leads", 2)
    assert create(database, "leads", {"name": "Gus Ames"}).number == "LD-3"


# --- modules and fields that are made while it runs ---

BOATS = Module.model_validate(
    {
        "name": "boats",
        "label": "Boats",
        "singular": "Boat",
        "numbering": "BO-{n}",
        "fields": [{"name": "owner_account", "type": "reference", "module": "accounts"}],
    }
)


def test_a_new_module_and_field_can_be_used_at_once_everywhere(
    database: Database, clock: Clock
) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    elsewhere = Database(url, clock.now)
    with elsewhere.read() as tx:
        assert "boats" not in tx.schema.modules
    with database.begin() as tx:
        database.add_module(tx, BOATS)
    assert create(elsewhere, "boats", {"owner_account": "ACME"}).number == "BO-1"
    with database.begin() as tx:
        boats = tx.schema.module("boats")
        database.add_field(tx, boats, Field(name="length", type="decimal", label="Length"))
        database.add_field(
            tx, tx.schema.module("leads"), Field(name="met_on", type="date", label="Met on")
        )
    assert update(elsewhere, "boats", 1, {"length": "12.5"}).changes == {"length": [None, 12.5]}
    assert update(elsewhere, "leads", 1, {"met_on": "2026-03-09"}).event
    assert stored(database, "boats", 1)["length"] == Decimal("12.5")
    assert stored(database, "leads", 1)["met_on"] == date(2026, 3, 9)
    elsewhere.close()


def test_two_new_fields_can_be_added_in_one_transaction(database: Database) -> None:
    with database.begin() as tx:
        for name in ("first", "second"):
            leads = tx.schema.module("leads")
            database.add_field(tx, leads, Field(name=name, type="text"))
    assert update(database, "leads", 1, {"first": "a", "second": "b"}).event


def test_a_module_that_exists_already_is_refused(database: Database) -> None:
    with database.begin() as tx, pytest.raises(Invalid) as refused:
        database.add_module(tx, BOATS.model_copy(update={"name": "leads"}))
    assert refused.value.problems[0].message == "there is a module `leads` already."


# --- many at once ---


def test_concurrent_saves_lose_nothing(database: Database) -> None:
    def add(number: int) -> str:
        with database.begin() as tx:
            records = Records(tx, ALICE)
            score = records.row(tx.schema.module("leads"), 1)["score"]
            records.update("leads", 1, {"score": score + 1})
            return records.create("leads", {"name": f"Lead {number}"}).number

    with ThreadPoolExecutor(8) as threads:
        numbers = sorted(threads.map(add, range(40)))
    assert numbers == sorted(f"LD-{n}" for n in range(3, 43))
    assert stored(database, "leads", 1)["score"] == 40
    assert stored(database, "leads", 1)["revision"] == 41
