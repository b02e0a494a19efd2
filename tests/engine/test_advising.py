"""Advice that is tried on the records before it is given, with how many it would mean then."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.people.logins import Principal
from engine.problems import Problem
from engine.runs.advising import advised
from engine.workflows.library import By, examine, save_draft, submit
from server.access.desk import Desk
from server.operations.trials import preview_audience
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hello", "body": "Pay."}
NOTE = {"id": "log", "type": "add_note", "text": "Seen"}
OVERDUE = {
    "all": [
        {"field": "due_date", "op": "less_than", "value": "today"},
        {"field": "balance", "op": "greater_than", "value": 0},
    ]
}
DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
MONTHLY = {"type": "schedule", "every": "month", "days": [1], "at": "09:00"}
FORTNIGHTLY = {
    **{"type": "schedule", "every": "week", "weekdays": ["mon"], "at": "09:00"},
    **{"interval": 2, "anchor": "2026-03-02"},
}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def document(**more: Any) -> dict[str, Any]:
    base = {"name": "Remind", "description": "For a test.", "module": "invoices", "trigger": DAILY}
    return {**base, "conditions": OVERDUE, "group_by": "account", "steps": [MAIL], **more}


def told(story: Story, **more: Any) -> list[Problem]:
    with story.installation.database.read() as tx:
        checked = examine(tx, document(**more), story.installation.unsafe)
        assert checked.problems == ()
        assert checked.parsed
        return list(advised(tx, checked.parsed))


def change(story: Story, number: str, **values: Any) -> None:
    story.tell({"save": number, "values": values})


# --- again and again ---


def test_T29_what_comes_by_the_month_or_fortnight_gets_no_advice_on_how_often(
    story: Story,
) -> None:
    weekly = {"type": "schedule", "every": "week", "weekdays": ["mon"], "at": "09:00"}
    for trigger in (MONTHLY, FORTNIGHTLY, weekly):
        assert [p for p in told(story, trigger=trigger) if p.path == "recurrence"] == []
    (daily,) = [p for p in told(story) if p.path == "recurrence"]
    assert "(of the 7 of the next run, 7 match again at the one on 2026-03-12)" in daily.message


def test_T29_what_cannot_match_twice_gets_no_advice_on_how_often(story: Story) -> None:
    change(story, "INV-1", due_date="2026-03-14")
    exact = {"field": "due_date", "op": "equals", "value": "today+3d"}
    assert [p for p in told(story, conditions=exact) if p.path == "recurrence"] == []


# --- on one day alone ---


def test_T29_an_exact_day_is_not_widened_unsaid(story: Story) -> None:
    for number, day in (("INV-1", "2026-03-13"), ("INV-3", "2026-03-12"), ("INV-6", "2026-03-01")):
        change(story, number, due_date=day)
    exact = {"field": "due_date", "op": "equals", "value": "today+3d"}
    (advice,) = [p for p in told(story, conditions=exact) if p.path == "conditions"]
    assert advice.remedy == (
        'To make up for 2 days, use `between` ["today+1d", "today+3d"] together with "once": '
        "it means 2 now instead of 1."
    )
    between = {"field": "due_date", "op": "between", "value": ["today+1d", "today+3d"]}
    followed = told(story, conditions=between, recurrence="once")
    assert [p for p in followed if p.path in ("conditions", "recurrence")] == []


# --- beside others ---


def test_T30_the_customers_that_two_workflows_write_to_are_told_with_names(story: Story) -> None:
    assert [p for p in told(story) if "writes to" in p.message] == []
    story.approve(document(name="Chase", recurrence={"every_days": 7}, steps=[MAIL]))
    (overlap,) = [p for p in told(story, trigger=MONTHLY) if "writes to" in p.message]
    assert overlap.message == (
        "“Chase”, which is active, writes to 3 accounts of these (ACME, GAMMA and DELTA) too."
    )
    for harmless in (
        {"steps": [NOTE]},
        {"steps": [{**MAIL, "to": ["owner"]}], "group_by": None},
        {"steps": [{**MAIL, "to": ["boss@x.test"]}]},
        {"trigger": {"type": "record_created"}, "group_by": None},
        {"conditions": {"field": "balance", "op": "less_than", "value": 0}},
    ):
        assert [p for p in told(story, **harmless) if "writes to" in p.message] == []


def test_T30_the_preview_of_an_audience_tells_who_else_writes_to_it(story: Story) -> None:
    desk = Desk(story.installation, Principal("admin", frozenset({"admin", "author"})))
    assert preview_audience(desk, document=document())["overlaps"] == []
    story.approve(document(name="Chase", recurrence={"every_days": 7}, steps=[MAIL]))
    (told,) = preview_audience(desk, document=document())["overlaps"]
    assert told.startswith("“Chase”, which is active, writes to 3 accounts of these")


def test_T30_what_waits_for_review_counts_and_so_does_a_workflow_on_customers(
    story: Story,
) -> None:
    with story.installation.database.begin() as tx:
        other = document(name="Statements", module="accounts", group_by=None, trigger=MONTHLY)
        other["steps"] = [{**MAIL, "to": ["email"]}]
        other["conditions"] = {"field": "name", "op": "in", "value": ["ACME", "OMEGA"]}
        draft = save_draft(tx, other, By("alice"))
        submit(tx, draft.id, 1, "", By("alice"), story.installation.unsafe, None)
    (overlap,) = [p for p in told(story) if "writes to" in p.message]
    assert overlap.message == (
        "“Statements”, which waits for review, writes to 1 account of these (ACME) too."
    )


def test_T30_many_overlaps_are_counted(story: Story) -> None:
    for number in range(7):
        story.approve(document(name=f"Chase {number}", recurrence={"every_days": number + 1}))
    given = [p.message for p in told(story) if "writes to" in p.message or "more work" in p.message]
    assert len(given) == 6
    assert given[-1] == "so it is with 2 more workflows."


def test_T30_a_copy_of_what_is_active_is_told(story: Story) -> None:
    story.approve(document(name="Chase", recurrence="once"))
    (copy,) = [p for p in told(story, name="Another", recurrence="once") if not p.path]
    assert copy.message == "“Chase”, which is active, does all of this already."
    assert [p for p in told(story, recurrence="episode") if not p.path] == []


def test_T30_a_ring_with_what_waits_for_review_is_told(story: Story) -> None:
    def flip(name: str, before: str, after: str) -> dict[str, Any]:
        asked = {"field": "status", "op": "equals", "value": before}
        set_ = {"id": "set", "type": "update_fields", "values": {"status": after}}
        saved = {"type": "record_modified", "fields": ["status"]}
        about = {"name": name, "trigger": saved, "conditions": asked, "steps": [set_]}
        return {**document(), **about, "group_by": None}

    with story.installation.database.begin() as tx:
        draft = save_draft(tx, flip("There", "Sent", "Paid"), By("alice"))
        submit(tx, draft.id, 1, "", By("alice"), story.installation.unsafe, None)
    (ring,) = [p for p in told(story, **flip("Back", "Paid", "Sent")) if p.path == "steps.0"]
    assert ring.message == (
        "once what waits for review is active, it would start “There”, which changes status of "
        "invoices and so would start this one again."
    )


# --- what nothing has ---


def test_T35_a_field_that_nobody_fills_in_is_told_with_counts(story: Story) -> None:
    asked = {"field": "promise_to_pay_date", "op": "less_than", "value": "today"}
    (empty,) = [p for p in told(story, conditions=asked) if "filled in" in p.message]
    with story.installation.database.read() as tx:
        total = tx.count(tx.schema.tables["invoices"])
    assert empty.message == (
        f"`promise_to_pay_date` is filled in in 0 of {total} invoices, so nothing matches."
    )
    change(story, "INV-1", promise_to_pay_date="2026-03-20")
    assert [p for p in told(story, conditions=asked) if "filled in" in p.message] == []


def test_T35_a_field_of_related_records_that_nobody_fills_in_is_told(story: Story) -> None:
    inside = {"field": "promise_to_pay_date", "op": "is_not_empty"}
    asked = {"related": "invoices", "via": "account", "match": "some", "where": inside}
    about = {"module": "accounts", "group_by": None, "steps": [NOTE]}
    given = told(story, conditions=asked, **about)
    assert any("filled in in 0 of" in problem.message for problem in given)
    none = {**asked, "match": "none"}
    given = told(story, conditions=none, **about)
    assert not any("filled in in 0 of" in problem.message for problem in given)


@pytest.mark.parametrize(
    ("module", "field", "value", "remedy"),
    [
        ("users", "name", "alice", "Did you mean `username`? There it is."),
        ("accounts", "name", "ACMEE", "Did you mean `ACME`?"),
        ("accounts", "city", "Nowhere at all", "There are "),
    ],
)
def test_T35_a_value_that_nothing_has_is_told_with_what_was_meant(
    story: Story, module: str, field: str, value: str, remedy: str
) -> None:
    asked = {"field": field, "op": "equals", "value": value}
    given = told(story, module=module, group_by=None, conditions=asked, steps=[NOTE])
    (advice,) = [problem for problem in given if "none of" in problem.message]
    assert advice.remedy.startswith(remedy)
    assert f"has `{value}` as `{field}`" in advice.message


def test_T35_words_say_that_a_birthday_is_compared_by_day_and_month(story: Story) -> None:
    for op, value, year in (
        ("equals", "today", True),
        ("between", ["today", "today+7d"], True),
        ("less_than", "today", False),
        ("between", ["1980-01-01", "1990-01-01"], False),
    ):
        birthday = {"field": "birthday", "op": op, "value": value}
        with story.installation.database.read() as tx:
            about = document(module="contacts", group_by=None, conditions=birthday, steps=[NOTE])
            parsed = examine(tx, about, story.installation.unsafe).parsed
            assert parsed
            words = parsed.words(tx.binder(tx.schema.module("contacts")))[0]
            assert ("(day and month, whatever the year)" in words) is year


# --- other languages ---


ENGLISH = "Dear {{ customer.name }}, please pay what is due: {{ record.balance }}."


def test_T27_a_text_in_another_language_than_its_readers(story: Story) -> None:
    mail = {**MAIL, "body": ENGLISH}
    (found,) = [each for each in told(story, steps=[mail]) if "it is in" in each.message]
    assert found == Problem(
        "steps.0",
        "it is in English, and of the customers that it means now 1 reads German and 2 read "
        "French.",
        "Write it in the library, with a wording for each language, or leave these out.",
    )


@pytest.mark.parametrize(
    "step",
    [
        {"body": "{{ record.number }}: {{ record.balance }}", "subject": "{{ record.number }}"},
        {
            "subject": "{{ record.number }}",
            "body": "{% if language == 'en' %}Please pay what is due to us"
            "{% elif language == 'fr' %}Merci de payer la facture pour nous"
            "{% else %}Bitte zahlen Sie die Rechnung an uns{% endif %}",
        },
        {"to": ["alice"], "body": ENGLISH},
    ],
)
def test_T27_no_advice_where_each_reads_their_own_or_nothing_tells(
    story: Story, step: dict[str, Any]
) -> None:
    assert "it is in" not in str(told(story, steps=[{**MAIL, **step}]))
