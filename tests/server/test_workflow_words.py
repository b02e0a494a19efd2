"""The words of a workflow say all that it does, when, and what keeps it back."""

from typing import Any

from engine.company.message_limits import Caps, Quiet
from engine.outside import kill_switch
from tests.stages.office.reception import Reception

WEEKLY: dict[str, Any] = {
    "type": "schedule",
    "every": "week",
    "interval": 2,
    "anchor": "2026-03-02",
    "at": "09:00",
}


def test_T9_draft_and_preview_tell_the_same_three_dates(reception: Reception) -> None:
    draft = reception.drafted(trigger=WEEKLY)
    assert [at[:10] for at in draft["next_dates"]] == ["2026-03-16", "2026-03-30", "2026-04-13"]
    told = reception.ask("alice", "preview_audience", workflow=draft["workflow"])
    assert told["next_dates"] == draft["next_dates"]


def test_T9_opposite_weeks_have_other_words(reception: Reception) -> None:
    even = reception.drafted(trigger=WEEKLY)
    odd = reception.drafted(trigger={**WEEKLY, "anchor": "2026-03-09"})
    assert even["words"][0] != odd["words"][0]
    assert "from Monday 9 March 2026 on" in odd["words"][0]


def test_T5_every_rule_that_keeps_a_mail_back_is_told_with_its_present_numbers(
    reception: Reception,
) -> None:
    assert reception.drafted()["keeps_back"] == [
        "No run starts for an invoice while another for it is still going on.",
        "After a wait or a delay it is asked again whether the status is “Sent”, as of the day the "
        "run began; where that is not so any more, it does nothing more.",
        "It does nothing more once a field, function, sender or workflow that it uses is another "
        "than approved.",
        "Customers are not written to while chasing paused or account's chasing paused is set.",
        "Nobody is written to who has unsubscribed, does not take our mail (bounced), has "
        "complained about our mail, has answered STOP, is on the list of those not to write to or "
        "has opted out, and no user who is switched off.",
        "At most 100 people an hour and 500 a day get e-mails from it, and 2,000 a day from all "
        "workflows; one person at most 3 a day from it, and 10 from all.",
        "If more than 500 e-mails are ready at once, a person has to let them go. What may not "
        "leave waits; after 72 hours it fails.",
        "A mail that cannot be sent leaves the owner a task and the record a pinned note, once.",
    ]


def test_T5_what_an_admin_sets_is_told_as_it_is_now(reception: Reception) -> None:
    caps = {"workflow_hour": 7, "workflow_day": 8, "company_day": 9}
    each = {"person_workflow_day": 1, "person_day": 2}
    with reception.installation.database.begin() as tx:
        quiet = Quiet.model_validate({"from": "19:00", "to": "07:00"})
        changed = {"email_caps": Caps(**caps, **each), "email_quiet": quiet}
        reception.installation.database.save_company(tx, tx.company.model_copy(update=changed))
        kill_switch.stop(tx, "email", "a test", "root")
    told = "\n".join(reception.drafted()["keeps_back"])
    assert "No e-mails leave now: they are stopped until an admin lets them go on." in told
    assert "No e-mails leave between 19:00 and 07:00" in told
    assert "At most 7 people an hour and 8 a day" in told


def test_T5_a_note_is_held_back_by_no_rule_for_messages(reception: Reception) -> None:
    saved = {"type": "record_saved"}
    note = {"id": "note", "type": "add_note", "text": "Seen"}
    told = reception.drafted(trigger=saved, recurrence="every", steps=[note])["keeps_back"]
    assert told == [
        "No run starts for an invoice while another for it is waiting.",
        "No change of its own making starts it, and no chain of workflows is longer than 5.",
        "It does nothing more once a field, function, sender or workflow that it uses is another "
        "than approved.",
    ]
