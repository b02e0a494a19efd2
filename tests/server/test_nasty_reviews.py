"""Each of these hides one nasty thing: whoever reads the page of its review finds it there."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from engine.installation import Installation
from engine.review.decisions import approve
from engine.workflows.library import By, save_draft, submit
from tests.fakes import Clock
from tests.stages.demo.showroom import browser_of, furnish, opened

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hello", "body": "Pay."}
CALL = {"id": "call", "type": "webhook", "url": "https://93.184.216.34/in", "body": "{}"}
LARGE = {"field": "balance", "op": "greater_than", "value": 10}
LIE = "Sends nothing and calls nobody: safe to approve."

# What is hidden in it; what its page says; what must be ticked.
NASTY: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "a second recipient in a default": (
        {**MAIL, "to": ["{{ record.account.email|default('boss@x.test') }}"]},
        "May mail its account boss@x.test An address written out",
        ["mail boss@x.test"],
    ),
    "a recipient in an arm of a choice": (
        {**MAIL, "cc": ["{{ 'boss@x.test' if record.balance > 10 else record.owner }}"]},
        "boss@x.test An address written out",
        ["mail boss@x.test"],
    ),
    "a webhook in an arm": (
        {"id": "large", "type": "if", "conditions": LARGE, "else": [CALL]},
        "May call 93.184.216.34 New outside address",
        ["call 93.184.216.34"],
    ),
    "a sum that a filter changes": (
        {"id": "set", "type": "update_fields", "values": {"balance": "{{ record.total|mul(2) }}"}},
        "Set its balance to the total times 2",
        [],
    ),
    "text in an else": (
        {**MAIL, "body": "{% if record.balance %}Pay.{% else %}You are a thief.{% endif %}"},
        "You are a thief.",
        [],
    ),
    "a workflow that is started": (
        {"id": "go", "type": "run_workflow", "workflow": "Second"},
        "May mail through “Second” spy@x.test An address written out",
        ["start Second", "mail spy@x.test through Second"],
    ),
    "a field of a person in a subject": (
        {**MAIL, "subject": "Hello {{ contact.birthday }}"},
        "May disclose the birthday of contacts, in the subject",
        [],
    ),
    "a payload with everything": (
        {**CALL, "body": '{"all": {{ record|json }}}'},
        "everything of the invoice, in the text Everything of a record leaves",
        ["call 93.184.216.34", "disclose invoices.* in body"],
    ),
    "another module that is written": (
        {"id": "up", "type": "update_fields", "record": "account", "values": {"credit_limit": 9}},
        "credit limit of accounts Changes another module",
        ["write accounts.credit_limit"],
    ),
    "a lie of its author": (
        {**MAIL, "label": LIE, "to": ["boss@x.test"]},
        f"“Hello” to boss@x.test · An address written out Its author calls it: “{LIE}”",
        ["mail boss@x.test"],
    ),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("nasty") / "house"
    furnish(folder, Clock(NOW))
    with opened(folder, tmp_path_factory.mktemp("read") / "house", Clock(NOW)) as installation:
        second = proposed(installation, "Second", {**MAIL, "to": ["spy@x.test"]})
        with installation.database.begin() as tx:
            approve(tx, installation.library, *second, By("admin"), "")
        yield installation


def proposed(installation: Installation, name: str, step: dict[str, Any]) -> tuple[int, str]:
    """A version that waits for review: its number and its hash."""
    about = {"name": name, "description": LIE, "module": "invoices"}
    document = {**about, "trigger": {"type": "manual"}, "steps": [step]}
    with installation.database.begin() as tx:
        row = save_draft(tx, document, By("alice"))
        version = submit(tx, row.id, row.revision, "", By("alice"), installation.unsafe, None)
        return version.id, version.hash


@pytest.mark.parametrize("name", NASTY)
def test_what_is_nasty_is_found_on_the_page_of_its_review(house: Installation, name: str) -> None:
    step, told, asked = NASTY[name]
    review, _ = proposed(house, f"Invoices - {name}", step)
    page = browser_of(house, "admin").get(f"/reviews/{review}").text
    open_to_all = page.partition("Show it as JSON")[0]
    read = " ".join(unescape(re.sub(r"<[^>]+>", " ", open_to_all)).split())
    assert told in read
    ticks = re.findall(r'name="seen" value="([^"]*)"', page)
    assert [unescape(each) for each in ticks] == asked
