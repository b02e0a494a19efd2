"""R155: templates have kinds; of a text message the length is shown, before and when it goes."""

import pytest

from engine.runs.rehearsal import rehearse
from engine.templates.sms_length import measure, told
from engine.workflows.library import examine
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Told, living

SHORT = "{{ record.number }} is ready."
FRENCH = "Bonjour, {{ record.number }} est prêt. À bientôt, à la boutique du marché ou chez vous."
DOCUMENT: Told = {
    "schema": 1,
    "name": "Tickets - Text",
    "module": "tickets",
    "trigger": {"type": "record_created"},
    "steps": [
        {"id": "sms", "type": "send_sms", "to": ["contact.mobile"], "template": "ready_text"}
    ],
}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a" * 160, "160 characters, 1 part (GSM)"),
        ("a" * 161, "161 characters, 2 parts (GSM)"),
        ("a" * 306, "306 characters, 2 parts (GSM)"),
        ("a" * 307, "307 characters, 3 parts (GSM)"),
        ("€" * 80, "160 characters, 1 part (GSM)"),
        ("€" * 81, "162 characters, 2 parts (GSM)"),
        ("ê" * 70, "70 characters, 1 part (Unicode)"),
        ("ê" * 71, "71 characters, 2 parts (Unicode)"),
        ("😀" * 35, "70 characters, 1 part (Unicode)"),
        ("a" * 66 + "😀" + "ê" * 66, "134 characters, 3 parts (Unicode)"),
    ],
)
def test_a_message_is_measured_in_the_alphabet_it_needs(text: str, says: str) -> None:
    assert str(measure(text)) == says


def test_of_a_template_what_is_written_in_it_is_measured() -> None:
    assert told(SHORT) == "10 characters, 1 part (GSM) without its fields"


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_text_of_the_library_goes_in_the_language_of_its_reader_with_its_length(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"sms": {}}, template_database, clock) as story:
        kind = {"name": "ready_text", "kind": "Text message"}
        story.tell({"create": "templates", "values": {**kind, "body": SHORT}})
        french = {**kind, "language": "fr", "body": FRENCH}
        story.tell({"create": "templates", "values": french})
        story.tell({"save": "C1", "values": {"mobile": "+33612345678"}})
        story.tell({"save": "C3", "values": {"mobile": "+33687654321"}})
        story.approve(DOCUMENT)
        story.tell({"create": "tickets", "values": {"title": "Lamp", "contact": "Cy Tan"}})
        english = story.news()
        story.tell({"create": "tickets", "values": {"title": "Lampe", "contact": "Ana Lopez"}})
        french_news = story.news()
        with story.installation.database.read() as tx:
            live = story.installation.library.live(tx)[story.workflow]
            (rehearsed,) = rehearse(tx, live.parsed, [4])
    assert [text["text"] for text in english["texts"]] == ["TK-4 is ready."]
    assert "(14 characters, 1 part (GSM))" in english["said"]["TK-4"]
    assert [text["text"][:22] for text in french_news["texts"]] == ["Bonjour, TK-5 est prêt"]
    assert "(72 characters, 2 parts (Unicode))" in french_news["said"]["TK-5"]
    assert rehearsed.effects[0].does == (
        "send the text message “TK-4 is ready.” (14 characters, 1 part (GSM)) "
        "to +33687654321 (Cy Tan)"
    )


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_text_that_is_not_there_and_one_that_is_too_long_are_refused(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    long = {"id": "sms", "type": "send_sms", "to": ["contact.mobile"], "body": "a" * 1531}
    with living({}, template_database, clock) as story, story.installation.database.read() as tx:
        (absent,) = examine(tx, DOCUMENT, story.installation.unsafe).problems
        (too_long,) = examine(tx, {**DOCUMENT, "steps": [long]}, story.installation.unsafe).problems
    assert (absent.path, absent.message) == (
        "steps.0.template",
        "there is no template `ready_text` in the library.",
    )
    assert (too_long.path, too_long.message) == (
        "steps.0.body",
        "the message is too long: 1,531 characters, 11 parts (GSM).",
    )
