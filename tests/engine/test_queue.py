"""The doorbell: it wakes workers, and nothing depends on it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import select

from engine.queue import Doorbell, Listener, Rings, queue
from engine.records.tables import HEARTBEATS, RUNS
from tests.databases import Pair, TemplateDatabase
from tests.servers import web_server
from tests.stages.office.office import Office, prepare
from tests.stages.office.processes import now

NOTE = {"id": "log", "type": "add_note", "text": "Seen"}
CREATED = {"type": "record_created"}
PATIENCE = 20.0
Bells = Callable[..., Doorbell]
GARBAGE = [
    b"",
    b"garbage",
    b"\x80\x04\x95",  # how a pickle begins
    b"[]",
    b'{"ring": 1}',
    b'{"ring": "engine.queue.unheard_of"}',
    b'{"ring": "engine.queue.answer", "retries": 1000000}',
    b'["id", "engine.queue.answer", null, 99, 0, null, [], {}, null, null]',
]


@pytest.fixture
def pair(template_database: TemplateDatabase) -> Pair:
    return template_database("office", prepare)


@pytest.fixture
def office(pair: Pair) -> Iterator[Office]:
    with Office.at(pair.database_url, now) as office:
        office.activate(trigger=CREATED, steps=[NOTE])
        yield office


@pytest.fixture
def bells(tmp_path: Path) -> Iterator[Bells]:
    """Makes bells at the address of a queue, and lets go of them all."""
    with ExitStack() as until_the_test_ends:

        def made(url: str = f"sqlite:///{tmp_path}/queue.db", **given: Any) -> Doorbell:
            return until_the_test_ends.enter_context(closing(Doorbell(queue(url), **given)))

        yield made


@pytest.fixture
def bell(bells: Bells, pair: Pair) -> Doorbell:
    return bells(pair.queue_url)


@contextmanager
def listening(bell: Doorbell, office: Office) -> Iterator[Listener]:
    listener = bell.listen(office.worker)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop(graceful=True)


def until(come_true: Callable[[], Any]) -> None:
    """Wait for something that others do; how long it takes is no matter here."""
    end = monotonic() + PATIENCE
    while not come_true():
        assert monotonic() < end, "it has not come about"
        Event().wait(0.005)


def has_notes(office: Office, wanted: int) -> bool:
    return len(office.rows("notes", "id")) == wanted


def test_a_ring_is_answered(bell: Doorbell, office: Office) -> None:
    with listening(bell, office):
        until(lambda: not bell.time_is_up())
        for number in range(1, 4):
            office.create("invoices")
            bell.ring()
            until(partial(has_notes, office, number))


def test_a_ring_from_another_process_is_answered(bells: Bells, pair: Pair, office: Office) -> None:
    with listening(bells(pair.queue_url), office):
        office.create("invoices")
        bells(pair.queue_url).ring()
        until(lambda: office.rows("notes", "id"))


def test_what_is_there_when_a_worker_starts_is_done(
    bells: Bells, pair: Pair, office: Office
) -> None:
    office.create("invoices")
    with listening(bells(pair.queue_url), office):
        until(lambda: office.rows("notes", "id"))
    with office.database.read() as tx:
        assert tx.db.scalar(select(HEARTBEATS.c.name)) == "worker"


def test_a_lost_ring_is_made_up_for_by_the_tick(bells: Bells, pair: Pair, office: Office) -> None:
    bell = bells(pair.queue_url, tick=0.5)
    with listening(bell, office):
        until(lambda: not bell.time_is_up())
        office.create("invoices")
        until(lambda: office.rows("notes", "id"))


def test_what_is_due_before_the_tick_is_done_when_it_is_due(bell: Doorbell, office: Office) -> None:
    with web_server(500, 200) as receiver:
        hook = {"id": "hook", "type": "webhook", "url": receiver.url}
        office.activate(name="Hook", trigger=CREATED, steps=[hook])
        with listening(bell, office):
            office.create("invoices")
            bell.ring()
            until(lambda: office.runs() == ["done: finished"] * 2)
    assert len(receiver.requests) == 2


def test_messages_of_others_are_dropped_and_do_no_harm(bell: Doorbell, office: Office) -> None:
    for garbage in GARBAGE:
        bell.huey.storage.enqueue(garbage)
    office.create("invoices")
    bell.ring()
    for garbage in GARBAGE:
        bell.huey.storage.enqueue(garbage)
    with listening(bell, office):
        until(lambda: office.rows("notes", "id"))
        until(lambda: bell.huey.storage.queue_size() == 0)
    assert office.runs() == ["done: finished"]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_only_a_ring_is_read_from_the_queue(garbage: bytes, bells: Bells) -> None:
    bell = bells()
    bell.huey.storage.enqueue(garbage)
    assert bell.huey.dequeue() is None


def test_a_message_says_what_rings_and_nothing_else(bells: Bells) -> None:
    bell = bells()
    bell.ring()
    (message,) = bell.huey.storage.enqueued_items()
    assert bytes(message) == b'{"ring": "engine.queue.work"}'
    assert Rings().deserialize(message).name == "engine.queue.work"


def test_any_number_of_rings_at_once_needs_few_answers(bell: Doorbell, office: Office) -> None:
    for _ in range(200):
        office.create("invoices")
        bell.ring()
    with listening(bell, office):
        until(partial(has_notes, office, 200))
        until(lambda: bell.huey.storage.queue_size() == 0)
    assert office.runs() == ["done: finished"] * 200


def test_several_workers_share_the_work(bells: Bells, pair: Pair, office: Office) -> None:
    with (
        Office.at(pair.database_url, now) as other,
        listening(bells(pair.queue_url), office),
        listening(bells(pair.queue_url), other),
    ):
        bell = bells(pair.queue_url)
        for _ in range(100):
            office.create("invoices")
            bell.ring()
        until(partial(has_notes, office, 100))
    assert office.runs() == ["done: finished"] * 100


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_without_a_queue_the_work_is_done_at_the_tick(bells: Bells, office: Office) -> None:
    nobody = "redis://127.0.0.1:1/1"
    bell = bells(nobody, tick=0.5)
    with listening(bell, office):
        office.create("invoices")
        bell.ring()
        until(lambda: office.rows("notes", "id"))


def test_a_listener_leaves_signals_alone_and_ends_what_it_began(
    bell: Doorbell, office: Office
) -> None:
    with web_server() as receiver:
        hook = {"id": "hook", "type": "webhook", "url": receiver.url}
        office.activate(name="Hook", trigger=CREATED, steps=[hook])
        with listening(bell, office):
            office.create("invoices")
            bell.ring()
            until(lambda: receiver.requests)
    assert office.runs() == ["done: finished"] * 2
    with office.database.read() as tx:
        assert tx.count(RUNS, RUNS.c.owner.is_not(None)) == 0
