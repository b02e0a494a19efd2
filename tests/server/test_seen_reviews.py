"""A decided review goes on showing what the person saw who decided."""

from sqlalchemy import update

from engine.records.tables import VERSIONS
from tests.fakes import Clock
from tests.stages.office.reception import Reception


def submitted(reception: Reception) -> str:
    """The address of a review."""
    draft = reception.drafted()
    given = {"workflow": draft["workflow"], "revision": draft["revision"]}
    link = str(reception.ask("alice", "submit_workflow", **given)["link"])
    return "/reviews/" + link.rpartition("/")[2]


def decide(reception: Reception, review: str, verdict: str) -> None:
    hash = reception.proposal("bob", int(review.rpartition("/")[2])).row.hash
    with reception.browser("bob") as bob:
        given = {"hash": hash, "comment": "as agreed"}
        told = bob.post(f"{review}/{verdict}", data=given, follow_redirects=False)
        assert told.status_code == 303, told.text


def change_records(reception: Reception) -> None:
    """Another invoice matches, and the account is called otherwise."""
    write = {"account": "ACME", "status": "Sent", "balance": 77}
    reception.ask("alice", "write_record", module="invoices", values=write)
    renamed = {"email": "other@acme.test"}
    reception.ask("alice", "write_record", module="accounts", record=1, values=renamed)


def test_T19_an_approved_review_shows_what_the_approver_saw(
    reception: Reception, clock: Clock
) -> None:
    review = submitted(reception)
    decide(reception, review, "approve")
    change_records(reception)
    clock.advance(minutes=10)
    with reception.browser("bob") as bob:
        page = bob.get(review).text
    assert "As seen at approval, 10 Mar 2026, 09:00, by Bob" in page
    assert "fit today: 2 invoices" in page
    assert ("ap@acme.test" in page, "other@acme.test" in page) == (True, False)
    assert "Try with a supposed change" not in page  # what has been decided is not tried any more


def test_T19_a_rejected_one_too_and_one_that_waits_shows_what_is_now(reception: Reception) -> None:
    review = submitted(reception)
    with reception.browser("bob") as bob:
        assert "As seen at" not in bob.get(review).text
    decide(reception, review, "reject")
    change_records(reception)
    with reception.browser("bob") as bob:
        page = bob.get(review).text
    assert "As seen at rejection, 10 Mar 2026, 09:00, by Bob" in page
    assert "other@acme.test" not in page


def test_T19_what_an_earlier_release_kept_in_another_shape_is_worked_out_anew(
    reception: Reception,
) -> None:
    review = submitted(reception)
    decide(reception, review, "approve")
    with reception.installation.database.begin() as tx:
        tx.db.execute(update(VERSIONS).values(seen={"shape": "of before", "words": 1}))
    with reception.browser("bob") as bob:
        page = bob.get(review).text
    assert "As seen at" not in page
    assert "this is worked out anew" in page
