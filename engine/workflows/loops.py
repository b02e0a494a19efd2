"""Loops that a workflow would close: by its own changes, or in a ring with others."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.blocks.step import Write
from engine.conditions.operators import OPERATORS
from engine.conditions.parts import required
from engine.problems import Problem
from engine.schema.modules import Schema
from engine.workflows.fingerprint import writes
from engine.workflows.workflow import Workflow

REMEDY = (
    "Narrow one of the triggers, or ask in its conditions for a value that the other does not set."
)


class Named(Protocol):
    """A workflow that has a number and a name."""

    @property
    def workflow(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def parsed(self) -> Workflow: ...


@dataclass(frozen=True)
class Link:
    """That a step of one workflow starts another: by what it writes, or because it says so."""

    step: str
    write: Write | None = None

    def words(self, schema: Schema) -> str:
        if self.write is None:
            return "starts this one again."
        return f"changes {_named(self.write, schema)} and so would start this one again."


# --- with others ---


def rings(workflow: Workflow, others: Sequence[Named], schema: Schema) -> Iterator[Problem]:
    """Each workflow that this one would start and that, through others or not, starts it again."""
    about: dict[str, list[Named]] = defaultdict(list)
    for other in others:
        about[other.parsed.module].append(other)
    for first, forth in _started(workflow, about, others, schema):
        if found := _way_back(first, workflow, about, others, schema):
            names, back = found
            told = "".join(f", which starts “{name}”" for name in names[1:])
            yield Problem(
                forth.step,
                f"it would start “{names[0]}”{told}, which {back.words(schema)}",
                REMEDY,
            )


def _way_back(
    first: Named,
    workflow: Workflow,
    about: dict[str, list[Named]],
    others: Sequence[Named],
    schema: Schema,
) -> tuple[list[str], Link] | None:
    """The names on the shortest way from one workflow to this one, and how the last starts it."""
    waiting, seen = deque([(first, [first.name])]), {first.workflow}
    while waiting:
        here, names = waiting.popleft()
        if back := _link(here.parsed, workflow, (workflow.name,), schema):
            return names, back
        for there, _ in _started(here.parsed, about, others, schema):
            if there.workflow not in seen:
                seen.add(there.workflow)
                waiting.append((there, [*names, there.name]))
    return None


def _started(
    workflow: Workflow, about: dict[str, list[Named]], others: Sequence[Named], schema: Schema
) -> Iterator[tuple[Named, Link]]:
    """The other workflows that this one would start, each with how."""
    changed = {write.module for write in writes(workflow, schema)}
    heard = [other for module in changed for other in about.get(module, ())]
    named = {known for step in workflow.every_step for known in step.starts()}
    called = [other for other in others if named & {other.workflow, other.name}]
    for other in {each.workflow: each for each in (*heard, *called)}.values():
        if other.parsed is workflow:
            continue
        if link := _link(workflow, other.parsed, (other.workflow, other.name), schema):
            yield other, link


def _link(
    workflow: Workflow, other: Workflow, called: Iterable[int | str], schema: Schema
) -> Link | None:
    """How one workflow starts another that is `called` so; None if it does not."""
    home = schema.module(workflow.module)
    for place, step in enumerate(workflow.every_step):
        if set(step.starts()) & set(called):
            return Link(f"steps.{place}")
        for write in step.writes(home, schema):
            if starts(write, other):
                return Link(f"steps.{place}", write)
    return None


# --- with itself ---


def own(workflow: Workflow, schema: Schema) -> Iterator[Problem]:
    """Its own changes that would start it once more, were it not kept from that."""
    home = schema.modules.get(workflow.module)
    if home is None or workflow.trigger.minds_itself:
        return
    for place, step in enumerate(workflow.every_step):
        for write in step.writes(home, schema):
            if runs_on(write) and starts(write, workflow):
                did = "creates" if write.field == "*" else "goes on changing"
                yield Problem(
                    f"steps.{place}",
                    f"it {did} {_named(write, schema)} and starts when that happens: "
                    "only that a workflow is not started by its own changes ends the loop.",
                    "Ask in the conditions for a value that it does not set itself.",
                )


def runs_on(write: Write) -> bool:
    """Whether doing it once more would change something once more."""
    return write.field == "*" or write.moves


# --- what starts what ---


def starts(write: Write, workflow: Workflow) -> bool:
    """Whether such a write can start the workflow, as far as can be told without a record."""
    kind = "created" if write.field == "*" else "modified"
    heard = [listen for listen in workflow.trigger.listens() if listen.kind == kind]
    if write.module != workflow.module or not heard or workflow.trigger.from_outside:
        return False
    if kind == "created":
        return True
    if all(listen.fields is not None and write.field not in listen.fields for listen in heard):
        return False
    return _possible(write, workflow)


def _possible(write: Write, workflow: Workflow) -> bool:
    """False where the conditions ask for another value, or for the change of other fields."""
    parts = list(required(workflow.entry))
    changing = {part.field for part in parts if of_change(part.op)}
    if changing and write.field not in changing:
        return False
    wanted = [
        part.value
        for part in parts
        if part.field == write.field and part.op in ("equals", "changed_to", "becomes")
    ]
    return not any(write.value is not None and value != write.value for value in wanted)


def of_change(op: str) -> bool:
    """Whether an operator looks at a change."""
    return op in OPERATORS and OPERATORS[op].of_change


def _named(write: Write, schema: Schema) -> str:
    module = schema.modules.get(write.module)
    label = module.label.lower() if module else write.module
    if module is None or write.field == "*":
        return label
    return f"{module.by_name[write.field].title.lower()} of {label}"
