"""As test_crash, for texts, PDFs, the accounting system and turns: what is killed is not lost."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from engine.outside.world import World
from engine.queue import Doorbell, queue
from engine.schema.stored_files import named
from engine.starter.demo_records import COMPANY
from tests.databases import Pair, TemplateDatabase
from tests.engine.test_crash import LEASE, WORKERS, pause, runs_of, settle, states
from tests.fakes import FakeTwilio
from tests.servers import Answer, Request, http_server
from tests.stages.demo.story import fill
from tests.stages.office.office import PLENTY, Office
from tests.stages.office.processes import context, now, reach_out

pytestmark = pytest.mark.slow

SAVES = 18
NEW = {"field": "subject", "op": "equals", "value": "Crash"}
CALLED = {"id": "note", "type": "add_note", "text": "{{ record.number }} after"}
STEPS: dict[str, dict[str, Any]] = {
    "Text": {"type": "send_sms", "to": ["+33612345678"], "body": "{{ record.number }}"},
    "Print": {"type": "generate_pdf", "html": "<p>{{ record.number }}</p>"},
    "Tell": {"type": "update_erp", "values": {"note": "{{ record.number }}"}},
    "Turn": {"type": "assign", "to": "round_robin:Sales"},
}


@pytest.fixture
def office(template_database: TemplateDatabase) -> Iterator[tuple[Pair, Office]]:
    """Whoever creates an invoice starts all four; texts go at any hour, without a cap."""
    pair = template_database("reference", fill)
    with Office.at(pair.database_url, now) as office:
        with office.database.begin() as tx:
            free = {"four_eyes": False, "sms_quiet": None, "sms_caps": PLENTY}
            office.database.save_company(tx, COMPANY.model_copy(update=free))
        for name, step in STEPS.items():
            steps = [{"id": "do", **step}, CALLED]
            trigger = {"type": "record_created"}
            office.activate(name=name, trigger=trigger, conditions=NEW, steps=steps)
        yield pair, office


@contextmanager
def team(start: Callable[[], ForkServerProcess]) -> Iterator[list[ForkServerProcess]]:
    """Processes at work; whatever stands in the list at the end is killed."""
    workers = [start() for _ in range(WORKERS)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def start(*args: Any) -> ForkServerProcess:
    worker = context().Process(target=reach_out, args=args, daemon=True)
    worker.start()
    return worker


@pytest.mark.usefixtures("printer")
def test_what_is_killed_outside_is_done_again_or_told_and_nothing_is_lost(
    office: tuple[Pair, Office], tmp_path: Path
) -> None:
    pair, installation = office
    dice, told = random.Random(20260310), list[tuple[str, str, bytes]]()
    twilio = FakeTwilio()

    def take(request: Request) -> Answer:
        if len(request.body) == int(request.headers["content-length"]):
            told.append((request.headers["idempotency-key"], request.path, request.body))
        pause(0.02)
        return Answer(200)

    with twilio.serve() as texts, http_server(take) as erp:
        begin = partial(start, pair, tmp_path, twilio.provider(texts), erp, LEASE)
        with closing(Doorbell(queue(pair.queue_url))) as bell, team(begin) as workers:
            for number in range(SAVES):
                given = {"subject": "Crash", "source_id": f"A-{number}", "account": "ACME"}
                installation.create("invoices", **given)
                bell.ring()
                pause(dice.uniform(0.05, 0.5))
                place = dice.randrange(WORKERS)
                workers[place].kill()
                workers[place].join()
                workers[place] = begin()
            settle(installation)
        check_records(installation, World(now, files=tmp_path))
        check_told(installation, told, twilio)


def check_records(installation: Office, world: World) -> None:
    """One PDF of each invoice, and each of the group has had as many turns."""
    made = [
        row for row in installation.rows("invoices", "id", "owner", "subject") if row[2] == "Crash"
    ]
    for name in ("Print", "Turn", "Tell"):
        assert states(installation, name) == {"done": SAVES}
    assert Counter(owner for _, owner, _ in made) == {"alice": 6, "bob": 6, "mgr": 6}
    rows = [row for row in installation.rows("documents", "record", "file") if row[1]]
    assert Counter(record for record, _ in rows) == {f"invoices/{id}": 1 for id, *_ in made}
    assert all(world.file(named(file)[0]).startswith(b"%PDF-") for _, file in rows)


def check_told(
    installation: Office, told: list[tuple[str, str, bytes]], twilio: FakeTwilio
) -> None:
    """The accounting system heard all, always the same under one key; no text went twice."""
    assert {key for key, *_ in told} == {f"run-{run}-do" for run in runs_of(installation, "Tell")}
    assert len(set(told)) == SAVES
    ends = states(installation, "Text")
    assert ends["done"] + ends["paused"] == SAVES
    sent = Counter(message["Body"] for message in twilio.messages)
    assert set(sent.values()) <= {1}
    assert ends["done"] <= len(sent) <= SAVES
    copies = Counter(status for (status,) in installation.rows("sms", "status"))
    assert copies == Counter({"sent": ends["done"], "unknown": ends["paused"]})
