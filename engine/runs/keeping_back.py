"""What keeps a workflow from starting, and its messages from leaving: the words of every rule."""

from collections.abc import Iterator

from engine.blocks.communication import Communication
from engine.blocks.triggers.schedule import Schedule
from engine.conditions import asks_nothing
from engine.conditions.words import describe
from engine.effects import follow_up
from engine.phrases import listed, mark, say
from engine.problems import Invalid
from engine.records.reader import pauses
from engine.records.transaction import Transaction
from engine.runs import addressees, match, reply_loops
from engine.runs.schedules import firing
from engine.runs.sending import gate
from engine.workflows.fingerprint import guard
from engine.workflows.workflow import Workflow


def keeps_back(tx: Transaction, workflow: Workflow) -> list[str]:
    """Each rule that may hold back a run or a message, in a sentence; what the workflow itself
    says (its conditions, its window, when it stops) stands in its own words."""
    return [*_starts(tx, workflow), *_goes_on(tx, workflow), *_sends(tx, workflow)]


def _starts(tx: Transaction, workflow: Workflow) -> Iterator[str]:
    yield workflow.one_at_a_time(tx.binder(tx.schema.module(workflow.module)))
    if workflow.recurrence.takes_baseline:
        yield say("Whoever approves it chooses whether what matches already is left alone.")
    if hours := reply_loops.hours(tx, workflow):
        yield reply_loops.words(hours)
    if isinstance(workflow.trigger, Schedule) and not workflow.trigger.polls:
        yield firing.words()
    if workflow.trigger.listens():
        yield match.circles()


def _goes_on(tx: Transaction, workflow: Workflow) -> Iterator[str]:
    later = workflow.waits or any(isinstance(each, Communication) for each in workflow.every_step)
    if later and (told := _asked_again(tx, workflow)):
        yield say(
            "After a wait or a delay it is asked again whether {condition}, as of the day the run "
            "began; where that is not so any more, it does nothing more.",
            condition=told,
        )
    yield say(match.CHANGED)


def _asked_again(tx: Transaction, workflow: Workflow) -> str:
    """The guard in words; "" where it asks nothing, or names fields that there are no more."""
    try:
        asked = guard(workflow, tx.schema)
    except Invalid:
        return ""
    binder = tx.binder(tx.schema.module(workflow.module))
    return "" if asks_nothing(asked) else describe(asked, binder)


def _sends(tx: Transaction, workflow: Workflow) -> Iterator[str]:
    channels = list(dict.fromkeys(step.channel for step in workflow.every_step if step.channel))
    if not channels:
        return
    module = tx.schema.module(workflow.module)
    if flags := [tx.schema.path(module, dotted).title for dotted in pauses(tx.schema, module)]:
        told = mark("Customers are not written to while {fields} is set.")
        yield say(told, fields=listed(flags, "or"))
    yield addressees.words()
    for channel in channels:
        yield from gate.rules(tx, channel)
    if "email" in channels:
        yield say(follow_up.WORDS)
