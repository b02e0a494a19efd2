"""Fetch new mail from the mail server, now and then: each mail once, whoever fetches it."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from threading import Event, Thread
from typing import Any, Protocol

from sqlalchemy import Row, select, update
from sqlalchemy.exc import OperationalError

from engine.outside.imap import Account, Folder, MailboxUnreachable, opened
from engine.outside.receiving import receive
from engine.records.alerts import raise_alert
from engine.records.database import Database
from engine.records.tables import FOLDERS
from engine.records.transaction import Transaction
from engine.settings import Settings

EVERY, LEASE = timedelta(minutes=1), timedelta(minutes=10)
LONGEST, PATIENCE = timedelta(minutes=30), 3
AGAIN = timedelta(days=2)
MOST = 100
GLANCE = 2.0
log = logging.getLogger("sayso.postman")


class Home(Protocol):
    """What fetching mail needs of an installation."""

    database: Database
    settings: Settings

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """Addresses that Sayso receives mail at."""

    def changed(self) -> None:
        """To be called after each commit that may give workers something to do."""


class Postman(Thread):
    """Fetches in a thread of its own, so that no run waits for a mail server."""

    def __init__(self, home: Home) -> None:
        super().__init__(name="sayso-postman", daemon=True)
        self.home, self._told = home, Event()

    def run(self) -> None:
        while not self._told.wait(GLANCE):
            try:
                if collect(self.home):
                    self.home.changed()
            except Exception:
                log.exception("mail could not be fetched")

    def stop(self) -> None:
        """Finish the mail at hand, and fetch no more."""
        self._told.set()
        self.join(timeout=10)


def collect(home: Home) -> int:
    """Take the mail that is new, if it is time to look and nobody else does. Returns how much.

    The first look only notes where the folder ends: older mail is not taken.
    """
    url = home.settings.imap_url
    if not url:
        return 0
    account = Account.of(url)
    claimed = _claimed(home, account.name)
    if claimed is None:
        return 0
    try:
        with opened(url) as folder:
            return _read(home, account, folder, claimed)
    except MailboxUnreachable as trouble:
        _failed(home, account, claimed.failures + 1, str(trouble))
        return 0


def _claimed(home: Home, name: str) -> Row[Any] | None:
    """The folder as it stood, if it is due and now ours for a while."""
    with home.database.begin() as tx:
        here = select(FOLDERS).where(FOLDERS.c.name == name).with_for_update()
        row = tx.db.execute(here).first()
        if row is None:
            blank = {"validity": 0, "last": 0, "failures": 0, "trouble": ""}
            tx.upsert(FOLDERS, ["name"], {"name": name, "due": tx.now, **blank}, {"name": name})
            row = tx.db.execute(here).one()
        if row.due > tx.now:
            return None
        _note(tx, name, due=tx.now + LEASE)
        return row


def _read(home: Home, account: Account, folder: Folder, was: Row[Any]) -> int:
    fresh = was.validity == 0
    same = was.validity == folder.validity
    if fresh:
        waiting = []
    elif same:
        waiting = folder.after(was.last)
    else:  # Numbered anew: what was taken before is known by its Message-ID.
        waiting = folder.since(((was.read_at or was.due) - AGAIN).date())
    taken = sum(_take(home, account, folder, uid, same) for uid in waiting[:MOST])
    last = folder.next - 1 if fresh else max([was.last if same else 0, *waiting[:MOST]])
    with home.database.begin() as tx:
        more = len(waiting) > MOST
        stands = {"validity": folder.validity, "last": last, "failures": 0, "trouble": ""}
        _note(tx, account.name, due=tx.now + EVERY * (not more), read_at=tx.now, **stands)
    return taken


def _take(home: Home, account: Account, folder: Folder, uid: int, same: bool) -> bool:
    """Take one mail and note that it is taken, both or neither. One that cannot be is told of."""
    raw = folder.mail(uid)
    seen = {"last": uid} if same else {}
    try:
        with home.database.begin() as tx:
            _note(tx, account.name, due=tx.now + LEASE, **seen)
            if raw is None:
                _tell(tx, account, uid, "it is too large, or gone")
                return False
            return receive(tx, home.settings.data_dir, raw, home.own_addresses) is not None
    except (OperationalError, OSError):
        raise
    except Exception as error:
        log.exception("mail %s of %s could not be taken", uid, account.place)
        with home.database.begin() as tx:
            _note(tx, account.name, **seen)
            _tell(tx, account, uid, f"{type(error).__name__}: {error}"[:200])
        return False


def _failed(home: Home, account: Account, failures: int, why: str) -> None:
    pause = min(EVERY * 2 ** min(failures, 6), LONGEST)
    with home.database.begin() as tx:
        _note(tx, account.name, due=tx.now + pause, failures=failures, trouble=why)
        if failures >= PATIENCE:
            told = f"No mail is received: {account.place} cannot be read ({why})"
            remedy = "Check SAYSO_IMAP_URL and the mail server; it is tried again by itself."
            raise_alert(tx, "mail", f"mail/{account.name}", told, remedy)


def _tell(tx: Transaction, account: Account, uid: int, why: str) -> None:
    told = f"A mail in {account.place} could not be taken ({why})"
    remedy = "Read it there; the others are taken all the same."
    raise_alert(tx, "mail", f"mail/{account.name}/{uid}", told, remedy)


def _note(tx: Transaction, name: str, **values: Any) -> None:
    if values:
        tx.db.execute(update(FOLDERS).where(FOLDERS.c.name == name).values(**values))


def folders(tx: Transaction) -> Sequence[Row[Any]]:
    """How each folder stands."""
    return tx.db.execute(select(FOLDERS).order_by(FOLDERS.c.name)).all()
