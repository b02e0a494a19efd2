"""The doorbell: Huey carries "there is work" to the workers. The tables say what; a lost or doubled ring is harmless."""

import json
import logging
from datetime import timedelta
from typing import Any

from huey import Huey, RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from engine.tables import HEARTBEATS
from engine.worker import Worker

EAGER = timedelta(seconds=60)
log = logging.getLogger("sayso.jobs")


class JsonMessages(Serializer):  # type: ignore[misc]  # huey has no types
    """Messages as JSON: whoever can write to the queue can ring, and nothing else."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(list(data)).encode()

    def _deserialize(self, data: bytes) -> Any:
        return Message(*json.loads(data))


def queue(url: str) -> Huey:
    """The queue at this address: a SQLite file, or Redis."""
    if url.startswith("sqlite:///"):
        return SqliteHuey(
            "sayso",
            filename=url.removeprefix("sqlite:///"),
            serializer=JsonMessages(),
            results=False,
            fsync=False,
        )
    return RedisHuey("sayso", url=url, serializer=JsonMessages(), results=False)


class Listener(Consumer):  # type: ignore[misc]  # huey has no types
    """A consumer inside another program, which keeps its own signal handlers."""

    def _set_signal_handlers(self) -> None:
        """The program that holds us decides what a signal means; huey offers no public way to say so."""


class Doorbell:
    """Rings workers, and answers in those that listen."""

    def __init__(self, huey: Huey) -> None:
        self.huey = huey
        self._worker: Worker | None = None
        self._bell = huey.task(name="work")(self._answer)
        huey.periodic_task(crontab(minute="*"), name="tick")(self._answer)

    def ring(self) -> None:
        """Say that there is work."""
        self._bell()

    def ring_later(self, seconds: float) -> None:
        self._bell.schedule(delay=seconds)

    def _answer(self) -> None:
        if self._worker is None:
            return
        self.huey.storage.flush_queue()
        self._worker.work()
        beat(self._worker)
        if due := self._worker.next_due():
            wait = due - self._worker.world.now()
            if timedelta(0) < wait < EAGER:
                self.ring_later(wait.total_seconds())

    def listen(self, worker: Worker, threads: int = 2) -> Listener:
        """A consumer that works whenever the bell rings; call its `start` and `stop`."""
        self._worker = worker
        worker.ring = self.ring
        return Listener(
            self.huey,
            workers=threads,
            initial_delay=0.005,
            backoff=1.1,
            max_delay=0.02,
            check_worker_health=False,
        )


def beat(worker: Worker) -> None:
    """Leave a sign of life."""
    with worker.database.begin() as tx:
        tx.upsert(HEARTBEATS, ["name"], {"name": "worker", "at": tx.now})
