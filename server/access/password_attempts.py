"""How often somebody may try a password: a few wrong ones, then a pause; each process counts."""

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock

# One address may be that of a whole office.
MOST_OF_USER, MOST_FROM_ADDRESS, WINDOW = 10, 50, timedelta(minutes=10)
KEPT = 10_000


class Attempts:
    """Wrong passwords by user and by address."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wrong: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._hashing = BoundedSemaphore(2)

    def too_many(self, now: datetime, user: str, address: str) -> bool:
        """Whether too many tries for this user, or from this address, were wrong lately."""
        with self._lock:
            of_user, from_there = self._recent(f"user {user}", now), self._recent(address, now)
        return of_user >= MOST_OF_USER or from_there >= MOST_FROM_ADDRESS

    def failed(self, now: datetime, user: str, address: str) -> None:
        with self._lock:
            if len(self._wrong) > KEPT:
                self._wrong.clear()
            self._wrong[f"user {user}"].append(now)
            self._wrong[address].append(now)

    def passed(self, user: str) -> None:
        with self._lock:
            self._wrong.pop(f"user {user}", None)

    @contextmanager
    def one_of_few(self) -> Iterator[None]:
        """Checking a password takes much memory on purpose, so only two are checked at a time."""
        with self._hashing:
            yield

    def _recent(self, key: str, now: datetime) -> int:
        tries = self._wrong.get(key, deque())
        while tries and tries[0] <= now - WINDOW:
            tries.popleft()
        return len(tries)
