"""What pages, REST and the reviewer are told of text messages and of other ways outside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.installation import Installation
from engine.people import logins
from engine.records.writer import Author, Records
from engine.settings import Settings
from engine.starter.demo_records import COMPANY
from engine.workflows.advice import advice
from engine.workflows.library import examine
from server.access.desk import Desk
from server.cli.diagnosis import examine as doctor
from server.operations.registry import OPERATIONS
from tests.fakes import Clock
from tests.stages.demo.showroom import PASSWORD, browser_of


def opened(folder: Path, clock: Clock, **settings: Any) -> Installation:
    """An empty installation with an admin."""
    installation = Installation.of(Settings(data_dir=folder, **settings), clock.now)
    installation.prepare(COMPANY)
    with installation.database.begin() as tx:
        logins.create_user(tx, "admin", ["admin", "author"], PASSWORD)
    return installation


@pytest.fixture
def installation(tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    installation = opened(tmp_path, clock)
    yield installation
    installation.close()


def test_the_page_and_the_document_of_a_text_tell_its_length(installation: Installation) -> None:
    values = {"name": "ready", "kind": "Text message", "body": "Bonjour, c'est prêt."}
    with installation.database.begin() as tx:
        made = Records(tx, Author("admin")).create("templates", values)
        desk = Desk(installation, logins.person(tx, "admin") or pytest.fail("there is no admin"))
    page = browser_of(installation, "admin").get(f"/records/templates/{made.id}")
    told = OPERATIONS["get_template"].call(desk, {"template": "ready"})
    assert "20 characters, 1 part (Unicode)" in page.text
    assert told["lengths"] == {"": "20 characters, 1 part (Unicode)"}


def test_the_reviewer_is_warned_of_what_is_not_set_up(installation: Installation) -> None:
    steps = [
        {"id": "text", "type": "send_sms", "to": ["account"], "body": "Hello"},
        {"id": "erp", "type": "update_erp", "values": {"note": "reminded"}},
    ]
    trigger = {"type": "record_created"}
    document = {"name": "Warn", "module": "invoices", "trigger": trigger, "steps": steps}
    with installation.database.read() as tx:
        checked = examine(tx, document, installation.unsafe)
        assert checked.problems == ()
        assert checked.parsed
        given = list(advice(checked.parsed, tx.schema, None, installation.lacks(tx.company)))
    assert [(one.path, one.message) for one in given if "set up" in one.message] == [
        ("steps.0", "no SMS provider is set up: this step would fail."),
        ("steps.1", "no accounting system is set up: this step would fail."),
    ]


@pytest.mark.parametrize(
    ("url", "state", "said"),
    [
        ("", "off", "steps that send one fail"),
        ("capture:", "ok", "kept, not sent"),
        ("twilio://AC1:token@+33612345678", "ok", "sent by Twilio"),
        ("twilio://AC1", "wrong", "write it like twilio://ACCOUNT_SID:AUTH_TOKEN@"),
    ],
)
def test_the_doctor_knows_the_sms_service(
    url: str, state: str, said: str, tmp_path: Path, clock: Clock
) -> None:
    installation = opened(tmp_path, clock, sms_url=url)
    (found,) = (finding for finding in doctor(installation) if finding.what == "text messages")
    installation.close()
    assert (found.state, said in found.said) == (state, True)
    assert "token" not in found.said
