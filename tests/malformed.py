"""Documents that cannot be, each with what is wrong with it first, where, and what to do."""

from dataclasses import dataclass
from typing import Any

from engine.problems import Problem

Document = dict[str, Any]

MAIL: Document = {
    "id": "remind",
    "type": "send_email",
    "to": ["account"],
    "subject": "Invoice {{ record.number }}",
    "body": "Please pay.",
}
SOUND: Document = {
    "name": "Invoices - Remind",
    "module": "invoices",
    "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
    "conditions": {"field": "due_date", "op": "less_than", "value": "today"},
    "recurrence": {"every_days": 7},
    "steps": [MAIL],
}
OWED = {"field": "balance", "op": "greater_than", "value": 0}


def but(**changes: Any) -> Document:
    """The sound document with other settings."""
    return {**SOUND, **changes}


def asking(**condition: Any) -> Document:
    return but(conditions=condition)


def mailing(**changes: Any) -> Document:
    return but(steps=[{**MAIL, **changes}])


def doing(**step: Any) -> Document:
    return but(steps=[{"id": "one", **step}])


def without(document: Document, key: str) -> Document:
    return {name: part for name, part in document.items() if name != key}


def nested(levels: int) -> Document:
    """A mail inside so many branches."""
    step = MAIL
    for number in range(levels):
        step = {"id": f"level_{number}", "type": "if", "conditions": OWED, "then": [step]}
    return but(steps=[step])


def denied(levels: int) -> Document:
    condition: Document = OWED
    for _ in range(levels):
        condition = {"not": condition}
    return but(conditions=condition)


CALL = {"id": "call", "type": "create_task", "title": "Call"}
MEETING = {"type": "create_event", "title": "Talk", "start": "2026-03-11T14:00:00+01:00"}


@dataclass(frozen=True)
class Malformed:
    """One document that is refused."""

    name: str
    document: Any
    problem: Problem


CASES: list[Malformed] = []


def malformed(name: str, document: Any, path: str, message: str, remedy: str) -> None:
    CASES.append(Malformed(name, document, Problem(path, message, remedy)))


