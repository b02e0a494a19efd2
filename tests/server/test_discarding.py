"""Drafts that are let go, over REST and on the page; what runs goes on as it is."""

import pytest

from engine.problems import Invalid
from server.access.rights import Refused
from tests.stages.office.reception import REMIND, Reception


def test_T37_a_draft_that_never_ran_is_put_away_with_what_waits_for_review(
    reception: Reception,
) -> None:
    draft = reception.drafted()
    given = {"workflow": draft["workflow"], "revision": draft["revision"]}
    reception.ask("alice", "submit_workflow", **given)
    told = reception.ask("alice", "discard_draft", workflow=draft["workflow"])
    assert told["state"] == "archived"
    assert reception.ask("alice", "list_workflows")["workflows"] == []
    (version,) = reception.ask("alice", "get_workflow", workflow=draft["workflow"])["versions"]
    assert version["state"] == "superseded"
    with pytest.raises(Invalid, match="has no draft to discard"):
        reception.ask("alice", "discard_draft", workflow=draft["workflow"])


def test_T37_a_draft_of_what_runs_is_let_go_and_it_runs_on(reception: Reception) -> None:
    workflow = reception.approved()
    with pytest.raises(Invalid, match="has no draft to discard"):
        reception.ask("alice", "discard_draft", workflow=workflow)
    changed = {**REMIND, "description": "Changed"}
    reception.ask("alice", "draft_workflow", document=changed, workflow=workflow)
    told = reception.ask("alice", "discard_draft", workflow=workflow)
    assert told["state"] == "active"
    now = reception.ask("alice", "get_workflow", workflow=workflow)
    assert (now["document"], now["active_version"]) == (REMIND, 1)


def test_T37_only_authors_discard(reception: Reception) -> None:
    draft = reception.drafted()
    for who in ("vera", "bob"):
        with pytest.raises(Refused):
            reception.ask(who, "discard_draft", workflow=draft["workflow"])


def test_T37_the_page_of_a_draft_has_a_button_that_discards_it(reception: Reception) -> None:
    draft = reception.drafted()
    here = f"/workflows/{draft['workflow']}"
    with reception.browser("alice") as browser:
        assert "Discard draft" in browser.get(here).text
        answer = browser.post(f"{here}/discard", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/workflows")
        assert "Discard draft" not in browser.get(here).text
    with reception.browser("vera") as browser:
        assert "Discard draft" not in browser.get(here).text
