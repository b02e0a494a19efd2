"""How soon after a save its first action begins: a real bell, and real worker threads."""

from collections.abc import Callable
from contextlib import closing
from threading import Event
from time import perf_counter
from typing import Any

from bench.ground import CREATED, create, office, tell
from engine.effects import Effect, Outcome
from engine.outside.world import World
from engine.queue import Doorbell, queue
from engine.runs.entry import Entry

Row = tuple[str, list[str]]


class Struck(World):
    """A world that notes when it is touched."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.touched = Event()
        self.at = 0.0

    def perform(self, effect: Effect, entry: Entry) -> Outcome:
        self.at = perf_counter()
        self.touched.set()
        return Outcome("done", "done")


def delays(make: Callable[[], Any], count: int) -> list[float]:
    """Milliseconds from the commit of each save to its first action, in order of length."""
    found = []
    with make() as pair, office(pair) as opened, closing(Doorbell(queue(pair.queue_url))) as bell:
        hook = {"id": "hook", "type": "webhook", "url": "https://example.com/hook"}
        opened.activate(trigger=CREATED, steps=[hook])
        world = opened.worker.world = Struck(opened.database.clock)
        listener = bell.listen(opened.worker)
        listener.start()
        for number in range(count + 10):
            world.touched.clear()
            create(opened, 1, 1)
            saved = perf_counter()
            bell.ring()
            world.touched.wait()
            if number >= 10:
                found.append((world.at - saved) * 1000)
            Event().wait(0.03)
        listener.stop(graceful=True)
    return sorted(found)


def rows(makers: dict[str, Callable[[], Any]], count: int) -> list[Row]:
    tell(f"{count} saves, one after the other")
    each = [delays(make, count) for make in makers.values()]
    return [
        ("from save to first action, p50", [f"{of[len(of) // 2]:.1f} ms" for of in each]),
        ("from save to first action, p99", [f"{of[len(of) * 99 // 100]:.1f} ms" for of in each]),
    ]
