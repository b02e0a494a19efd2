"""The edge: everything outside the database, and the one place it is touched from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from engine import smtp
from engine.alerts import raise_alert
from engine.effects import Effect, Outcome, OutwardEffect, RecordEffect
from engine.effects.model import Claude
from engine.egress import Egress, parse_networks
from engine.facts import Reader
from engine.ledger import Entry, Run
from engine.settings import Settings, named_secret, signing_secret
from engine.writes import Gathering, Together

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """The clock, the network, the mail server and the model."""

    clock: Clock = system_clock
    egress: Egress = field(default_factory=Egress)
    smtp_url: str = ""
    model: Claude | None = None
    key: bytes = b""
    find_secret: Callable[[str], str] = named_secret

    @classmethod
    def of(cls, settings: Settings, clock: Clock = system_clock) -> "World":
        """The world as the settings describe it."""
        key, base = settings.anthropic_api_key, settings.anthropic_base_url
        model = Claude(key, base, settings.model) if key else None
        networks = parse_networks(settings.allow_networks)
        return cls(
            clock,
            Egress(allow_networks=networks),
            settings.smtp_url,
            model=model,
            key=settings.key(),
        )

    def now(self) -> datetime:
        return self.clock()

    def deliver(self, mail: smtp.Mail) -> smtp.Delivery:
        return smtp.deliver(self.smtp_url, mail)

    def secret(self, name: str) -> str:
        return self.find_secret(name)

    def signing_secret(self, url: str) -> str:
        return signing_secret(self.key, urlsplit(url).hostname or "")

    def scrub(self, text: str) -> str:
        """Text from outside, without what could be our own key."""
        return text.replace(self.key.decode(errors="replace"), "***") if self.key else text

    def perform(self, effect: OutwardEffect, entry: Entry) -> Outcome:
        """Do what was planned. Whatever goes wrong is an outcome, never an exception."""
        try:
            return effect.perform(self, entry.key, entry.tries)
        except KeyError as missing:
            return Outcome(
                "failed", f"there is no stored secret {missing}. Store it, then try again."
            )


class Inside:
    """The stage of real runs: record effects happen at once, outward ones after the commit."""

    def __init__(self, tx: Gathering, reader: Reader) -> None:
        self.tx, self.reader = tx, reader

    def perform(self, run: Run, effect: Effect, entry: Entry) -> Outcome | None:
        if isinstance(effect, RecordEffect):
            return effect.apply(Together(self.tx, run.author, self.reader))
        return None

    def change(self, run: Run, effect: RecordEffect) -> None:
        outcome = effect.apply(Together(self.tx, run.author, self.reader))
        if outcome.result == "failed":
            what = f"“{run.live.name}” could not keep what belongs to its run R-{run.id}"
            told = f"{what}: {outcome.said}"
            remedy = "Correct what it says, and look at the run."
            key = f"unkept/{run.live.workflow}"
            raise_alert(self.tx, "failed", key, told, remedy, run.live.workflow)


__all__ = ["Inside", "World"]
