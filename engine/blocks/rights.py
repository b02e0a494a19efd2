"""What a step may do, whom it calls and what it needs, as it says itself: plain data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.company.company import Company
from engine.effects.http import host_of
from engine.outside.world import World
from engine.phrases import mark, say

NEW_HOST = mark("New outside address")
MAY = {
    "mail": mark("mail {what}"),
    "text": mark("text {what}"),
    "tell": mark("tell {what}"),
    "send as": mark("send as {what}"),
    "attach": mark("attach {what}"),
    "disclose": mark("disclose {what}"),
    "write": mark("write {what}"),
    "change": mark("change {what}"),
    "call": mark("call {what}"),
    "use": mark("use {what}"),
    "run": mark("run {what}"),
    "ask": mark("ask {what}"),
    "send": mark("send {what}"),
    "start": mark("start {what}"),
}
"""What a right allows, by its kind, after "may"."""


@dataclass(frozen=True)
class Right:
    """One thing that a step may do, such as to mail its account.

    `kind` is the verb after "may": mail, text, write, call. `detail` is what exactly, as the
    document and the schema name it (`account.email`, `tickets.status`, a host), so that rights of
    two versions can be compared; `words` is the same for people. `risk` says in a few words why an
    approver must have seen it, where that is so. `through` names the workflow that has the right,
    if it is one that this one starts.
    """

    kind: str
    detail: str
    words: str
    risk: str = ""
    through: str = ""

    @property
    def key(self) -> tuple[str, str, bool]:
        """What makes it another right: not the words that people call things by."""
        return self.kind, self.detail, bool(self.through)

    def __str__(self) -> str:
        told = say(MAY[self.kind], what=self.words)
        if not self.through:
            return told
        return say("{right}, through “{workflow}”", right=told, workflow=self.through)


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

    def rights(self) -> Iterator[Right]:
        """To call it, and to prove who calls; what the operator has set needs none of these."""
        if self.name:
            yield Right("call", self.name, self.name, say(NEW_HOST))
        if self.name and self.secret:
            told = say(
                "the stored secret “{secret}”, at {host}", secret=self.secret, host=self.name
            )
            risk = say("Uses a stored secret")
            yield Right("use", f"{self.secret} at {self.name}", told, risk)


@dataclass(frozen=True)
class Need:
    """What has to be set up before a step can do its work: whether it is, what comes of the step
    while it is not, and what to do about that."""

    what: str
    met: Callable[[World, Company], bool]
    otherwise: str
    remedy: str
