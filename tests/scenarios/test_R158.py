"""R158: a changed template changes the next mail once a person approved it, never one before."""

from sqlalchemy import select

from engine import review
from engine.library import By
from engine.tables import VERSIONS
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.scenarios.test_R156 import DOCUMENT, REMINDER, write
from tests.story import Story, living


def sent(story: Story, subject: str) -> list[str]:
    """What a mail says that a change of INV-1 starts."""
    story.tell({"save": "INV-1", "values": {"subject": subject}})
    return [mail["body"] for mail in story.news().get("mails", [])]


def waiting(story: Story) -> list[tuple[int, str, list[str]]]:
    """The versions that wait for a person: number, hash, authors."""
    with story.house.database.read() as tx:
        query = select(VERSIONS).where(VERSIONS.c.state == "in_review")
        return [(row.id, row.hash, row.authors) for row in tx.db.execute(query)]


def test_a_new_wording_waits_for_approval_and_then_counts_for_the_next_mail(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        template = write(story, REMINDER)
        story.approve(DOCUMENT)
        assert sent(story, "one") == ["Please pay 1000."]
        write(story, {"body": "Kindly pay {{ record.balance }}."}, template)
        assert story.news()["alerts"] == ["changed"]
        assert sent(story, "two") == ["Please pay 1000."]
        ((version, hash, authors),) = waiting(story)
        assert authors == ["bob"]
        with story.house.database.begin() as tx:
            review.approve(tx, story.house.library, version, hash, By("admin"), "")
        assert sent(story, "three") == ["Kindly pay 1000."]
        with story.house.database.read() as tx:
            emails = tx.schema.tables["emails"]
            bodies = tx.db.scalars(select(emails.c.body).order_by(emails.c.id)).all()
        assert bodies == ["Please pay 1000.", "Please pay 1000.", "Kindly pay 1000."]


def test_a_template_nobody_uses_puts_nothing_into_review(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        write(story, REMINDER)
        other = write(story, {**REMINDER, "name": "other"})
        story.approve(DOCUMENT)
        write(story, {"body": "Something else."}, other)
        assert waiting(story) == []
        assert "alerts" not in story.news()


def test_the_reader_gets_the_wording_of_their_language_or_the_one_for_all(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        write(story, REMINDER)
        write(story, {**REMINDER, "language": "fr", "body": "Merci de payer."})
        story.approve(DOCUMENT)
        assert sent(story, "one") == ["Merci de payer."]  # ACME reads French
        story.tell({"save": "INV-3", "values": {"subject": "two"}})  # BETA reads English
        assert [mail["body"] for mail in story.news()["mails"]] == ["Please pay 4200."]
