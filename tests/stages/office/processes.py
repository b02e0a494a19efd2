"""What other processes do in tests: work until they are killed, and save records when told."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from engine.outside.egress import Egress, parse_networks
from engine.outside.texting import Twilio
from engine.outside.world import World
from engine.queue import Doorbell, queue
from engine.records.database import Database
from engine.records.writer import Author, Records
from engine.runs.sending.quotas import Message, claim
from engine.runs.worker import Worker
from tests.databases import Pair
from tests.stages.office.office import Office

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext


def now() -> datetime:
    return datetime.now(UTC)


def context() -> "ForkServerContext":
    """Processes that start within milliseconds, as copies of one that has loaded everything."""
    from multiprocessing import get_context

    found = get_context("forkserver")
    found.set_forkserver_preload([__name__])
    return found


def work(pair: Pair, smtp_url: str, lease: timedelta) -> None:
    """Answer the bell until killed."""
    with Office.at(pair.database_url, now, smtp_url, lease=lease) as office:
        Doorbell(queue(pair.queue_url)).listen(office.worker).start()
        Event().wait()


def reach_out(pair: Pair, files: Path, sms: Twilio, erp_url: str, lease: timedelta) -> None:
    """As `work`, with a folder for files, a service for texts and an accounting system."""
    database = Database(pair.database_url, now)
    egress = Egress(allow_networks=parse_networks("127.0.0.0/8"))
    find = {"ERP": "key of the tests"}.__getitem__
    world = World(
        now, egress, key=b"a key", sms=sms, erp_url=erp_url, files=files, find_secret=find
    )
    Doorbell(queue(pair.queue_url)).listen(Worker(database, world, lease=lease)).start()
    Event().wait()


def save(pair: Pair, orders: Connection) -> None:
    """Create as many invoices as each order says, each in a transaction of its own; 0 ends it."""
    bells = closing(Doorbell(queue(pair.queue_url)))
    with Office.at(pair.database_url, now) as office, bells as bell:
        while wanted := orders.recv():
            for _ in range(wanted):
                office.create("invoices", account="ACME", owner="alice")
                bell.ring()
            orders.send(wanted)


def count_up(pair: Pair, times: int) -> None:
    """Read a number of a record and write the next, so many times."""
    with Office.at(pair.database_url, now) as office:
        for _ in range(times):
            with office.database.begin() as tx:
                records = Records(tx, Author("alice"), starts=False)
                row = records.row(tx.schema.module("accounts"), 1)
                records.update("accounts", 1, {"visits": (row["visits"] or 0) + 1})


def write_to_many(pair: Pair, first: int, number: int, each: int) -> None:
    """Claim places for so many messages of workflow 1, each to so many people."""
    with Office.at(pair.database_url, now) as office:
        for run in range(first, first + number):
            people = [f"p{run}-{place}@acme.test" for place in range(each)]
            with office.database.begin() as tx:
                claim(tx, Message(run, "mail", 1, "email", people, people))
