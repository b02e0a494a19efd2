"""How often somebody may knock: so many times in a span, counted in this process."""

from collections import OrderedDict
from threading import Lock
from time import monotonic

MOST_KNOWN = 10_000


class Pace:
    """Lets each key pass so many times in so many seconds."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self._seen: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = Lock()

    def allows(self, key: str) -> bool:
        """Whether this one may pass now; if so, it is counted."""
        now = monotonic()
        with self._lock:
            recent = [at for at in self._seen.pop(key, []) if at > now - self.seconds]
            allowed = len(recent) < self.most
            self._seen[key] = [*recent, now] if allowed else recent
            if len(self._seen) > MOST_KNOWN:
                self._seen.popitem(last=False)
            return allowed
