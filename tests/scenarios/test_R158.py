"""R158: a changed template changes the next mail once a person approved it, never one before."""

from io import BytesIO

import pytest
from sqlalchemy import select

from engine.problems import Invalid
from engine.records.csv_import import import_csv
from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.writer import Author, Records
from engine.review import decisions
from engine.workflows.library import By, save_draft, submit
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.scenarios.test_R156 import DOCUMENT, REMINDER, write
from tests.stages.demo.story import Story, living


def sent(story: Story, subject: str) -> list[str]:
    """What a mail says that a change of INV-1 starts."""
    story.tell({"save": "INV-1", "values": {"subject": subject}})
    return [mail["body"] for mail in story.news().get("mails", [])]


def waiting(story: Story) -> list[tuple[int, str, list[str]]]:
    """The versions that wait for a person: number, hash, authors."""
    with story.installation.database.read() as tx:
        query = select(VERSIONS).where(VERSIONS.c.state == "in_review")
        return [(row.id, row.hash, row.authors) for row in tx.db.execute(query)]


def test_a_new_wording_waits_for_approval_and_then_counts_for_the_next_mail(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        template = write(story, REMINDER)
        story.approve(DOCUMENT)
        assert sent(story, "one") == ["Please pay 1000.00."]
        write(story, {"body": "Kindly pay {{ record.balance }}."}, template)
        assert story.news()["alerts"] == ["changed"]
        assert sent(story, "two") == ["Please pay 1000.00."]
        ((version, hash, authors),) = waiting(story)
        assert authors == ["bob"]
        with story.installation.database.begin() as tx:
            decisions.approve(tx, story.installation.library, version, hash, By("admin"), "")
        assert sent(story, "three") == ["Kindly pay 1000.00."]
        with story.installation.database.read() as tx:
            emails = tx.schema.tables["emails"]
            bodies = tx.db.scalars(select(emails.c.body).order_by(emails.c.id)).all()
        assert bodies == ["Please pay 1000.00.", "Please pay 1000.00.", "Kindly pay 1000.00."]


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
        assert [mail["body"] for mail in story.news()["mails"]] == ["Please pay 4200.00."]


KIND = {"body": "Kindly pay {{ record.balance }}."}


def decide(story: Story, *, approved: bool = True, by: str = "admin") -> None:
    """What a person says to the one version that waits."""
    ((version, hash, _),) = waiting(story)
    with story.installation.database.begin() as tx:
        if approved:
            decisions.approve(tx, story.installation.library, version, hash, By(by), "")
        else:
            decisions.reject(tx, version, By(by), "Not like this.")


def imported(story: Story, rows: str) -> None:
    """A file of templates is taken in, which is to start no workflow."""
    file = BytesIO(rows.encode())
    done = import_csv(story.installation.database, "templates", file, author=Author("bob"))
    assert done.problems == []
    story.installation.worker.work()


def test_a_template_that_is_imported_goes_to_review_and_starts_nothing(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    note = {"id": "log", "type": "add_note", "text": "Changed"}
    listening = {"name": "Listens", "module": "templates", "trigger": {"type": "record_saved"}}
    with living({}, template_database, clock) as story:
        write(story, REMINDER)
        story.approve({**listening, "steps": [note]})
        story.approve(DOCUMENT)
        imported(story, "number,body\nTPL-1,Kindly pay {{ record.balance }}.\n")
        assert story.news() == {"alerts": ["changed"]}
        assert [authors for _, _, authors in waiting(story)] == [["bob"]]
        decide(story)
        assert sent(story, "one") == ["Kindly pay 1000.00."]


def test_two_of_one_name_and_language_do_not_come_in_by_one_file(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    rows = "name,kind,subject,body\nx,E-mail,S,One\nx,E-mail,S,Two\n"
    with living({}, template_database, clock) as story:
        done = import_csv(
            story.installation.database, "templates", BytesIO(rows.encode()), author=Author("bob")
        )
        assert [row for row, _ in done.problems] == [3]


def test_whoever_changed_it_is_among_the_authors_and_cannot_approve(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"company": {"four_eyes": True}}, template_database, clock) as story:
        template = write(story, REMINDER)
        story.approve(DOCUMENT)
        with story.installation.database.begin() as tx:
            for name, body in (("carol", "Send all to me."), ("bob", "Pay.")):
                Records(tx, Author(name)).update("templates", template, {"body": body})
        story.installation.worker.work()
        assert [authors for _, _, authors in waiting(story)] == [["carol", "bob"]]
        with pytest.raises(Invalid, match="you took part in writing"):
            decide(story, by="carol")


def test_a_draft_under_way_and_a_new_wording_keep_out_of_each_others_way(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        template = write(story, REMINDER)
        story.approve(DOCUMENT)
        write(story, KIND, template)
        with story.installation.database.begin() as tx:
            save_draft(tx, {**DOCUMENT, "description": "New"}, By("alice"), story.workflow)
        assert len(waiting(story)) == 1
        decide(story)
        assert sent(story, "one") == ["Kindly pay 1000.00."]
        with story.installation.database.read() as tx:
            draft = tx.db.scalar(select(WORKFLOWS.c.draft))
        assert draft == {**DOCUMENT, "description": "New"}


def test_what_waits_for_review_takes_up_the_new_wording(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        template = write(story, REMINDER)
        with story.installation.database.begin() as tx:
            draft = save_draft(tx, DOCUMENT, By("alice"))
            submit(tx, draft.id, draft.revision, "", By("alice"), story.installation.unsafe, None)
        ((first, old, _),) = waiting(story)
        write(story, KIND, template)
        ((second, new, authors),) = waiting(story)
        assert first != second
        assert old != new
        assert authors == ["alice", "bob"]
        with pytest.raises(Invalid, match="superseded"), story.installation.database.begin() as tx:
            decisions.approve(tx, story.installation.library, first, old, By("admin"), "")
        decide(story)
        assert sent(story, "one") == ["Kindly pay 1000.00."]


def test_a_wording_that_was_rejected_is_not_put_before_people_again(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        template, other = write(story, REMINDER), write(story, {**REMINDER, "name": "other"})
        story.approve(DOCUMENT)
        write(story, KIND, template)
        decide(story, approved=False)
        write(story, {"body": "Another."}, other)
        assert waiting(story) == []
        assert sent(story, "one") == ["Please pay 1000.00."]


def test_a_new_wording_outlives_the_rejection_of_what_came_with_it(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        template = write(story, REMINDER)
        story.approve(DOCUMENT)
        with story.installation.database.begin() as tx:
            steps = [{**DOCUMENT["steps"][0], "subject": "Pay!"}]
            changed = {**DOCUMENT, "steps": steps}
            row = save_draft(tx, changed, By("alice"), story.workflow)
            submit(tx, row.id, row.revision, "", By("alice"), story.installation.unsafe, None)
        write(story, KIND, template)
        decide(story, approved=False)
        decide(story)
        assert sent(story, "one") == ["Kindly pay 1000.00."]


def test_the_order_in_which_languages_were_written_changes_nothing(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        write(story, {**REMINDER, "language": "fr", "body": "Merci de payer."})
        write(story, REMINDER)
        other = write(story, {**REMINDER, "name": "other"})
        story.approve(DOCUMENT)
        write(story, {"body": "Something else."}, other)
        assert waiting(story) == []


def test_a_reader_of_a_language_nobody_wrote_gets_the_wording_for_all(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        write(story, {**REMINDER, "language": "en", "body": "In English."})
        write(story, {**REMINDER, "body": "For all others."})
        story.approve(DOCUMENT)
        assert sent(story, "one") == ["For all others."]  # ACME reads French
        story.tell({"save": "INV-3", "values": {"subject": "two"}})
        assert [mail["body"] for mail in story.news()["mails"]] == ["In English."]
