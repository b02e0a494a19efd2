"""What decides, beside its document, what a workflow may do: modules, senders, other workflows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.company.company import Company
from engine.conditions import Binder
from engine.schema.modules import Module, Schema
from engine.workflows.workflow import Workflow

ONCE = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Started:
    """A workflow that others start, as it was approved."""

    id: int
    name: str
    parsed: Workflow


@dataclass(frozen=True)
class Surroundings:
    """`started` gives the workflows that are in force and have this number or name."""

    schema: Schema
    company: Company = field(default_factory=Company)
    started: Callable[[int | str], Iterable[Started]] = lambda named: ()

    def binder(self, module: Module) -> Binder:
        """What is needed to say what a step means; what a right is depends on no moment."""
        return Binder(self.schema, module, ONCE, self.company.calendar)
