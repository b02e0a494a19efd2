"""Whatever is killed, whenever: nothing is lost, and nothing that may happen once happens twice."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from threading import Event
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.records.tables import EVENTS, PENDING, RUNS, WORKFLOWS
from tests.databases import Pair, TemplateDatabase
from tests.servers import Answer, MailServer, Request, http_server
from tests.stages.office.office import Office, prepare
from tests.stages.office.processes import context, count_up, now, save, work

pytestmark = pytest.mark.slow

KILLS = 100
WORKERS = 2
SAVES_A_KILL = 3
LEASE = timedelta(seconds=2)
PATIENCE = 60.0

CREATED = {"type": "record_created"}
RECORDS = {
    "name": "Records",
    "trigger": CREATED,
    "steps": [
        {
            "id": "visit",
            "type": "update_fields",
            "record": "account",
            "values": {"visits": "{{ record.account.visits|default(0) + 1 }}"},
        },
        {"id": "count", "type": "update_fields", "values": {"count": "{{ record.count + 1 }}"}},
        {"id": "note", "type": "add_note", "text": "{{ record.number }}"},
        {"id": "task", "type": "create_task", "title": "{{ record.number }}"},
    ],
}


@pytest.fixture
def pair(template_database: TemplateDatabase) -> Pair:
    return template_database("office", prepare)


def pause(seconds: float) -> None:
    """Let the others go on for a while; what is tested is what happens whenever it ends."""
    Event().wait(seconds)


class Hooks:
    """A receiver of webhooks that takes its time, so that kills meet some under way."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []

    def answer(self, request: Request) -> Answer:
        whole = len(request.body) == int(request.headers["content-length"])
        if whole:  # else its sender was killed in the middle of a word
            self.received.append((request.headers["webhook-id"], request.body))
        pause(0.01)
        return Answer(200)


@contextmanager
def workers(pair: Pair, smtp_url: str) -> Iterator[list[ForkServerProcess]]:
    """Processes at work; whatever stands in the list at the end is killed."""
    team: list[ForkServerProcess] = []
    try:
        for _ in range(WORKERS):
            team.append(start(pair, smtp_url))
        yield team
    finally:
        for worker in team:
            worker.kill()
            worker.join()


def start(pair: Pair, smtp_url: str) -> ForkServerProcess:
    worker = context().Process(target=work, args=(pair, smtp_url, LEASE), daemon=True)
    worker.start()
    return worker


def test_nothing_is_lost_and_nothing_happens_twice_when_workers_are_killed(
    pair: Pair, mailbox: MailServer
) -> None:
    dice, hooks = random.Random(20260310), Hooks()
    ours, theirs = context().Pipe()
    with Office.at(pair.database_url, now) as office, http_server(hooks.answer) as address:
        hook = {"id": "hook", "type": "webhook", "url": address}
        mail = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "S", "body": "B"}
        after = {"id": "after", "type": "add_note", "text": "{{ record.number }} after"}
        office.activate(**RECORDS)
        office.activate(name="Hook", trigger=CREATED, steps=[hook, after, {**hook, "id": "then"}])
        office.activate(name="Mail", trigger=CREATED, steps=[mail, after])
        saver = context().Process(target=save, args=(pair, theirs), daemon=True)
        saver.start()
        with workers(pair, mailbox.url) as team:
            for _ in range(KILLS):
                ours.send(SAVES_A_KILL)
                pause(dice.uniform(0.01, 0.3))
                place = dice.randrange(WORKERS)
                team[place].kill()
                team[place].join()
                team[place] = start(pair, mailbox.url)
                ours.recv()
            ours.send(0)
            saver.join()
            settle(office)
        check(office, hooks, mailbox, KILLS * SAVES_A_KILL)


def settle(office: Office) -> None:
    """Wait until the workers that are left have done everything."""
    until = monotonic() + PATIENCE
    while unsettled(office):
        assert monotonic() < until, f"{unsettled(office)} are still not settled"
        pause(0.2)


def unsettled(office: Office) -> int:
    with office.database.read() as tx:
        going = tx.count(RUNS, RUNS.c.state.in_(("running", "waiting")))
        return going + tx.count(EVENTS, PENDING)


def check(office: Office, hooks: Hooks, mailbox: MailServer, saved: int) -> None:
    numbers = {number for (number,) in office.rows("invoices", "number")}
    assert len(numbers) == saved
    assert states(office, "Records") == {"done": saved}
    assert states(office, "Hook") == {"done": saved}
    mails = states(office, "Mail")
    assert mails["done"] + mails["paused"] == saved

    assert office.rows("accounts", "visits") == [(saved,)]
    assert Counter(office.rows("invoices", "count")) == {(1,): saved}
    assert Counter(title for (title,) in office.rows("tasks", "title")) == dict.fromkeys(numbers, 1)
    notes = Counter(text for (text,) in office.rows("notes", "text"))
    assert {text: count for text, count in notes.items() if not text.endswith(" after")} == (
        dict.fromkeys(numbers, 1)
    )
    assert sum(notes.values()) == saved * 2 + mails["done"]

    bodies: dict[str, set[bytes]] = {}
    for id, body in hooks.received:
        bodies.setdefault(id, set()).add(body)
    hooked = runs_of(office, "Hook")
    assert set(bodies) == {f"run-{run}-{step}" for run in hooked for step in ("hook", "then")}
    assert {id: said for id, said in bodies.items() if len(said) > 1} == {}

    arrived = Counter(mail.message["Message-ID"] for mail in mailbox.received)
    assert set(arrived.values()) <= {1}
    shown = office.rows("emails", "run", "status")
    assert len(shown) == len({run for run, _ in shown}) == saved
    assert Counter(status for _, status in shown) == Counter(
        {"sent": mails["done"], "unknown": mails["paused"]}
    )
    assert mails["done"] <= len(arrived) <= saved


def states(office: Office, name: str) -> Counter[str]:
    with office.database.read() as tx:
        mine = (WORKFLOWS.c.id == RUNS.c.workflow, WORKFLOWS.c.name == name)
        query = select(RUNS.c.state, func.count()).where(*mine).group_by(RUNS.c.state)
        return Counter({state: count for state, count in tx.db.execute(query)})


def runs_of(office: Office, name: str) -> list[Any]:
    with office.database.read() as tx:
        mine = (WORKFLOWS.c.id == RUNS.c.workflow, WORKFLOWS.c.name == name)
        return list(tx.db.scalars(select(RUNS.c.id).where(*mine)))


def test_processes_that_read_and_write_the_same_number_lose_nothing(pair: Pair) -> None:
    counters = [context().Process(target=count_up, args=(pair, 100)) for _ in range(4)]
    for counter in counters:
        counter.start()
    for counter in counters:
        counter.join()
    assert [counter.exitcode for counter in counters] == [0] * 4
    with Office.at(pair.database_url, now) as office:
        assert office.rows("accounts", "visits") == [(400,)]
