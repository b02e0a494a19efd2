"""R103, beside R103.json: texts at night, at a busy moment, to a group, and twice in a day."""

import pytest

from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, Told, living

DOCUMENT: Told = {
    "schema": 1,
    "name": "Tickets - Text the customer",
    "module": "tickets",
    "trigger": {"type": "record_created"},
    "steps": [{"id": "text", "type": "send_sms", "to": ["contact.mobile"], "body": "We got it."}],
}
TICKET: Told = {"create": "tickets", "values": {"title": "Help", "contact": "Ana Lopez"}}


def told(story: Story, document: Told = DOCUMENT) -> None:
    """Ana has a telephone, and the workflow is on."""
    story.tell({"save": "C1", "values": {"mobile": "+33612345678"}})
    story.approve(document)


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_at_night_a_text_waits_for_the_morning(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"sms": {}, "begins": "2026-03-10T21:00"}, template_database, clock) as story:
        told(story)
        story.tell(TICKET)
        assert story.twilio.messages == []
        story.tell({"at": "2026-03-11T07:59"})
        assert story.twilio.messages == []
        story.tell({"at": "2026-03-11T08:01"})
    assert [message["To"] for message in story.twilio.messages] == ["+33612345678"]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_service_that_is_too_busy_is_asked_again_and_sends_once(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"sms": {"+33612345678": 20429}}, template_database, clock) as story:
        told(story)
        story.tell(TICKET)
        waiting = story.news()
        story.twilio.refuses.clear()
        story.tell({"at": "2026-03-10T10:00"})
        after = story.news()
        story.tell({"at": "2026-03-10T19:00"})
    assert "texts" not in waiting
    assert [text["status"] for text in after["texts"]] == ["sent"]
    assert len(story.twilio.messages) == 1


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_one_person_gets_one_text_a_day_from_one_workflow(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"sms": {}}, template_database, clock) as story:
        told(story)
        story.tell(TICKET)
        story.tell(TICKET)
        assert len(story.twilio.messages) == 1
        story.tell({"at": "2026-03-11T10:00"})
    assert len(story.twilio.messages) == 2


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_group_is_its_members_and_each_number_is_texted_once(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    step = {**DOCUMENT["steps"][0], "to": ["group:Sales", "owner", "+33 6 11 11 11 11"]}
    with living({"sms": {}}, template_database, clock) as story:
        for number, phone in (("U-1", "+33611111111"), ("U-2", "06 22 22 22 22")):
            story.tell({"save": number, "values": {"phone": phone}})
        story.approve({**DOCUMENT, "steps": [step]})
        story.tell({"create": "tickets", "values": {"title": "Help", "owner": "alice"}})
        news = story.news()
    assert [message["To"] for message in story.twilio.messages] == ["+33611111111", "+33622222222"]
    assert "there is no phone number for Morgan Gray" in str(news["warned"])


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_who_wants_no_texts_is_texted_no_more_though_others_got_theirs(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    step = {**DOCUMENT["steps"][0], "to": ["+33611111111", "+33699999999"]}
    with living({"sms": {"+33699999999": 21610}}, template_database, clock) as story:
        story.approve({**DOCUMENT, "steps": [step]})
        story.tell({"create": "tickets", "values": {"title": "Help"}})
        first = story.news()
        story.twilio.refuses.clear()
        story.tell({"at": "2026-03-11T10:00"})
        story.tell({"create": "tickets", "values": {"title": "Help again"}})
        second = story.news()
    assert [text["status"] for text in first["texts"]] == ["sent", "failed"]
    assert [text["to"] for text in second["texts"]] == ["+33611111111"]
    assert "+33699999999 has answered STOP" in str(second["said"])
