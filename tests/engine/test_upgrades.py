"""R-a: databases of earlier releases are opened by this program, and what waited goes on."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, column, inspect, select, table, text, update

from engine.installation import Installation
from engine.people import logins
from engine.records import schema_number
from engine.records.database import Database
from engine.records.schema_number import NUMBER, Outdated
from engine.records.tables import ALERTS, ENTRIES, METADATA, RUNS, STATE, VERSIONS
from engine.records.writer import Author, Records
from engine.review.decisions import review_row
from engine.runs.match import stale
from engine.schema.modules import Module, Schema
from engine.settings import Settings
from engine.starter import starter
from engine.upgrades.hash_0 import first_hash
from engine.upgrades.hash_1 import hash_1
from engine.upgrades.steps import STEPS
from engine.upgrades.upgrading import upgrade
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import surroundings
from engine.workflows.workflow import Workflow
from tests.databases import Pair, TemplateDatabase
from tests.earlier import RELEASES, facts, restore
from tests.fakes import Clock
from tests.servers import MailServer

LEFT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)  # when the earlier program was stopped


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def clock() -> Clock:
    return Clock(LEFT)


@pytest.fixture
def pair(release: str, template_database: TemplateDatabase) -> Pair:
    """A copy of the database that the release has left."""
    return template_database(f"release-{release}", partial(restore, release))


@pytest.fixture
def old(pair: Pair, clock: Clock, mailbox: MailServer, tmp_path: Path) -> Iterator[Installation]:
    """This program on the database of the release, which is not upgraded yet."""
    settings = Settings(
        database_url=pair.database_url,
        queue_url=pair.queue_url,
        data_dir=tmp_path,
        smtp_url=mailbox.url,
        secret_key="k",
    )
    installation = Installation.of(settings, clock.now)
    yield installation
    installation.close()


def test_the_steps_lead_one_by_one_to_the_number_of_this_program() -> None:
    assert [step.number for step in STEPS] == list(range(1, NUMBER + 1))


def test_an_older_database_is_refused_in_words_until_it_is_upgraded(old: Installation) -> None:
    told = (
        f"the database is of an older release (schema 0; this program has {NUMBER}). "
        "Stop all processes of the older one, then run: sayso upgrade"
    )
    with pytest.raises(Outdated) as refused, old.database.begin():
        pass
    assert str(refused.value) == told
    with pytest.raises(Outdated, match="run: sayso upgrade"):
        old.prepare()
    with pytest.raises(Outdated, match="run: sayso upgrade"):
        old.worker.work()


def test_a_newer_database_is_refused_and_left_alone(old: Installation) -> None:
    old.upgrade()
    with old.database.engine.begin() as db:
        db.execute(update(STATE).where(STATE.c.key == "schema").values(value=NUMBER + 1))
    told = f"the database is of a newer release \\(schema {NUMBER + 1}\\) than this program"
    with pytest.raises(Outdated, match=told), old.database.read():
        pass
    with pytest.raises(Outdated, match="Run the newer program"):
        old.upgrade()
    with pytest.raises(Outdated, match="Run the newer program"):
        old.prepare()


def test_after_an_upgrade_the_tables_are_those_of_a_new_database(old: Installation) -> None:
    old.upgrade()
    with old.database.read() as tx:
        modules = tx.schema.metadata
        assert _differences(old.database, METADATA, modules) == []


def _differences(database: Database, *metadata: MetaData) -> list[object]:
    with database.engine.connect() as db:
        context = MigrationContext.configure(db)
        return list(compare_metadata(context, list(metadata)))  # type: ignore[arg-type] # sequences are taken


def test_nothing_is_lost_and_an_upgrade_is_made_once(old: Installation, release: str) -> None:
    said: list[str] = []
    done = old.upgrade(said.append)
    assert (done.before, done.after) == (0, NUMBER)
    assert said[0] == "schema 1: what 0.1.0 keeps, from any state before it"
    with old.database.read() as tx:
        kept = {
            name: tx.db.scalar(text(f'SELECT count(*) FROM "{name}"'))
            for name in inspect(tx.db).get_table_names()
        }
        holder = logins.token_holder(tx, facts(release)["tokens"][tx.db.dialect.name[:8]])
    new = {"sayso_modules": 3 if release == "4490af8" else 0, "sayso_state": 1}
    rows = facts(release)["rows"]
    assert {name: kept[name] - number for name, number in rows.items()} == {
        name: new.get(name, 0) for name in rows
    }
    assert holder
    assert holder.name == "alice"
    assert old.upgrade(said.append).before == NUMBER
    assert len([words for words in said if words.startswith("schema ")]) == NUMBER


def test_what_waited_goes_on_and_nothing_is_sent_twice(
    old: Installation, clock: Clock, mailbox: MailServer
) -> None:
    old.upgrade()
    clock.advance(hours=1, minutes=1)
    old.worker.work()
    assert _sent(mailbox) == []  # still no sender is set

    with old.database.begin() as tx:
        old.database.save_company(tx, tx.company.model_copy(update={"sender": "us@acme.test"}))
    clock.advance(hours=1)
    first = [
        ("ap@acme.test", "We have INV-1"),
        ("ap@acme.test", "We have INV-2"),
        ("gus@lead.test", "Welcome"),
    ]
    assert _worked(old, mailbox) == first

    with old.database.begin() as tx:
        Records(tx, Author("alice")).update("accounts", 2, {"chasing_paused": False})
    clock.advance(hours=1)
    assert _worked(old, mailbox) == sorted([*first, ("ap@rest.test", "We have INV-3")])

    tasks = _count(old, "tasks")
    for day in (3, 4):
        clock.set(datetime(2026, 3, day, 8, 1, tzinfo=UTC))
        _worked(old, mailbox)
        tasks += 2  # the schedule fired, once
        assert _count(old, "tasks") == tasks

    clock.set(datetime(2026, 3, 5, 7, 31, tzinfo=UTC))
    reminders = [("ap@acme.test", "Invoice INV-1"), ("ap@acme.test", "Invoice INV-2")]
    last = [("ap@rest.test", "We have INV-3"), ("ap@rest.test", "Invoice INV-3")]
    assert _worked(old, mailbox) == sorted([*first, *reminders, *last])
    with old.database.read() as tx:
        states = set(tx.db.scalars(select(RUNS.c.state)))
        assert states == {"done"}
        assert set(tx.db.scalars(select(ENTRIES.c.outcome))) == {"done"}
        assert tx.count(ALERTS, ALERTS.c.state == "open") == 0


def _worked(old: Installation, mailbox: MailServer) -> list[tuple[str, str]]:
    """The mails that have left since the beginning, after working twice."""
    old.worker.work()
    sent = _sent(mailbox)
    old.worker.work()
    assert _sent(mailbox) == sent
    return sent


def _sent(mailbox: MailServer) -> list[tuple[str, str]]:
    return sorted((*mail.recipients, str(mail.message["Subject"])) for mail in mailbox.received)  # type: ignore[misc] # each has one recipient


def _count(old: Installation, module: str) -> int:
    with old.database.read() as tx:
        return tx.count(tx.schema.tables[module])


def test_what_was_approved_stays_so_and_what_was_changed_waits(old: Installation) -> None:
    with old.database.engine.begin() as db:
        changed = update(VERSIONS).where(VERSIONS.c.workflow == 3)
        db.execute(changed.values(hash="of something else"))
    said: list[str] = []
    old.upgrade(said.append)
    assert (
        "workflow 3, version 1: it is not what was approved, so it has to be approved again" in said
    )
    with old.database.begin() as tx:
        live = old.library.live(tx)
        judged = {name: not stale(tx, each) for name, each in live.items()}
        assert judged == {1: True, 2: True, 3: False, 4: True}
        waits = review_row(tx, 5)
        parsed = Workflow.model_validate(waits.document)
        assert fingerprint(waits.document, parsed, surroundings(tx)) == waits.hash


def test_what_people_changed_in_modules_stays_theirs(old: Installation) -> None:
    old.upgrade()
    with old.database.read() as tx:
        accounts = tx.schema.module("accounts").by_name
        fresh = Schema([Module.model_validate(each) for each in starter("modules")])
        missing = {
            f"{module.name}.{field.name}"
            for module in fresh
            for field in module.fields
            if field.name not in tx.schema.module(module.name).by_name
        }
    assert accounts["vip"].label == "Very important"
    assert accounts["open_invoices"].label == "Bills not paid"
    assert accounts["overdue_1_30"].label == "Balance overdue by 1 to 30 days"
    assert missing == set()


@pytest.mark.parametrize("release", ["4490af8"], indirect=True)
def test_a_field_that_holds_values_goes_on_holding_them(old: Installation) -> None:
    with old.database.engine.begin() as db:
        db.execute(text("UPDATE accounts SET avg_days_late = 12 WHERE id = 1"))
    old.upgrade()
    with old.database.read() as tx:
        assert tx.schema.module("accounts").field("avg_days_late").type == "decimal"
        accounts = tx.schema.tables["accounts"]
        assert tx.db.scalar(select(accounts.c.avg_days_late).where(accounts.c.id == 1)) == 12
        assert "push" in tx.schema.module("notifications").field("channel").options


@pytest.mark.parametrize("release", ["4490af8"], indirect=True)
def test_a_new_field_that_people_have_already_stays_as_they_made_it(old: Installation) -> None:
    modules = table("sayso_modules", column("name"), column("definition", VERSIONS.c.document.type))
    mine = modules.c.name == "groups"
    with old.database.engine.begin() as db:
        groups = dict(db.execute(select(modules.c.definition).where(mine)).scalar_one())
        theirs = {"name": "on_duty", "type": "text", "label": "Who is on duty"}
        groups["fields"] = [*groups["fields"], theirs]
        db.execute(update(modules).where(mine).values(definition=groups))
        db.execute(text("ALTER TABLE groups ADD COLUMN on_duty TEXT"))
    old.upgrade()
    with old.database.read() as tx:
        assert tx.schema.module("groups").field("on_duty").label == "Who is on duty"


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_sqlite_database_is_copied_first(old: Installation, release: str) -> None:
    done = old.upgrade()
    assert done.copy
    with closing(sqlite3.connect(done.copy)) as copy:
        tables = {row[0] for row in copy.execute("SELECT name FROM sqlite_master")}
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert ("schema",) not in copy.execute("SELECT key FROM sayso_state").fetchall()
    assert done.copy.name.endswith(".schema-0.db")
    assert ("sayso_claims" in tables) is (release == "060a2de")


@pytest.mark.parametrize("release", ["4490af8"], indirect=True)
def test_an_upgrade_that_fails_changes_nothing(old: Installation, tmp_path: Path) -> None:
    with old.database.engine.begin() as db:
        before = set(inspect(db).get_table_names())
        db.execute(text("DROP TABLE invoices"))
    with pytest.raises(Exception, match="invoices"):
        old.upgrade()
    with old.database.engine.connect() as db:
        assert schema_number.number_of(db) == 0
        assert set(inspect(db).get_table_names()) == before - {"invoices"}
    assert list(tmp_path.glob("*.schema-*")) == []


def test_of_several_that_upgrade_at_once_one_does_it(old: Installation, pair: Pair) -> None:
    others = [Database(pair.database_url, old.database.clock) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(upgrade, others))
    for other in others:
        other.close()
    assert sorted(each.before or 0 for each in done) == [0, NUMBER, NUMBER]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("release", "rule"), [("4490af8", first_hash), ("060a2de", hash_1)], indirect=["release"]
)
def test_the_hashes_of_a_release_are_worked_out_as_it_did(
    old: Installation, release: str, rule: Callable[..., str]
) -> None:
    with old.database.engine.connect() as db:
        schema = old.database.upgraded(db).schema
    documents = [(each["document"], each["hash"]) for each in facts(release)["hashes"]]
    assert [
        document
        for document, hash in documents
        if rule(document, Workflow.model_validate(document), schema) != hash
    ] == []
