"""What strangers can do at the doors that need no sign-in, and what they cannot."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from engine.outside.receipts import take_reply
from engine.outside.receiving import receive
from engine.outside.texting import Reply
from engine.records.tables import AUDIT, SUPPRESSIONS
from engine.records.writer import Author, Records
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.post import letter
from tests.stages.demo.story import fill
from tests.stages.office.reception import Reception, opened, served

ANA = "ana@acme.test"


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    with (
        opened(template_database("reference", fill), clock, tmp_path) as installation,
        served(installation),
    ):
        yield installation


def rows(reception: Reception, module: str) -> list[dict[str, Any]]:
    with reception.installation.database.read() as tx:
        table = tx.schema.tables[module]
        return [dict(row) for row in tx.db.execute(select(table).order_by(table.c.id)).mappings()]


def contact(reception: Reception, **values: Any) -> int:
    with reception.installation.database.begin() as tx:
        given = {"last_name": "Lopez", "phone": "+34600000001", **values}
        return Records(tx, Author("alice")).create("contacts", given).id


def listed(reception: Reception) -> list[tuple[str, str]]:
    with reception.installation.database.read() as tx:
        return [(row.address, row.kind) for row in tx.db.execute(select(SUPPRESSIONS))]


def test_who_unsubscribes_is_written_to_no_more_even_if_their_record_is_locked(
    reception: Reception,
) -> None:
    contact(reception, email="zoe@lock.test", locked=True)
    address = reception.installation.database.links.unsubscribe("zoe@lock.test")
    path = address.removeprefix(reception.installation.database.links.address)
    assert httpx.post(reception.url + path).status_code == 200
    assert listed(reception) == [("zoe@lock.test", "unsubscribed")]


def test_who_answers_stop_gets_no_more_texts_even_if_their_record_is_locked(
    reception: Reception,
) -> None:
    contact(reception, email="zoe@lock.test", locked=True)
    with reception.installation.database.begin() as tx:
        assert take_reply(tx, Reply("+34600000001", "STOP"))
    assert listed(reception) == [("+34600000001", "stop")]


def test_our_own_address_is_known_however_it_is_written(reception: Reception) -> None:
    with reception.installation.database.begin() as tx:
        name, _, domain = tx.company.sender.partition("@")
        receive(
            tx, reception.installation.settings.data_dir, letter(f"{name.upper()}@{domain}", "Hi")
        )
    assert rows(reception, "emails")[-1]["auto_submitted"] is True


def test_a_guessed_link_changes_nothing_and_waits_for_nobody(reception: Reception) -> None:
    links, now = reception.installation.database.links, reception.installation.world.now()
    theirs = links.sign("statement", "1", now + timedelta(days=1))
    body, _, signature = theirs.partition(".")
    guesses = (
        f"{body}.{'A' * len(signature)}",
        body,
        links.sign("unsubscribe", "1"),
        links.sign("statement", "1"),
        "%00",
        "%ff.%ff",
    )
    with reception.installation.database.begin() as tx:
        before = tx.count(AUDIT)
        for guess in guesses:  # while somebody else writes
            answer = httpx.get(f"{reception.url}/statements/{guess}", timeout=3)
            assert answer.status_code == 404, guess
        assert tx.count(AUDIT) == before
    for guess in (theirs, body, links.sign("unsubscribe", ANA) + "x"):
        assert httpx.post(f"{reception.url}/unsubscribe/{guess}").status_code == 404
    assert listed(reception) == []


def test_one_reader_who_prints_and_prints_keeps_nobody_else_waiting(reception: Reception) -> None:
    links, now = reception.installation.database.links, reception.installation.world.now()
    path = f"/statements/{links.sign('statement', '1', now + timedelta(days=1))}/pdf"
    with ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(httpx.get, reception.url + path, timeout=60) for _ in range(60)]
        began = perf_counter()
        assert httpx.get(f"{reception.url}/login", timeout=60).status_code == 200
        waited = perf_counter() - began
        codes = {each.result().status_code for each in asked}
    assert waited < 2
    assert codes == {200, 429}
