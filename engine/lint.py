"""What is unwise about a sound workflow, and the circles it would close with others."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from engine.conditions import AllOf, Compare, Condition
from engine.dependencies import writes
from engine.modules import Schema
from engine.problems import Problem
from engine.steps import Write
from engine.workflow import Workflow


class Named(Protocol):
    """A workflow that has a name."""

    @property
    def name(self) -> str: ...

    @property
    def parsed(self) -> Workflow: ...


def advice(workflow: Workflow, schema: Schema, audience: int | None) -> Iterator[Problem]:
    """What a careful colleague would say."""
    outward = [
        step for step, _ in workflow.route.values() if step.kind in ("send_email", "webhook")
    ]
    mails = [step for step in outward if step.kind == "send_email"]
    unasked = workflow.conditions == AllOf(all=())
    if workflow.trigger.repeats and mails and workflow.recurrence == "every":
        yield Problem(
            "recurrence",
            "every matching record gets a mail at every run.",
            'Consider {"every_days": 7} or "episode".',
        )
    if workflow.trigger.repeats and unasked and outward:
        told = f" ({audience} now)" if audience is not None else ""
        yield Problem(
            "conditions",
            f"there are none, so every record is meant{told}.",
            "Say which records it is for.",
        )
    asks_change = any(
        node.op in ("changed", "changed_to", "changed_from", "becomes")
        for node in leaves(workflow.entry)
    )
    if (
        workflow.trigger.kind == "record_saved"
        and mails
        and workflow.recurrence == "every"
        and not asks_change
    ):
        yield Problem(
            "recurrence",
            "a mail goes out at every save while the conditions hold.",
            'Use "once", "episode" or `changed_to`.',
        )
    if (
        workflow.trigger.repeats
        and mails
        and not workflow.group_by
        and (audience or 0) > 1
        and workflow.module == "invoices"
    ):
        yield Problem(
            "group_by",
            "a customer with several invoices gets several mails.",
            'Consider "group_by": "account".',
        )
    if len(workflow.route) > 8:
        yield Problem(
            "steps",
            f"it has {len(workflow.route)} steps.",
            "A workflow with one task is easier to review.",
        )
    for node in leaves(workflow.conditions):
        if (
            node.op == "equals"
            and isinstance(node.value, str)
            and node.value.startswith("today")
            and workflow.trigger.repeats
        ):
            yield Problem(
                "conditions",
                f"`{node.field}` must be exactly {node.value}: a day of downtime loses records.",
                'Use `at_most` together with "once".',
            )
    if not workflow.description:
        yield Problem(
            "description", "it does not say why it exists.", "One sentence helps the reviewer."
        )


def leaves(condition: Condition | None) -> Iterator[Compare]:
    """Every comparison in a condition, wherever it stands."""
    match condition:
        case Compare():
            yield condition
        case None:
            return
        case _:
            inside = (
                getattr(condition, "all", None)
                or getattr(condition, "any", None)
                or (getattr(condition, "part", None),)
            )
            for part in inside if isinstance(inside, tuple) else ():
                yield from leaves(part)


# --- circles ---


def circles(workflow: Workflow, others: Sequence[Named], schema: Schema) -> Iterator[Problem]:
    """Workflows that this one would start and that would start it again."""
    for other in others:
        forth = next(
            (write for write in writes(workflow, schema) if starts(write, other.parsed)), None
        )
        back = next(
            (write for write in writes(other.parsed, schema) if starts(write, workflow)), None
        )
        if forth and back:
            yield Problem(
                _step_of(workflow, forth, schema),
                f"it would start “{other.name}”, which changes {_named(back)} "
                "and so would start this one again.",
                "Narrow one of the two triggers, or ask in its conditions for a value "
                "that the other does not set.",
            )


def starts(write: Write, workflow: Workflow) -> bool:
    """Whether such a write can start the workflow, as far as can be told without a record."""
    kind = "created" if write.field == "*" else "modified"
    heard = [listen for listen in workflow.trigger.listens() if listen.kind == kind]
    if write.module != workflow.module or not heard:
        return False
    if kind == "created":
        return True
    if all(listen.fields is not None and write.field not in listen.fields for listen in heard):
        return False
    return _possible(write, workflow)


def _possible(write: Write, workflow: Workflow) -> bool:
    """False where the conditions ask for another value, or for the change of other fields."""
    parts = list(required(workflow.entry))
    changing = {
        part.field
        for part in parts
        if part.op in ("changed", "changed_to", "changed_from", "becomes")
    }
    if changing and write.field not in changing:
        return False
    wanted = [
        part.value
        for part in parts
        if part.field == write.field and part.op in ("equals", "changed_to", "becomes")
    ]
    return not any(write.value is not None and value != write.value for value in wanted)


def required(condition: Condition) -> Iterator[Compare]:
    """The comparisons that must all hold for the condition to hold."""
    if isinstance(condition, Compare):
        yield condition
    elif isinstance(condition, AllOf):
        for part in condition.all:
            yield from required(part)


def _step_of(workflow: Workflow, write: Write, schema: Schema) -> str:
    home = schema.module(workflow.module)
    for place, (step, _) in enumerate(workflow.route.values()):
        if write in step.writes(home, schema):
            return f"steps.{place}"
    return "steps"


def _named(write: Write) -> str:
    return write.module if write.field == "*" else f"{write.field} of {write.module}"
