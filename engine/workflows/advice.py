"""What is unwise about a sound workflow, as its document alone tells."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.blocks.step import Step
from engine.conditions import asks_nothing
from engine.conditions.parts import leaves, related
from engine.problems import Problem
from engine.schema.modules import Schema
from engine.schema.purposes import Purpose
from engine.workflows import loops
from engine.workflows.greetings import greetings
from engine.workflows.recurrence import Every, Once
from engine.workflows.workflow import Workflow

Lacks = Callable[[Step], Iterable[Problem]]


def advice(
    workflow: Workflow,
    schema: Schema,
    audience: int | None,
    lacks: Lacks = lambda step: (),
) -> Iterator[Problem]:
    """What its document tells; `lacks` is what a step needs and is not set up here."""
    yield from _of_steps(workflow, lacks)
    yield from _too_many(workflow, audience)
    yield from _at_every_save(workflow)
    yield from _several_mails(workflow, schema, audience)
    yield from _too_long(workflow)
    yield from _idle_waits(workflow, workflow.steps, "steps")
    yield from _idle_window(workflow)
    yield from _repeated(workflow, schema)
    yield from _second(workflow)
    yield from greetings(workflow, schema)
    yield from loops.own(workflow, schema)
    if not workflow.description:
        remedy = "One sentence helps the reviewer."
        yield Problem("description", "it does not say why it exists.", remedy, "note")


def _of_steps(workflow: Workflow, lacks: Lacks) -> Iterator[Problem]:
    """What each step needs and does not have, and what is unwise about it alone."""
    for path, step in placed(workflow.steps, "steps"):
        yield from (problem.under(path) for problem in (*lacks(step), *step.advise()))


def mails(workflow: Workflow) -> bool:
    """Whether it writes mails."""
    return any(step.channel == "email" for step in workflow.every_step)


def _leaves_the_house(workflow: Workflow) -> bool:
    return any(step.outward for step in workflow.every_step)


def _too_many(workflow: Workflow, audience: int | None) -> Iterator[Problem]:
    """A schedule that writes to everyone."""
    unasked = asks_nothing(workflow.conditions)
    if workflow.trigger.repeats and unasked and _leaves_the_house(workflow):
        count = f" ({audience} now)" if audience is not None else ""
        told = f"there are none, so every record is meant{count}."
        remedy = "It was confirmed by `everyone`; say which records it is for if that is not so."
        yield Problem("conditions", told, remedy)


def _at_every_save(workflow: Workflow) -> Iterator[Problem]:
    """Mails for saves that have nothing to do with them."""
    trigger = workflow.trigger
    any_save = trigger.kind in ("record_saved", "record_modified")
    narrowed = getattr(trigger, "fields", ()) or any(
        loops.of_change(node.op) for node in leaves(workflow.entry)
    )
    if any_save and not narrowed and mails(workflow) and isinstance(workflow.recurrence, Every):
        told = "a mail goes out at every save while the conditions hold."
        yield Problem("recurrence", told, 'Use "once", "episode" or `changed_to`.')


def _several_mails(workflow: Workflow, schema: Schema, audience: int | None) -> Iterator[Problem]:
    """One mail for each invoice of a customer."""
    each = workflow.trigger.repeats and mails(workflow) and not workflow.group_by
    invoices = schema.find(Purpose.INVOICE)
    if each and (audience or 0) > 1 and invoices and workflow.module == invoices.name:
        told = "a customer with several invoices gets several mails."
        yield Problem("group_by", told, 'Consider "group_by": "account".')


def _too_long(workflow: Workflow) -> Iterator[Problem]:
    if len(workflow.route) > 8:
        told = f"it has {len(workflow.route)} steps."
        yield Problem("steps", told, "A workflow with one task is easier to review.", "note")


def _idle_window(workflow: Workflow) -> Iterator[Problem]:
    if workflow.window and not workflow.trigger.repeats and not _leaves_the_house(workflow):
        told = "it changes nothing: no schedule looks for records, and no message leaves."
        yield Problem("window", told, "Leave the window out.", "note")


def placed(steps: Sequence[Step], path: str) -> Iterator[tuple[str, Step]]:
    """Every step with its path in the document."""
    for place, step in enumerate(steps):
        yield f"{path}.{place}", step
        for branch, inside in step.branches().items():
            yield from placed(inside, f"{path}.{place}.{branch}")


def _idle_waits(workflow: Workflow, steps: Sequence[Step], path: str) -> Iterator[Problem]:
    """Tasks whose completion is waited for, though nothing comes after them."""
    for place, step in enumerate(steps):
        if getattr(step, "wait_for_completion", False) and workflow.after(step) is None:
            yield Problem(
                f"{path}.{place}.wait_for_completion",
                "nothing comes after this task, so the run does not wait for it.",
                "Leave it out, or add the step that is to wait.",
                "note",
            )
        for branch, inside in step.branches().items():
            yield from _idle_waits(workflow, inside, f"{path}.{place}.{branch}")


def _repeated(workflow: Workflow, schema: Schema) -> Iterator[Problem]:
    """Steps that would change nothing at the second run, of records that are taken all the same."""
    home = schema.modules.get(workflow.module)
    if home is None or not workflow.trigger.repeats or not isinstance(workflow.recurrence, Every):
        return
    asked = {node.field for node in leaves(workflow.entry)}
    for path, step in placed(workflow.steps, "steps"):
        own = [write for write in step.writes(home, schema) if write.module == home.name]
        lasting = [write.field for write in own if write.value is not None or write.field == "tags"]
        if lasting and not asked & set(lasting):
            title = home.field(lasting[0]).title.lower()
            told = f"records whose {title} it has set are taken again at every run, for nothing."
            remedy = f'Ask in the conditions for another {title}, or use "once" or "episode".'
            yield Problem(path, told, remedy)


def _second(workflow: Workflow) -> Iterator[Problem]:
    """Records made of others with all their lines, of which nothing keeps a second from coming."""
    if isinstance(workflow.recurrence, Once):
        return
    asked = {node.related for node in related(workflow.entry)}
    for path, step in placed(workflow.steps, "steps"):
        copies = getattr(step, "copy_lines", False) and not getattr(step, "only_one", False)
        if copies and getattr(step, "module", "") not in asked:
            told = "a second one is created each time this happens again."
            remedy = 'Add "only_one": true, or ask in the conditions whether there is none.'
            yield Problem(f"{path}.only_one", told, remedy)
