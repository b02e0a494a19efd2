"""One language a text: dates and amounts are written as the words around them are."""

from typing import Any

import pytest

from engine.runs.rehearsal import rehearse
from engine.templates.spoken import language_of
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import living

LETTERS = {
    "en": "Dear Ana, these invoices are past their due date. Please pay within a week.",
    "fr": "Bonjour Ana, ces factures ont dépassé leur échéance. Merci de régler sous une semaine.",
    "de": "Guten Tag Ana, diese Rechnungen sind überfällig. Bitte zahlen Sie in einer Woche.",
    "es": "Hola, Ana: estas facturas han vencido. Le rogamos que pague en una semana.",
    "it": "Gentile Ana, queste fatture sono scadute. La preghiamo di pagare entro una settimana.",
    "nl": "Beste Ana, van deze facturen is de betaaltermijn verstreken. Betaal binnen een week.",
    "pt": "Olá Ana, estas faturas já venceram. Pedimos que pague no prazo de uma semana.",
    "da": "Kære Ana, disse fakturaer er forfaldne. Vi beder dig om at betale det inden en uge.",
    "sv": "Hej Ana, de här fakturorna har förfallit. Vi ber dig att betala det inom en vecka.",
    "pl": "Dzień dobry, te faktury są po terminie. Prosimy o zapłatę w ciągu tygodnia, dziękujemy.",
    "cs": "Dobrý den, tyto faktury jsou po splatnosti. Prosíme o zaplacení do týdne, děkujeme.",
    "ro": "Bună Ana, aceste facturi sunt restante. Vă rugăm să plătiți în cel mult o săptămână.",
}


@pytest.mark.parametrize("written", LETTERS)
@pytest.mark.parametrize("reader", LETTERS)
def test_a_letter_is_in_its_language_whoever_reads_it(written: str, reader: str) -> None:
    assert language_of(LETTERS[written], reader) == written


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "fr-CA"),
        ("INV-3: 100", "fr-CA"),
        ("A row le 8", "fr-CA"),
        ("Merci de payer la facture.", "fr-CA"),
        ("Please pay the bill.", "en-GB"),
        ("<style>les des une pour dans</style><p class='les'>Please pay the bill.</p>", "en-GB"),
        ("Bitte zahlen Sie die Rechnung.", "de"),
    ],
)
def test_what_words_do_not_plainly_tell_is_the_readers(text: str, told: str) -> None:
    assert language_of(text, "fr-CA", "fr-CA", "en-GB") == told


def test_of_languages_we_do_not_know_nothing_is_said() -> None:
    assert language_of(LETTERS["en"], "fi") == "fi"


# --- in mails ---


def mailed(
    template_database: TemplateDatabase,
    clock: Clock,
    number: str,
    module: str,
    conditions: dict[str, Any] | None = None,
    **step: Any,
) -> str:
    """The text of the mail about a record, in dry run and then for real."""
    mail = {"id": "mail", "type": "send_email", "subject": "{{ record.number }}", **step}
    document = {
        "schema": 1,
        "name": "A letter",
        "description": "For a test.",
        "module": module,
        "trigger": {"type": "record_modified"},
        **({"conditions": conditions} if conditions else {}),
        "steps": [{"to": ["account"], **mail}],
    }
    with living({}, template_database, clock) as story:
        with story.installation.database.read() as tx:
            id = tx.find(tx.schema.module(module), number)
            assert id
            (told, *_) = rehearse(tx, Workflow.model_validate(document), [id])[0].effects
        story.approve(document)
        story.tell({"save": number, "values": {"tags": ["seen"]}})
        (mail,) = story.news()["mails"]
        assert mail["body"] == told.effect["text"]
        return str(mail["body"])


ENGLISH = (
    "Dear {{ customer.name }}, please pay {{ record.balance|money('EUR') }}, "
    "due {{ record.due_date|date }}."
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        # ACME reads French.
        (ENGLISH, "Dear ACME, please pay €1,000.00, due Feb 8, 2026."),
        (
            "{% if language == 'fr' %}Bonjour, merci de payer{% else %}Please pay us{% endif %}"
            " {{ record.balance|money('EUR') }}",
            "Bonjour, merci de payer 1\u202f000,00\xa0€",
        ),
        (
            "{% if language == 'de' %}Bitte zahlen Sie{% else %}Please pay us by then:{% endif %}"
            " {{ record.balance|money('EUR') }}",
            "Please pay us by then: €1,000.00",
        ),
        ("{{ record.balance|money('EUR') }}", "1\u202f000,00\xa0€"),
        (
            "Please find the list of the invoices:\n{{ invoices|table('number', 'balance') }}",
            "Please find the list of the invoices:\nInvoice  Left to pay\nINV-1      €1,000.00\n"
            "INV-10        €60.00\nINV-2        €500.00",
        ),
    ],
)
def test_T27_one_language_a_mail(
    template_database: TemplateDatabase, clock: Clock, body: str, said: str
) -> None:
    assert mailed(template_database, clock, "INV-1", "invoices", body=body) == said


@pytest.mark.parametrize(
    ("related", "columns", "said"),
    [
        (
            "opportunities",
            "'number', 'stage', 'closing_date'",
            "Opportunity  Stage        Expected closing date\n"
            "OP-1         Negotiation  31 mars 2026",
        ),
        ("invoices", "'number', 'due_date'", "Facture  Échéance\nINV-1    8 févr. 2026"),
        ("quotes", "'number', 'total'", "Quote       Total\nQ-1    1\u202f200,00\xa0€"),
    ],
)
def test_T27_a_table_is_headed_as_its_own_module_says(
    template_database: TemplateDatabase, clock: Clock, related: str, columns: str, said: str
) -> None:
    body = f"{{{{ related.{related}|table({columns}) }}}}"
    asked = {"related": related, "via": "account", "match": "some"}
    letter = mailed(
        template_database, clock, "ACC-1", "accounts", conditions=asked, to=["email"], body=body
    )
    assert letter.startswith(said)
