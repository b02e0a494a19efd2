"""The action of giving somebody a task."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks import words
from engine.blocks.checking import Checking
from engine.blocks.context import DAY, ON_DUTY, Context
from engine.blocks.step import Action, Await, Text, Write
from engine.blocks.words import person, quoted
from engine.company.calendar import parse_moment
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.records import CreateRecord
from engine.phrases import listed, mark, say
from engine.problems import BadValue, Problem, suggest
from engine.records.states import Result
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import GROUPS, TASKS

COMPLETED = ("Done", "Cancelled")
URGENT = {"Low": mark("{step} with low priority"), "High": mark("{step} with high priority")}


class CreateTask(Action):
    """Create a task about this record, due on a day, for a user or group."""

    type: Literal["create_task"] = "create_task"
    title: Text = Field(description="What is to be done.", min_length=1)
    due: Text = Field(
        "today+1d", description="A day: today+3d, today+5wd, 2026-07-14 or {{ record.due_date }}."
    )
    assign_to: Text = Field("owner", description="A user, a group, or a field that holds one.")
    description: Text = ""
    priority: Literal["Low", "Normal", "High"] = "Normal"
    wait_for_completion: bool = Field(
        False,
        description="Go on only when somebody has completed the task (Done, or Cancelled); later "
        "steps read its `status`. After the last step there is nothing to wait for.",
    )
    known_as: ClassVar[tuple[str, ...]] = ("task", "add_task", "todo")
    example: ClassVar[dict[str, Any]] = {
        "id": "call",
        "type": "create_task",
        "title": "Call {{ record.number }}",
        "due": "today+3d",
        "assign_to": "owner",
    }
    quotes: ClassVar[bool] = True
    icon: ClassVar[str] = "list-todo"
    gives: ClassVar[tuple[str, ...]] = ("id", "number", "record")

    def say(self, binder: Binder) -> str:
        title, who = quoted(self.title, binder), person(self.assign_to, binder)
        due = words.day(self.due, binder)
        told = say(
            "create the task {title} for {person}, due {day}", title=title, person=who, day=due
        )
        if self.priority in URGENT:
            told = say(URGENT[self.priority], step=told)
        if self.wait_for_completion:
            states = listed(COMPLETED, "or")
            told = say("{step}, and wait until it is {states}", step=told, states=states)
        return told

    def keys(self) -> tuple[str, ...]:
        return (*self.gives, "status") if self.wait_for_completion else self.gives

    def reads(self) -> Iterable[str]:
        return (self.assign_to,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(TASKS, "*")

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from assignee(self.assign_to, checking)
        yield from day(self.due, "due", checking)

    def plan(self, ctx: Context) -> CreateRecord:
        if not self.due.strip():
            told = f"no task: there is no day on which it would be due, on {ctx.record.number}"
            raise Unplanned(Outcome(Result.SKIPPED, told))
        try:
            due = ctx.day(self.due)
        except BadValue as bad:
            raise Unplanned(Outcome(Result.FAILED, f"due: {bad.message} {bad.remedy}")) from None
        values: dict[str, JsonValue] = {
            "title": self.title,
            "description": self.description,
            "priority": self.priority,
            "due_date": due.isoformat(),
            "owner": ctx.assigned(self.assign_to),
            "record": ctx.record.key,
        }
        return CreateRecord(
            module=TASKS, title=f"the task “{self.title}”, due {due}", values=values
        )

    def awaits(self, given: Mapping[str, JsonValue]) -> Await | None:
        record = given.get("record")
        if not (self.wait_for_completion and record):
            return None
        return Await(str(record), f"until the task is {' or '.join(COMPLETED)}")

    def came(self, ctx: Context, given: Mapping[str, JsonValue], *, late: bool) -> Outcome | None:
        task = ctx.look(str(given["record"]))
        if task is None:
            return Outcome(Result.DONE, f"{given['number']} was deleted", {"status": None})
        status = task.get("status")
        if status not in COMPLETED:
            return None
        return Outcome(Result.DONE, f"{given['number']} is {status}", {"status": status})

    def supposed(self) -> Mapping[str, JsonValue]:
        return {"status": COMPLETED[0]} if self.wait_for_completion else {}


def assignee(word: str, checking: Checking, path: str = "assign_to") -> Iterator[Problem]:
    """What is wrong with a word that should name a user or group."""
    if word.startswith(ON_DUTY):
        yield from group(word.removeprefix(ON_DUTY), checking, path)
        return
    if "{{" in word or checking.binder.schema.owner_path(checking.module, word):
        return
    if word in checking.handles:
        yield from checking.present(word, path)
        return
    fields = [field.name for field in checking.module.by_name.values() if field.type == "owner"]
    yield Problem(
        path,
        f"there is no user or group `{word}`.",
        suggest(word, [*checking.handles, *fields], "There are"),
    )


def group(name: str, checking: Checking, path: str) -> Iterator[Problem]:
    """Whether there is such a group."""
    groups = checking.binder.schema.modules.get(GROUPS)
    if groups is None or checking.binder.lookup(groups, name) is None:
        known = suggest(name, checking.handles, "There are")
        yield Problem(path, f"there is no group `{name}`.", known)


def day(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    """What is wrong with a word that should be a day."""
    if "{{" in word:
        return
    if found := parse_moment(word):
        if wrong := found.problem():
            yield Problem(path, *wrong)
        return
    try:
        known = DAY.parse(word, checking.binder.calendar.timezone)
    except BadValue:
        known = None
    if known is None:
        yield Problem(path, f"`{word}` is not a day.", "Write today+3d, today+5wd, or 2026-07-14.")
