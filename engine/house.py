"""Everything put together: the database, the edge, the workers and the bell between them."""

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from engine.company import Company
from engine.database import Database
from engine.jobs import Doorbell, queue
from engine.library import Library
from engine.links import Links
from engine.modules import Module
from engine.settings import Settings
from engine.worker import Worker
from engine.world import Clock, World, system_clock


def starter(name: str) -> Any:
    """One of the JSON files that a new installation begins with."""
    return json.loads(files("engine").joinpath("starter", f"{name}.json").read_text())


@dataclass
class House:
    """One process's hold on an installation."""

    settings: Settings
    database: Database
    world: World
    library: Library

    @classmethod
    def of(cls, settings: Settings, clock: Clock = system_clock) -> "House":
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        world = World.of(settings, clock)
        links = Links(settings.address, settings.key())
        return cls(settings, Database(settings.database, clock, links=links), world, Library())

    def prepare(self, company: Company | None = None) -> bool:
        """Make the tables and the starter modules, where there are none yet. False if there are."""
        zone = self.settings.timezone or "UTC"
        modules = [Module.model_validate(definition) for definition in starter("modules")]
        return self.database.prepare(company or Company(timezone=zone), modules)

    @cached_property
    def bell(self) -> Doorbell:
        return Doorbell(queue(self.settings.queue))

    @cached_property
    def worker(self) -> Worker:
        return Worker(self.database, self.world, self.library)

    def unsafe(self, url: str) -> str | None:
        """Why a workflow may not call this address; None if it may."""
        return self.world.egress.problem(url)

    def changed(self) -> None:
        """Call after each commit that may give workers something to do."""
        self.bell.ring()
