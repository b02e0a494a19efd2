"""What a mail that cannot be sent leaves for people: a task and a pinned note, once."""

from pydantic import JsonValue

from engine.effects.records import CreateRecord
from engine.phrases import mark
from engine.schema.own_modules import NOTES, TASKS

WORDS = mark(
    "A mail that cannot be sent leaves the owner a task and the record a pinned note, once."
)
OPEN, DONE = ("Open", "In progress"), "Done"
Values = dict[str, JsonValue]


def follow_up(
    workflow: str, step: str, cause: str, about: str, owner: str | None
) -> tuple[CreateRecord, ...]:
    """A task for the owner and a pinned note on the record; those that are there are used again."""
    title = unsent(workflow)
    shared: Values = {"record": about or None, "owner": owner}
    task = {**shared, "title": title, "description": cause, "priority": "High"}
    note = {**shared, "text": f"{title} (step {step}): {cause}", "pinned": True}
    again: Values = {"text": note["text"], "record": about or None}
    return (
        CreateRecord(
            module=TASKS, title=f"the task “{title}”", values=task, unless=open_tasks(title, about)
        ),
        CreateRecord(module=NOTES, title="a pinned note", values=note, unless=(again,)),
    )


def unsent(workflow: str) -> str:
    """The title of the task that tells of an unsent mail of a workflow."""
    return f"E-mail in the workflow “{workflow}” could not be sent"


def open_tasks(title: str, about: str) -> tuple[Values, ...]:
    """What tasks of this title about a record are like that are not done yet."""
    return tuple({"title": title, "record": about or None, "status": each} for each in OPEN)
