"""Mail fetched from a real IMAP server: each once, and nothing in the folder is changed."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine.installation import Installation
from engine.outside.imap import check
from engine.outside.postman import collect, folders
from engine.outside.world import World
from engine.records.database import Database
from engine.records.tables import ALERTS
from engine.settings import Settings
from engine.workflows.library import Library
from tests.databases import Pair, TemplateDatabase
from tests.fakes import Clock
from tests.post import letter
from tests.servers import ImapServer, free_port
from tests.stages.demo.story import fill

MINUTE = timedelta(minutes=1)


@contextmanager
def installation(pair: Pair, clock: Clock, url: str, folder: Path) -> Iterator[Installation]:
    settings = Settings(database_url=pair.database_url, data_dir=folder, imap_url=url)
    database = Database(pair.database_url, clock.now)
    with closing(Installation(settings, database, World(clock.now), Library())) as installation:
        yield installation


@pytest.fixture
def home(
    template_database: TemplateDatabase, clock: Clock, imap: ImapServer, tmp_path: Path
) -> Iterator[Installation]:
    """A house that reads the folder of the server, and has looked into it once."""
    pair = template_database("reference", fill)
    imap.deliver(letter("old@acme.test", "From before"))
    with installation(pair, clock, imap.url, tmp_path) as found:
        collect(found)
        clock.advance(minutes=1)
        yield found


def subjects(installation: Installation) -> list[str]:
    with installation.database.read() as tx:
        table = tx.schema.tables["emails"]
        return list(tx.db.scalars(select(table.c.subject).order_by(table.c.id)))


def alerts(installation: Installation) -> list[Any]:
    with installation.database.read() as tx:
        return [(row.kind, row.cause) for row in tx.db.execute(select(ALERTS))]


def test_new_mail_is_taken_once_and_left_as_it_was(
    home: Installation, imap: ImapServer, clock: Clock
) -> None:
    before = imap.flags()
    assert subjects(home) == []
    imap.deliver(letter("Ana Lopez <ana@acme.test>", "One", files={"a.pdf": b"%PDF"}))
    imap.deliver(letter("eve@evil.test", "Two"))
    flags = imap.flags()
    assert collect(home) == 2
    assert subjects(home) == ["One", "Two"]
    assert imap.flags() == flags
    assert len(flags) == len(before) + 2
    clock.advance(minutes=1)
    assert collect(home) == 0
    with home.database.read() as tx:
        table, documents = tx.schema.tables["emails"], tx.schema.tables["documents"]
        first = tx.db.execute(select(table).order_by(table.c.id)).mappings().first()
        assert first
        account = tx.schema.tables["accounts"]
        named = tx.db.scalar(select(account.c.name).where(account.c.id == first["account"]))
        files = tx.db.scalars(select(documents.c.title).where(documents.c.record == "emails/1"))
        assert (named, first["status"], first["source"]) == ("ACME", "received", "sync")
        assert list(files) == ["a.pdf"]


def test_the_folder_is_looked_into_once_a_minute(
    home: Installation, imap: ImapServer, clock: Clock
) -> None:
    assert collect(home) == 0
    imap.deliver(letter("ana@acme.test", "One"))
    assert collect(home) == 0
    clock.advance(minutes=1)
    assert collect(home) == 1


def test_another_process_goes_on_where_the_first_stopped(
    home: Installation, imap: ImapServer, clock: Clock, tmp_path: Path
) -> None:
    imap.deliver(letter("ana@acme.test", "One"))
    assert collect(home) == 1
    imap.deliver(letter("ana@acme.test", "Two"))
    clock.advance(minutes=1)
    with closing(Installation(home.settings, home.database, home.world, Library())) as other:
        assert collect(other) == 1
    assert subjects(home) == ["One", "Two"]


def test_numbers_that_begin_anew_bring_no_mail_twice(
    home: Installation, imap: ImapServer, clock: Clock
) -> None:
    imap.deliver(letter("ana@acme.test", "One", headers={"Message-ID": "<one@acme.test>"}))
    assert collect(home) == 1
    imap.number_anew()
    imap.deliver(letter("ana@acme.test", "Two", headers={"Message-ID": "<two@acme.test>"}))
    clock.advance(minutes=1)
    collect(home)
    assert sorted(subjects(home)) == ["From before", "One", "Two"]
    clock.advance(minutes=1)
    imap.deliver(letter("ana@acme.test", "Three"))
    assert collect(home) == 1


def test_a_mail_that_came_by_another_door_is_not_taken_again(
    home: Installation, imap: ImapServer, clock: Clock
) -> None:
    raw = letter("ana@acme.test", "One", headers={"Message-ID": "<one@acme.test>"})
    imap.deliver(raw)
    imap.deliver(raw)
    assert collect(home) == 1
    assert subjects(home) == ["One"]


def test_a_server_that_is_away_is_tried_again_more_and_more_seldom(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> None:
    pair = template_database("reference", fill)
    url = f"imap://demouser:s3cret@127.0.0.1:{free_port()}/Mail"
    pauses = []
    with installation(pair, clock, url, tmp_path) as home:
        for _ in range(7):
            assert collect(home) == 0
            with home.database.read() as tx:
                (row,) = folders(tx)
            pauses.append((row.due - clock.now()) / MINUTE)
            clock.set(row.due)
        ((kind, cause),) = alerts(home)
    assert pauses == [2, 4, 8, 16, 30, 30, 30]
    assert kind == "mail"
    assert "No mail is received: Mail of demouser on 127.0.0.1 cannot be read" in cause
    assert "s3cret" not in cause


def test_a_wrong_password_is_told_without_showing_it(
    template_database: TemplateDatabase, clock: Clock, imap: ImapServer, tmp_path: Path
) -> None:
    pair = template_database("reference", fill)
    with installation(pair, clock, imap.url.replace("demopass", "wr0ng"), tmp_path) as home:
        collect(home)
        with home.database.read() as tx:
            (row,) = folders(tx)
    assert row.trouble
    assert "wr0ng" not in row.trouble


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("pop://a:b@mail.test", "begins with none of imaps"),
        ("imaps://mail.test/INBOX", "lacks the host, the user or the password"),
        ("imap://a:b@mail.test", "would send the password unencrypted"),
        ("imaps://a:b@mail.test:port", "cannot be read"),
    ],
)
def test_an_address_that_cannot_work_is_explained(url: str, said: str) -> None:
    assert said in (check(url) or "")
