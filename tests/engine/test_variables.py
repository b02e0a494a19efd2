"""What templates may name leads to the records that it says, is checked, and is approved with."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.blocks.context import Context
from engine.problems import Invalid
from engine.records.reader import Reader
from engine.records.states import RunState
from engine.records.transaction import Transaction
from engine.runs.run import Run
from engine.runs.subjects import Subjects
from engine.schema.modules import Module, Schema
from engine.templates import parse
from engine.templates.filters import TextProblem
from engine.templates.variables import ROOTS, VARIABLES, fields_of, meaning
from engine.workflows.fingerprint import fields_used
from engine.workflows.library import Live, examine
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as found:
        yield found


@pytest.fixture
def tx(story: Story) -> Iterator[Transaction]:
    with story.installation.database.read() as found:
        yield found


def noting(text: str, module: str = "invoices") -> dict[str, Any]:
    return {
        "name": "A note",
        "description": "For the test.",
        "module": module,
        "trigger": {"type": "manual"},
        "steps": [{"id": "log", "type": "add_note", "text": text}],
    }


def context(
    tx: Transaction, text: str, module: str, number: str, reader: Reader | None = None
) -> Context:
    parsed = Workflow.model_validate(noting(text, module))
    id = tx.find(tx.schema.module(module), number)
    assert id
    live = Live(0, "A note", 0, "", {}, parsed)
    subjects = Subjects(live, reader or Reader(tx), id, [], {}, tx.now)
    return Run(0, subjects, RunState.RUNNING, "log", "alice").context()


def printed(tx: Transaction, text: str, number: str = "INV-1", module: str = "invoices") -> str:
    return context(tx, text, module, number).render(text)


def told(tx: Transaction, text: str, module: str = "invoices") -> list[str]:
    return wrong(tx, noting(text, module))


def wrong(tx: Transaction, document: dict[str, Any]) -> list[str]:
    found = examine(tx, document, lambda url: None)
    return [f"{problem.message} {problem.remedy}" for problem in found.problems]


LEADS = [
    ("{{ customer }}", "invoices", "INV-3", "BETA"),
    ("{{ customer.invoices }}", "accounts", "BETA", "INV-3, INV-4, INV-9"),
    ("{{ invoices }}", "accounts", "GAMMA", "INV-6"),
    ("{{ invoices|length }}", "contacts", "C1", "3"),
    ("{{ customer.group.name }}", "contacts", "C1", "HOLDING"),
    ("{{ contact.name }}", "contacts", "C1", "Ana Lopez"),
    ("{{ contact.name }} {{ contact.account.name }}", "invoices", "INV-1", "Ana Lopez ACME"),
    ("{{ language }}", "invoices", "INV-1", "fr"),
    ("{{ language }}", "accounts", "DELTA", "de"),
    ("{{ site.record }}", "invoices", "INV-2", "https://sayso.test/records/invoices/2"),
    ("$(general : (__VtigerMeta__) recordId)", "invoices", "INV-2", "2"),
    ("$accounts-accountname$ $company-name$", "invoices", "INV-1", "ACME Demo Company"),
    ("{{ object__account.email }}", "invoices", "INV-1", "ap@acme.test"),
    ("{{ record.date_due }}", "invoices", "INV-1", "2026-02-08"),
    ("{{ record.accountid.accountname }}", "invoices", "INV-1", "ACME"),
    ("{{ customer.email1 }} {{ contact.lastname }}", "invoices", "INV-1", "ap@acme.test Lopez"),
    ("{{ invoices|join(' ', 'date_due') }}", "invoices", "INV-3", "2026-03-10 2026-03-17 "),
]


def test_a_variable_leads_to_its_record(tx: Transaction) -> None:
    found = [
        (text, module, number, printed(tx, text, number, module))
        for text, module, number, _ in LEADS
    ]
    assert found == LEADS
    assert [told(tx, text, module) for text, module, _, _ in LEADS] == [[]] * len(LEADS)


def test_a_value_in_json_is_escaped(tx: Transaction) -> None:
    source = '{"who": "{{object__subject}}", "state": "{{object__source_original_data__Status}}"}'
    home, reader = tx.schema.module("invoices"), Reader(tx)
    id = tx.find(home, "INV-1") or 0
    reader.keep("invoices", id, {**(reader.row(home, id) or {}), "subject": 'Rent "March"'})
    found = context(tx, source, "invoices", "INV-1", reader).render(source, "json")
    assert found == '{"who": "Rent \\"March\\"", "state": "Sent"}'


def test_the_contact_of_a_text_is_whom_it_is_for(tx: Transaction) -> None:
    source = "{{ contact.first_name }} $contacts-firstname$ {{ language }}"
    view = context(tx, source, "invoices", "INV-1")
    (person,) = view.people("contacts:AP")
    assert view.render(source) == "Ana Ana fr"
    assert view.addressed(person).render(source).split()[:2] == ["Bo", "Bo"]


def test_a_record_without_a_customer_has_none(tx: Transaction) -> None:
    assert "do not belong to a customer" in told(tx, "{{ customer.name }}", "products")[0]
    assert "do not belong to a customer" in told(tx, "{{ statement.link }}", "products")[0]


def test_what_a_workflow_reads_of_others_is_part_of_what_is_approved(tx: Transaction) -> None:
    text = (
        "{{ customer.balance }} {{ invoices_list }} $contacts-lastname$ {{ record.lines.0.total }}"
    )
    used = fields_used(Workflow.model_validate(noting(text)), tx.schema)
    assert used["accounts.balance"].startswith("computed {")
    assert used["invoices.account"] == "reference"
    assert used["invoices.due_date"] == "date"
    assert used["contacts.last_name"] == "text"
    assert used["invoice_lines.total"] == "money"


def test_what_somebody_may_not_see_no_template_of_theirs_reaches(tx: Transaction) -> None:
    seen = Schema(module for module in tx.schema if module.name != "contacts")
    home = seen.module("invoices")
    for path in ("contact.email", "$contacts-lastname$", "record.contact.email"):
        with pytest.raises(Invalid):
            list(_followed(path, home, seen))


def _followed(path: str, home: Module, schema: Schema) -> Iterator[object]:
    for module, dotted in fields_of(path, home, schema):
        yield schema.path(module, dotted)


MEANINGS = [
    ("$lastname", "contacts", "record.last_name"),
    ("$lastname$", "contacts", "record.last_name"),
    ("$contacts-lastname$", "contacts", "record.last_name"),
    ("$contacts-lastname$", "invoices", "contact.last_name"),
    ("$invoice-invoice_no$", "invoices", "record.number"),
    ("$Accounts-phone$", "invoices", "customer.phone"),
    ("$(account_id : (Accounts) phone)", "contacts", "record.account.phone"),
    ("$(assigned_user_id : (Users) email1)", "invoices", "record.owner.email"),
    ("$(x : (__VtigerMeta__) siteurl)", "invoices", "site.url"),
    ("$HelpDesk-ticket_title$", "tickets", "record.title"),
    ("object__account__phone", "invoices", "record.account.phone"),
    ("object__phone", "invoices", "customer.phone"),
    ("record.number", "invoices", "record.number"),
]


def test_a_shortcode_means_a_field(tx: Transaction) -> None:
    schema = tx.schema
    found = [
        (code, module, meaning(code, schema.module(module), schema)) for code, module, _ in MEANINGS
    ]
    assert found == MEANINGS


NO_MEANING = [
    ("$lastnam", "contacts", "there is no field `lastnam` in Contacts."),
    ("$(status : (Accounts) phone)", "invoices", "does not lead to another record."),
    ("$products-name$", "invoices", "is not clear from Invoices."),
    ("$weather-today$", "invoices", "there is no module `weather`."),
    ("object__weather", "invoices", "there is no field `weather`"),
]


def test_a_shortcode_that_means_nothing_is_told(tx: Transaction) -> None:
    for shortcode, module, why in NO_MEANING:
        with pytest.raises(Invalid) as caught:
            meaning(shortcode, tx.schema.module(module), tx.schema)
        assert why in str(caught.value)


WRONG = [
    ("{{ customer.invoices.number }}", "Write `customer.invoices.0.number`"),
    ("{{ record.lines.total }}", "Write `record.lines.0.total`"),
    ("{{ invoices.number }}", "Write `invoices.0.number`"),
    ("{{ records.0.number }}", "`records` is only known with `group_by`."),
    ("{{ old.number }}", "`old` is only known when a change starts the workflow."),
    ("{{ related.invoices.0.number }}", "`related` has the related records"),
    ("{{ site.adress }}", "there is no `site.adress`."),
    ("{{ language.name }}", "there is no `language.name`."),
    ("{{ duedate }}", "Fields of the record are written like `record.due_date`."),
    ("{{ record.due_dat }}", "Did you mean `due_date`?"),
    ("{{ record.account.nam }}", "Did you mean `name`?"),
]


def test_a_wrong_name_is_told_with_the_right_one(tx: Transaction) -> None:
    for text, why in WRONG:
        (problem,) = told(tx, text)
        assert why in problem


def test_an_expression_without_its_braces_is_told(tx: Transaction) -> None:
    values = {"due_date": "add_days(record.due_date, 3)"}
    step = {"id": "move", "type": "update_fields", "values": values}
    (problem,) = wrong(tx, {**noting(""), "steps": [step]})
    assert problem.endswith("stands in {{ }}: {{ add_days(record.due_date, 3) }}.")


def test_a_shortcode_whose_field_is_gone_is_told_when_it_is_written(tx: Transaction) -> None:
    view = context(tx, "$subject", "invoices", "INV-1")
    with pytest.raises(TextProblem, match="there is no field `nothing`"):
        view.render("$nothing")


def test_every_variable_is_read_by_its_example() -> None:
    for name, (words, example) in VARIABLES.items():
        roots = {root if root in ROOTS else "$module-field$" for root in parse(example).roots}
        assert name in roots
        assert words.endswith(".")