malformed(
    "a field that does not exist",
    asking(field="statsu", op="equals", value="Sent"),
    "conditions.field",
    "there is no field `statsu` in Invoices.",
    "Did you mean `status`?",
)
malformed(
    "an operator that does not exist",
    asking(field="status", op="equal", value="Sent"),
    "conditions.op",
    "there is no operator `equal`.",
    "Did you mean `equals`?",
)
malformed(
    "a key that does not exist",
    but(recurence="once"),
    "recurence",
    "there is no key `recurence` here.",
    "There is `recurrence` already: leave this one out.",
)
malformed(
    "a key of a step that does not exist",
    mailing(boddy="Please pay."),
    "steps.0.boddy",
    "there is no key `boddy` here.",
    "There is `body` already: leave this one out.",
)
malformed(
    "a user who does not exist",
    doing(type="notify", to=["leed"], text="Look"),
    "steps.0.to.0",
    "`leed` is no address, user, group or field.",
    "Did you mean `lead`?",
)
malformed(
    "a template that reads a field that does not exist",
    mailing(subject="{{ record.nubmer }}"),
    "steps.0.subject",
    "there is no field `nubmer` in Invoices.",
    "Did you mean `number`?",
)
malformed(
    "a template that begins with the module",
    mailing(subject="{{ invoice.number }}"),
    "steps.0.subject",
    "there is no variable `invoice`.",
    "Fields of the record are written like `record.number`.",
)
malformed(
    "a choice that does not exist",
    asking(field="status", op="equals", value="Sented"),
    "conditions.value",
    "`Sented` is not a choice of Status.",
    "Did you mean `Sent`? Choices: `Draft`, `Finalized`, `Sent`, `Partially paid`, "
    "`Paid`, `Overdue`, `Cancelled`.",
)
malformed(
    "an operator of change in a schedule",
    asking(field="status", op="changed_to", value="Sent"),
    "conditions.op",
    "`changed_to` looks at a change, and here there is none to look at.",
    "Compare the value itself, or start the workflow by `record_modified` instead.",
)
malformed(
    "a mail to nobody",
    mailing(to=[]),
    "steps.0.to",
    "the mail has no recipient.",
    'Name someone, like "to": ["account"] or "to": ["owner"].',
)
malformed(
    "a webhook to this machine",
    doing(type="webhook", url="http://127.0.0.1:8000/hook"),
    "steps.0.url",
    "127.0.0.1 is an address inside this machine.",
    "Use the public https address of the receiver.",
)
malformed(
    "a webhook whose machine the record chooses",
    doing(type="webhook", url="https://{{ record.subject }}/hook"),
    "steps.0.url",
    "a record may not choose which machine is called.",
    "Write the host itself.",
)
malformed(
    "a number that is none",
    asking(field="balance", op="greater_than", value="lots"),
    "conditions.value",
    "Balance takes a number, not 'lots'.",
    "Write it like 1200.50.",
)
malformed(
    "an operator that does not fit the field",
    asking(field="dispute", op="less_than", value=True),
    "conditions.op",
    "`less_than` does not fit In dispute (bool).",
    "In dispute can be compared with: `equals`, `not_equals`, `in`, `not_in`, `is_empty`, "
    "`is_not_empty`, `changed`, `changed_to`, `changed_from`, `becomes`.",
)
malformed(
    "a range with one end",
    asking(field="balance", op="between", value=[100]),
    "conditions.value",
    "`between` takes two values.",
    "Write [lowest, highest].",
)
malformed(
    "a comparison with nothing",
    asking(field="status", op="equals"),
    "conditions.value",
    "there is nothing to compare with.",
    "Give a value, or use `is_empty`.",
)
malformed(
    "conditions that are a list",
    but(conditions=[]),
    "conditions",
    "this is no condition.",
    'Put the list into {"all": [...]} or {"any": [...]}.',
)
malformed(
    "a step type that does not exist",
    doing(type="send_mail", to=["account"]),
    "steps.0.type",
    "there is no type `send_mail`.",
    "Did you mean `send_email`?",
)
malformed(
    "a trigger without its type",
    but(trigger={"every": "day"}),
    "trigger.type",
    "it has no `type`.",
    'Name one, like "type": "record_created".',
)
malformed(
    "a step id that no template could read",
    mailing(id="First mail"),
    "steps.0.id",
    "`First mail` cannot name a step.",
    "Use a-z, 0-9 and _, a letter first.",
)
malformed(
    "two steps of one id",
    but(steps=[MAIL, MAIL]),
    "steps.1.id",
    "there are two steps `remind`.",
    "Give each step an id of its own.",
)
malformed(
    "a template that reads a later step",
    but(steps=[mailing(body="{{ steps.call.number }}")["steps"][0], CALL]),
    "steps.0.body",
    "there is no step `call` before this one.",
    "This is the first step: it has nothing to read.",
)
malformed(
    "a result that the step does not give",
    but(steps=[CALL, mailing(body="{{ steps.call.nubmer }}")["steps"][0]]),
    "steps.1.body",
    "step `call` gives no `nubmer`.",
    "Did you mean `number`?",
)
malformed(
    "an old value without a change",
    mailing(body="{{ old.status }}"),
    "steps.0.body",
    "`old` is only known when a change starts the workflow.",
    "Use `record`.",
)
malformed(
    "a list of records without a group",
    mailing(body="{{ records|length }}"),
    "steps.0.body",
    "`records` is only known with `group_by`.",
    "Use `record`, or add `group_by`.",
)
malformed(
    "a group by no reference",
    but(group_by="status"),
    "group_by",
    "`status` is no reference.",
    "References: `account`, `order`, `pdf`, `all`.",
)
malformed(
    "a group for a change",
    but(group_by="account", trigger={"type": "record_saved"}),
    "group_by",
    "only a scheduled workflow can take records together.",
    "Leave it out, or use a schedule.",
)
malformed(
    "a wait until a text",
    doing(type="wait", until="subject"),
    "steps.0.until",
    "Subject is not a date.",
    "Choose a date field.",
)
malformed(
    "a wait of no length",
    doing(type="wait"),
    "steps.0.days",
    "the wait has no length.",
    'Say how long, like "days": 5.',
)
malformed(
    "a wait back in time",
    doing(type="wait", days=-1),
    "steps.0.days",
    "nobody can wait for a time that is past.",
    "Name a date in `until`, or write how long without the minus.",
)
malformed(
    "an event that ends before it starts",
    doing(**MEETING, end="2026-03-11T13:00:00+01:00"),
    "steps.0.end",
    "the event ends before it starts.",
    "Give an end after its start.",
)
malformed(
    "a task due on no day",
    doing(type="create_task", title="Call", due="soon"),
    "steps.0.due",
    "`soon` is not a day.",
    "Write today+3d, today+5wd, or 2026-07-14.",
)
malformed(
    "hours counted from a day",
    doing(type="create_task", title="Call", due="today+3h"),
    "steps.0.due",
    "`today+3h` counts hours from a day, and a day has no time.",
    "Write `now+3h`, or count in days, such as `today+1d`.",
)
malformed(
    "cron nonsense",
    but(trigger={"type": "schedule", "cron": "every day"}),
    "trigger.cron",
    "`every day` has not five fields.",
    "Write minute, hour, day of the month, month and day of the week, such as `0 8 * * 1`.",
)
malformed(
    "a day that is past",
    but(trigger={"type": "schedule", "every": "once", "date": "2026-03-01", "at": "09:00"}),
    "trigger.date",
    "2026-03-01 is past.",
    "Give a day to come.",
)
malformed(
    "T9: a working day that no month has",
    but(trigger={"type": "schedule", "every": "month", "working_day": 30, "at": "09:00"}),
    "trigger.working_day",
    "it never starts: no day will come that is on the 30th working day of each month, if there "
    "are so many, at 09:00.",
    "Choose days that come.",
)
malformed(
    "a recurrence that does not exist",
    but(recurrence="weekly"),
    "recurrence",
    "`weekly` is no recurrence.",
    'Write "every", "once", "episode", {"every_days": 7} or {"after_finish_days": 4}.',
)
malformed(
    "a module that does not exist",
    but(module="invoyces"),
    "module",
    "there is no module `invoyces`.",
    "Did you mean `invoices`?",
)
malformed(
    "a workflow without a name",
    without(SOUND, "name"),
    "name",
    "`name` is missing.",
    "Give it a value.",
)
malformed(
    "a workflow without steps",
    but(steps=[]),
    "steps",
    "the workflow does nothing yet.",
    "Add a step.",
)
malformed(
    "lines where there are none",
    doing(type="create_record", module="tickets", values={"title": "Check"}, copy_lines=True),
    "steps.0.copy_lines",
    "Invoices and Tickets do not both have lines.",
    "Leave it out.",
)
malformed(
    "a new record without what it needs",
    doing(type="create_record", module="tickets"),
    "steps.0.values",
    "Ticket needs Title.",
    "Give `title` a value.",
)
malformed(
    "a computed field that is set",
    doing(type="update_fields", values={"days_late": 3}),
    "steps.0.values.days_late",
    "Days late cannot be set.",
    "Leave it out.",
)
malformed(
    "a reference to no record",
    doing(type="update_fields", values={"account": "OMEGA"}),
    "steps.0.values.account",
    "there is no single record `OMEGA`.",
    "Give its id, number or full name.",
)
malformed(
    "a change of what is no record",
    doing(type="update_fields", record="status", values={"name": "ACME"}),
    "steps.0.record",
    "`status` does not lead to another record.",
    "Name a reference, like account.",
)
malformed(
    "a role that no user can have",
    doing(type="assign", to="alice", field="status"),
    "steps.0.field",
    "`status` does not hold a user.",
    "Fields that do: `owner`.",
)
malformed(
    "a field that no model may fill",
    doing(type="fill_fields", prompt="Read", fields={"owner": "Who"}),
    "steps.0.fields.owner",
    "Owner cannot be filled by a model.",
    "Choose text, a number, a date or a picklist.",
)
malformed(
    "a fork without ways",
    doing(type="if", conditions=OWED),
    "steps.0.then",
    "neither way leads anywhere.",
    "Put steps under `then` or `else`.",
)
malformed(
    "a stage that does not exist",
    but(trigger={"type": "stage_changed", "field": "status", "to": "Sentt"}),
    "trigger.to",
    "`Sentt` is not a choice of Status.",
    "Did you mean `Sent`? Choices: `Draft`, `Finalized`, `Sent`, `Partially paid`, "
    "`Paid`, `Overdue`, `Cancelled`.",
)
malformed(
    "one recipient that is no list",
    mailing(to="account"),
    "steps.0.to",
    "`account` is not a list.",
    "Put it in brackets: [ ... ].",
)
malformed(
    "a step that is a word",
    but(steps=["send"]),
    "steps.0",
    "it must be an object.",
    "It is “send” now.",
)
malformed(
    "a subject that is a number",
    mailing(subject=5),
    "steps.0.subject",
    "it must be text.",
    "It is 5 now.",
)
malformed(
    "a template that is never closed",
    mailing(body="{{ record.number"),
    "steps.0.body",
    "`{{` or `{%` is never closed.",
    "Write `}}` or `%}`.",
)
malformed(
    "a document that is a list",
    [SOUND],
    "",
    "a workflow is an object.",
    'Write {"name": ..., "module": ..., ...}.',
)
malformed(
    "text that no database can hold",
    mailing(body="Pay\x00"),
    "steps.0.body",
    "the text holds a null character.",
    "Take it out.",
)
malformed(
    "half of a character",
    mailing(body="\ud800"),
    "steps.0.body",
    "the text holds half of a character (a lone surrogate).",
    "Send valid Unicode.",
)
malformed(
    "a number that JSON does not know",
    asking(field="balance", op="equals", value=float("inf")),
    "conditions.value",
    "inf is no number.",
    "Write a number, or leave it out.",
)
malformed(
    "more steps than anybody reviews",
    but(steps=[{**MAIL, "id": f"mail_{n}"} for n in range(201)]),
    "steps",
    "at most 200 steps are possible, and these are 201.",
    "Split it into several workflows.",
)
malformed(
    "branches deeper than anybody reviews",
    nested(13),
    "steps.0.then.0.then.0.then.0.then.0.then.0.then.0.then.0.then.0.then.0.then.0.then.0.then",
    "branches may be at most 12 deep, and this one is the 13th.",
    "Split it into several workflows, or flatten the conditions.",
)
malformed(
    "conditions deeper than anybody reviews",
    denied(50),
    "conditions.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not",
    "conditions are at most 20 levels deep, and these are deeper.",
    "Use fewer levels.",
)
malformed(
    "a document deeper than anybody reads",
    denied(10_000),
    "conditions.not.not.not.not.not.not.not",
    "a document is at most 64 levels deep, and this one is deeper.",
    "Use fewer levels.",
)
malformed(
    "a document larger than anybody reads",
    mailing(body="Please pay. " * 30_000),
    "",
    "a document has at most 256 kB, and this one has more.",
    "Split it into several workflows.",
)
