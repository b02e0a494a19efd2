"""T12: runs that began before their members were kept apart are found by each of them too."""

from sqlalchemy import select

from engine.records.tables import MEMBERS
from engine.upgrades.changing import Changing
from engine.upgrades.members_2 import keep_members
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.office import Office, prepare


def test_T12_an_upgrade_keeps_the_members_of_the_runs_there_are(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now) as office:
        office.activate(
            trigger={"type": "schedule", "every": "day", "at": "09:00"},
            everyone=True,
            group_by="account",
            steps=[{"id": "rest", "type": "wait", "days": 1}],
        )
        for account in ("ACME", "ACME", None):
            office.create("invoices", account=account)
        clock.advance(days=1)
        office.worker.work()
        with office.database.engine.begin() as db:
            kept = {tuple(row) for row in db.execute(select(MEMBERS))}
            MEMBERS.drop(db)
            keep_members(Changing(office.database, db, clock.now(), print))
            assert {tuple(row) for row in db.execute(select(MEMBERS))} == kept
        assert {(record, run) for _, record, run in kept} == {(1, 1), (2, 1), (3, 2)}
