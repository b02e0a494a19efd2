"""The rows of the feature table, each with its example and with what must not happen beside it.

A file `tests/scenarios/R27.json` says it as data:

- `company` overrides the demo's company;
- `schedules`: a schedule, a moment (all are local), and the occasions that come `next`; none: [];
- `finds`: the numbers of the records a condition finds, in SQL and one by one in memory;
- `prints`: what a template `gives` for a record, in the language of its reader, or why it is
  `refused`; `to` names other recipients than Alice, `missing` what the history warns of;
- `refuses`: a document, and the path and words of a problem with it; `accepts`: sound documents;
- `advises`: a document, and the path and words of some advice;
- `stories`: as the use cases `U01.json` are told (see `Story.tell`).

What data cannot say stands in `tests/scenarios/test_R27.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from engine.blocks.triggers.schedule import Schedule
from engine.company.company import Company
from engine.conditions import bind
from engine.conditions.readings import holds
from engine.problems import Problem
from engine.records.reader import Reader, RecordFacts
from engine.records.transaction import Transaction
from engine.runs.advising import advised
from engine.runs.candidates import candidates
from engine.runs.rehearsal import rehearse
from engine.starter.demo_records import COMPANY
from engine.templates import TextProblem, parse
from engine.workflows.library import examine
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import require_printer
from tests.stages.demo.story import Story, Told, living, local, play, scenarios

ROWS = {name: row for name, row in scenarios(Path(__file__).parent / "scenarios", "R*.json")}
CHECKS = ("schedules", "finds", "prints", "refuses", "accepts", "advises")
CASES = [
    (name, place) for name, row in ROWS.items() for place, _ in enumerate(row.get("stories", ()))
]


def company(row: Told) -> Company:
    return Company.model_validate({**COMPANY.model_dump(), **row.get("company", {})})


def workflow(document: Told) -> Workflow:
    """A document that need not do anything yet."""
    idle = [{"id": "log", "type": "add_note", "text": "Done"}]
    defaults: Told = {"name": "A row", "trigger": {"type": "manual"}, "steps": idle}
    return Workflow.model_validate({**defaults, **document})


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_named_after_its_file_and_says_what_must_not_happen_too(name: str) -> None:
    row = ROWS[name]
    parts = [part for kind in CHECKS for part in row.get(kind, ())]
    told = [part for story in row.get("stories", ()) for part in story["story"] if "expect" in part]
    assert row["row"] == name
    assert row["says"].strip()
    assert len(parts) + len(told) >= 2


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.get("schedules")])
def test_a_schedule_of_a_row_falls_due_when_it_says(name: str) -> None:
    calendar = company(ROWS[name]).calendar
    for part in ROWS[name]["schedules"]:
        trigger = Schedule.model_validate({"type": "schedule", **part["trigger"]})
        assert list(trigger.problems()) == []
        at, found = _there(part["after"], calendar.timezone), list[str]()
        while len(found) < len(part["next"]) + (not part["next"]):
            moment = trigger.next_after(at, calendar)
            if moment is None:
                break
            at = moment
            found.append(moment.astimezone(calendar.timezone).isoformat()[:16])
        assert found == part["next"], part


def _there(moment: str, zone: Any) -> Any:
    return local(moment).replace(tzinfo=zone)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if set(CHECKS[1:]) & set(row)])
def test_a_row_holds(name: str, template_database: TemplateDatabase, clock: Clock) -> None:
    row = ROWS[name]
    with living(row, template_database, clock) as story:
        for part in row.get("finds", ()):
            with story.installation.database.read() as tx:
                assert found(tx, part) == part["finds"], part
        for part in row.get("prints", ()):
            check_print(story, part)
        with story.installation.database.read() as tx:
            for part in row.get("refuses", ()):
                problems = examine(tx, part["document"], story.installation.unsafe).problems
                assert any(fits(problem, part) for problem in problems), (part, problems)
            for document in row.get("accepts", ()):
                assert examine(tx, document, story.installation.unsafe).problems == ()
            for part in row.get("advises", ()):
                parsed = Workflow.model_validate(part["document"])
                given = list(advised(tx, parsed))
                told = [problem for problem in given if fits(problem, part)]
                assert bool(told) is not part.get("absent", False), (part, given)


@pytest.mark.parametrize(("name", "place"), CASES)
def test_a_row_goes_as_it_is_told(
    name: str, place: int, template_database: TemplateDatabase, clock: Clock
) -> None:
    row = ROWS[name]
    case = {"company": row.get("company", {}), **row["stories"][place]}
    if "generate_pdf" in str(case):
        require_printer()
    with living(case, template_database, clock) as story:
        play(story, case, f"{name}, story {place + 1}")


def fits(problem: Problem, part: Told) -> bool:
    """Whether this is the problem that the row speaks of."""
    said = part["says"] in problem.message and part.get("remedy", "") in problem.remedy
    return said and problem.path == part["path"]


def found(tx: Transaction, part: Told) -> list[str]:
    """The records that a condition finds, told apart if SQL and memory do not agree."""
    asked = workflow({"module": part["module"], "conditions": part["where"]})
    at = local(part["at"]) if "at" in part else tx.now
    table = tx.schema.tables[part["module"]]
    chosen = select(candidates(tx, asked, at).subquery().c.record)
    in_sql = list(tx.db.scalars(chosen))
    reader, module = Reader(tx, at), tx.schema.module(part["module"])
    condition = bind(asked.entry, reader.binder(module))
    every = tx.db.scalars(select(table.c.id).where(table.c.deleted_at.is_(None))).all()
    in_memory = [
        id
        for id in every
        if holds(condition, RecordFacts(reader, module, reader.row(module, id) or {}))
    ]
    assert sorted(in_sql) == sorted(in_memory), part
    numbers = select(table.c.number).where(table.c.id.in_(in_sql)).order_by(table.c.id)
    return [str(number) for number in tx.db.scalars(numbers)]


def check_print(story: Story, part: Mapping[str, Any]) -> None:
    if "refused" in part:
        problem = refusal(story, part)
        assert problem, part
        assert part["refused"] in problem[0], (part, problem)
        assert part.get("remedy", "") in problem[1], (part, problem)
    else:
        assert printed(story, part) == (part["gives"], part.get("missing", [])), part


def refusal(story: Story, part: Mapping[str, Any]) -> tuple[str, str] | None:
    """Why a template is refused: as soon as it is written, or with the values of its record."""
    try:
        parse(part["template"])
    except TextProblem as problem:
        return problem.message, problem.remedy
    with story.installation.database.read() as tx:
        if problems := examine(tx, mailing(part), story.installation.unsafe).problems:
            return problems[0].message, problems[0].remedy
    gives, _ = printed(story, part)
    return None if gives is not None else (story.last_words, story.last_words)


def mailing(part: Mapping[str, Any]) -> Told:
    """A workflow that sends the template as a mail."""
    body = {"html": part["template"]} if part.get("form") == "html" else {"body": part["template"]}
    step = {"id": "mail", "type": "send_email", "to": part.get("to", ["alice"]), "subject": "A row"}
    module = part.get("module", "invoices")
    return {
        "name": "A row",
        "module": module,
        "trigger": {"type": "manual"},
        "steps": [{**step, **body}],
    }


def printed(story: Story, part: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """What the mail would say, and which fields it would find empty."""
    document = mailing(part)
    at = local(part["at"]) if "at" in part else None
    with story.installation.database.begin() as tx:
        users = tx.schema.tables["users"]
        language = part.get("language", "en")
        tx.db.execute(update(users).where(users.c.username == "alice").values(language=language))
    with story.installation.database.read() as tx:
        module = tx.schema.module(document["module"])
        id = tx.find(module, part.get("record", "INV-1"))
        assert id, part
        (one,) = rehearse(tx, Workflow.model_validate(document), [id], at)
        (told, *_) = one.effects
    story.last_words = told.does
    body = told.effect.get("html" if part.get("form") == "html" else "text")
    missing = [word.removesuffix(" is empty") for word in told.warned.split("; ") if word]
    return (None if body is None else str(body)), missing
