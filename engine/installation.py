"""Everything put together: the database, the edge, the workers and the bell between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parseaddr
from functools import cached_property

from engine.blocks.step import Step
from engine.company.company import PLACEHOLDER, Company
from engine.effects.functions import FUNCTIONS
from engine.outside.imap import own_addresses
from engine.outside.world import Clock, World, system_clock
from engine.problems import Problem, refuse
from engine.queue import Doorbell, queue
from engine.records.database import Database
from engine.records.signed_links import Links
from engine.runs.retention import Keep
from engine.runs.worker import Worker
from engine.schema.addresses import BadAddress, mail_address
from engine.schema.modules import Module
from engine.settings import Settings
from engine.starter import starter
from engine.upgrades.backup import Progress
from engine.upgrades.upgrading import Upgrade, upgrade
from engine.workflows.library import Library


@dataclass
class Installation:
    """One process's hold on an installation."""

    settings: Settings
    database: Database
    world: World
    library: Library

    @classmethod
    def of(cls, settings: Settings, clock: Clock = system_clock) -> "Installation":
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        FUNCTIONS.load(settings.functions)
        world = World.of(settings, clock)
        links = Links(settings.address, settings.key())
        return cls(settings, Database(settings.database, clock, links=links), world, Library())

    def prepare(self, company: Company | None = None) -> bool:
        """Make the tables and the starter modules, where there are none yet. False if there are.

        Raises `Outdated` if what is there is of another release.
        """
        zone = self.settings.timezone or "UTC"
        modules = [Module.model_validate(definition) for definition in starter("modules")]
        made = self.database.prepare(company or Company(timezone=zone), modules)
        if self.settings.sender:
            self._send_as(self.settings.sender)
        return made

    def _send_as(self, sender: str) -> None:
        """Keep `Name <address>` as the company's sender, where none is set. Raises `Invalid`."""
        name, address = parseaddr(sender)
        try:
            kept = {"sender": mail_address(address), "sender_name": name}
        except BadAddress as bad:
            raise refuse("SAYSO_SENDER", str(bad)) from None
        with self.database.begin() as tx:
            if tx.company.sender == PLACEHOLDER:
                self.database.save_company(tx, tx.company.model_copy(update=kept))

    def upgrade(
        self,
        say: Callable[[str], None] = lambda words: None,
        progress: Progress = lambda done, total: None,
    ) -> Upgrade:
        """Bring a database of an earlier release to this one. See `upgrading.upgrade`."""
        return upgrade(self.database, say, progress)

    @property
    def embedded(self) -> bool:
        """Whether the database is a file that belongs to this installation alone."""
        return self.database.engine.dialect.name == "sqlite"

    @cached_property
    def bell(self) -> Doorbell:
        return Doorbell(queue(self.settings.queue))

    @cached_property
    def worker(self) -> Worker:
        kept = self.settings
        keep = Keep(kept.keep_events_days, kept.keep_steps_days, kept.keep_audit_days)
        return Worker(self.database, self.world, self.library, keep=keep)

    def close(self) -> None:
        """Let go of the database and the queue. What is done later opens them again."""
        self.database.close()
        if "bell" in vars(self):
            self.bell.close()

    def unsafe(self, url: str) -> str | None:
        """Why a workflow may not call this address; None if it may."""
        return self.world.egress.problem(url)

    def lacks(self, company: Company) -> Callable[[Step], Iterator[Problem]]:
        """Tells of a step what it needs and is not set up here, so that it would fail."""
        return lambda step: step.lacks(self.world, company)

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """Addresses that Sayso receives mail at."""
        return own_addresses(self.settings.imap_url)

    def changed(self) -> None:
        """Call after each commit that may give workers something to do."""
        self.bell.ring()
