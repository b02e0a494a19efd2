"""R139: an editor is given the list of variables; each of them is accepted, in both spellings."""

from typing import Any

import pytest
from sqlalchemy import update

from engine.people.logins import Principal
from engine.problems import Invalid
from engine.runs.rehearsal import rehearse
from engine.schema.modules import Schema
from engine.templates.listing import inserts
from engine.workflows.library import examine
from engine.workflows.workflow import Workflow
from server.access.desk import Desk
from server.access.rights import seen
from server.operations.variables import list_variables
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, Told, living

MODULES = ("invoices", "contacts", "accounts", "tickets", "quotes", "employees", "products")


def noting(module: str, texts: list[str]) -> Told:
    """A workflow that writes each text down."""
    return {
        "name": "A note",
        "module": module,
        "trigger": {"type": "record_modified"},
        "steps": [{"id": f"s{place}", "type": "add_note", "text": text}
                  for place, text in enumerate(texts)],
    }  # fmt: skip


def desk(story: Story, *, agent: bool = False) -> Desk:
    return Desk(story.installation, Principal("alice", frozenset({"author"}), None, None, agent))


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_every_variable_of_the_list_is_accepted(
    module: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story, story.installation.database.read() as tx:
        known = list(inserts(tx.schema.module(module), tx.schema))
        text = " ".join(f"{each.written} {each.elsewhere}" for each in known)
        assert len(known) > 20
        assert examine(tx, noting(module, [text]), story.installation.unsafe).problems == ()


def test_both_spellings_print_the_same(template_database: TemplateDatabase, clock: Clock) -> None:
    with living({}, template_database, clock) as story:
        with story.installation.database.begin() as tx:
            invoices = tx.schema.tables["invoices"]
            tx.db.execute(update(invoices).values(subject="Rent", sales_rep="AL"))
        with story.installation.database.read() as tx:
            known = list(inserts(tx.schema.module("invoices"), tx.schema))
            pairs = [(each.written, each.elsewhere) for each in known if each.elsewhere]
            text = "\n".join(f"{one}|{other}" for one, other in pairs)
            (done,) = rehearse(tx, Workflow.model_validate(noting("invoices", [text])), [1])
            (told,) = done.effects
            values: Any = told.effect["values"]
            note = str(values["text"])
            notes = [line.split("|", 1) for line in note.split("\n")]
    assert len(notes) == len(pairs) > 100
    assert [one for one, other in notes if one != other] == []


def test_the_list_is_told_in_groups_and_hides_what_may_not_be_seen(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        told = list_variables(desk(story), "invoices")
        first = told["groups"][0]
        assert first["title"] == "Invoice"
        due = {"title": "Due date", "type": "date", "insert": "{{ record.due_date }}"}
        assert {**due, "also": "$invoices-due_date$"} in first["variables"]
        written = [each["insert"] for group in told["groups"] for each in group["variables"]]
        assert {"{{ customer.balances }}", "{{ contact.first_name }}", "{{ today }}"} < {*written}
        assert len(set(written)) == len(written)
        with pytest.raises(Invalid, match="there is no module `employees`"):
            list_variables(desk(story, agent=True), "employees")
        with story.installation.database.read() as tx:
            part: Schema = seen(tx.schema, desk(story, agent=True).who)
            leaves = [each.written for each in inserts(part.module("leave_requests"), part)]
        assert [text for text in leaves if "employee." in text] == []
