"""What a step may do, whom it calls and what it needs, as it says itself: plain data."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.company.company import Company
from engine.effects.http import host_of
from engine.outside.world import World


@dataclass(frozen=True)
class Right:
    """One thing that a step may do, such as to mail its account.

    `kind` is the verb after "may": mail, text, write, call. `detail` is what exactly, as the
    document and the schema name it (`account`, `tickets.status`, a host), so that rights of two
    versions can be compared; `words` is the same for people.
    """

    kind: str
    detail: str
    words: str

    def __str__(self) -> str:
        return f"{self.kind} {self.words}"


@dataclass(frozen=True)
class Host:
    """A machine outside that a step calls, and the stored secret by which it knows us.

    A host that the workflow itself chooses has a `name`, as in its address: `api.example.com` or
    `10.0.0.7:8080`. One that whoever runs Sayso has chosen is told by the `setting` that holds it.
    """

    name: str = ""
    secret: str = ""
    setting: str = ""

    @classmethod
    def of(cls, url: str, secret: str = "") -> "Host":
        """The host of an address that a step calls; behind the host there may be templates."""
        return cls(host_of(url), secret)

    @property
    def words(self) -> str:
        return f"{self.name}, with the stored secret “{self.secret}”" if self.secret else self.name


@dataclass(frozen=True)
class Need:
    """What has to be set up before a step can do its work: whether it is, what comes of the step
    while it is not, and what to do about that."""

    what: str
    met: Callable[[World, Company], bool]
    otherwise: str
    remedy: str
