"""What other processes do in tests: work until they are killed, and save records when told."""

from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from threading import Event
from typing import TYPE_CHECKING

from engine.jobs import Doorbell, queue
from engine.records import Author, Records
from engine.sending.quotas import Message, claim
from tests.databases import Pair
from tests.office import Office

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


def save(pair: Pair, orders: Connection) -> None:
    """Create as many invoices as each order says, each in a transaction of its own; 0 ends it."""
    with Office.at(pair.database_url, now) as office:
        bell = Doorbell(queue(pair.queue_url))
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
