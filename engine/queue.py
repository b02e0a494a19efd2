"""The doorbell: Huey carries "there is work" to the workers, and the tables say what work."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from threading import Event, Lock
from time import monotonic
from typing import Any

from huey import Huey
from huey.consumer import BaseProcess, Consumer
from huey.consumer import Worker as ConsumerWorker
from huey.exceptions import HueyException
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import RedisStorage, SqliteStorage
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.records.tables import HEARTBEATS
from engine.runs.worker import Worker

TICK = 60.0  # seconds: so long at most work lies about whose ring was lost
HEARTBEAT = 15.0
GLANCE = 0.2
PAUSE = 1.0
log = logging.getLogger("sayso.jobs")


class Rings(Serializer):  # type: ignore[misc]  # huey has no types
    """Messages as JSON that name a task and no more: who can write to the queue can but ring."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps({"ring": data.name}).encode()

    def _deserialize(self, data: bytes) -> Any:
        match json.loads(data):
            case {"ring": str(name), **rest} if not rest:
                return Message(None, name)
        raise ValueError("it is none of ours")


class SqliteQueue(SqliteStorage):  # type: ignore[misc]  # huey has no types
    """A queue in a file that no power cut spoils; rings may be lost in one."""

    def _create_connection(self) -> Any:
        connection = super()._create_connection()
        connection.execute("pragma synchronous=normal")
        return connection


class RedisQueue(RedisStorage):  # type: ignore[misc]  # huey has no types
    """A queue in Redis, whose connections can be let go of."""

    def close(self) -> None:
        self.pool.disconnect()


class Queue(Huey):  # type: ignore[misc]  # huey has no types
    """A queue that takes foreign messages and its own absence calmly."""

    rest: Callable[[float], Any] = staticmethod(lambda seconds: None)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rung = Event()

    def dequeue(self) -> Any:
        try:
            return super().dequeue()
        except (ValueError, HueyException) as garbage:
            log.warning("a message in the queue was dropped: %s", garbage)
        except Exception as trouble:
            log.warning("the queue cannot be read: %s", trouble)
            self.rest(PAUSE)
        return None


def queue(url: str) -> Queue:
    """The queue at this address: a SQLite file, or Redis."""
    common = {"results": False, "serializer": Rings()}
    if url.startswith("sqlite:///"):
        file = url.removeprefix("sqlite:///")
        return Queue("sayso", storage_class=SqliteQueue, filename=file, **common)
    patience = {"socket_connect_timeout": 2, "socket_timeout": 10, "retry": Retry(NoBackoff(), 1)}
    pool = ConnectionPool.from_url(url, **patience)
    return Queue("sayso", storage_class=RedisQueue, connection_pool=pool, **common)


class Doorbell:
    """Rings workers, and answers in those that listen. A lost ring costs `tick` seconds at most."""

    def __init__(self, huey: Queue, tick: float = TICK) -> None:
        self.huey, self.tick = huey, tick
        self._worker: Worker | None = None
        self._bell = huey.task(name="work")(self.answer)
        self._answered = self._beaten = -max(tick, HEARTBEAT)
        self._next_at: datetime | None = None
        self._noting = Lock()

    def close(self) -> None:
        """Let go of the queue. A later ring opens it again."""
        self.huey.storage.close()

    def ring(self) -> None:
        """Say that there is work. Should the queue be away, it is done at the next tick."""
        try:
            self._bell()
            self.huey.rung.set()
        except Exception as trouble:
            log.warning("the bell could not be rung: %s", trouble)

    def answer(self) -> None:
        """Do all there is. Rings before this need no answer: what they were about is done."""
        if self._worker is None:
            return
        self._answered = monotonic()
        self._quieten()
        self._worker.work()
        with self._noting:
            self._next_at = self._worker.next_due()

    def _beat(self) -> None:
        """Leave a sign of life, now and then, while the crank turns."""
        if self._worker and monotonic() - self._beaten > HEARTBEAT:
            self._beaten = monotonic()
            beat(self._worker)

    def _quieten(self) -> None:
        try:
            self.huey.storage.flush_queue()
        except Exception as trouble:
            log.warning("the queue cannot be emptied: %s", trouble)

    def time_is_up(self) -> bool:
        """Whether something is due, or all was so quiet that a ring may have been lost."""
        if monotonic() - self._answered > self.tick:
            return True
        return bool(self._worker and self._next_at and self._next_at <= self._worker.world.now())

    def listen(self, worker: Worker, threads: int = 2) -> "Listener":
        """A consumer that works when the bell rings or time is up; call its `start` and `stop`."""
        self._worker = worker
        worker.ring, worker.heartbeat = self.ring, self._beat
        return Listener(self, threads)


class Timekeeper(BaseProcess):  # type: ignore[misc]  # huey has no types
    """Answers the bell when time is up, instead of Huey's scheduler: it needs no queue."""

    process_name = "Timekeeper"

    def __init__(self, bell: Doorbell, stop_flag: Any) -> None:
        super().__init__(bell.huey, stop_flag)
        self._bell = bell

    def loop(self, now: Any = None) -> None:
        try:
            if self._bell.time_is_up():
                self._bell.answer()
        except Exception:
            log.exception("the work at a tick failed")
            self.stop_flag.wait(PAUSE)
        self.stop_flag.wait(GLANCE)


class Ear(ConsumerWorker):  # type: ignore[misc]  # huey has no types
    """Looks into the queue now and then, and at once when somebody in this process has rung."""

    delay: float

    def sleep(self) -> None:
        if self.huey.rung.wait(self.delay):
            self.huey.rung.clear()
        self.delay = min(self.delay * self.backoff, self.max_delay)


class Listener(Consumer):  # type: ignore[misc]  # huey has no types
    """A consumer inside another program, which keeps its signal handlers. It starts with work."""

    worker_class = Ear

    def __init__(self, bell: Doorbell, threads: int) -> None:
        self._bell = bell
        quick = {"initial_delay": 0.005, "backoff": 1.1, "max_delay": 0.02}
        super().__init__(bell.huey, workers=threads, check_worker_health=False, **quick)
        bell.huey.rest = self.stop_flag.wait

    def _create_scheduler(self) -> Timekeeper:
        return Timekeeper(self._bell, self.stop_flag)

    def _set_signal_handlers(self) -> None:
        """Our program decides what a signal means; huey offers no public way to say so."""


def beat(worker: Worker) -> None:
    """Leave a sign of life."""
    with worker.database.begin() as tx:
        tx.upsert(HEARTBEATS, ["name"], {"name": "worker", "at": tx.now})
