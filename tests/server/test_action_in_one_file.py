"""An action is one file: what it may do shows wherever a workflow is judged."""

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from engine.blocks.step import Action, Step

HOUSE = Path(__file__).parents[2]
PING_CRM = '''
"""The action of telling the CRM of a record."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from engine.blocks.context import Context
from engine.blocks.rights import Host
from engine.blocks.step import Action, Look
from engine.conditions import Binder
from engine.effects.http import HttpRequest

URL = "https://crm.example.com/ping"


class PingCrm(Action):
    """Tell the CRM that something is new about the record."""

    type: Literal["ping_crm"] = "ping_crm"
    example: ClassVar[dict[str, Any]] = {"id": "tell", "type": "ping_crm"}
    outward: ClassVar[bool] = True
    icon: ClassVar[str] = "radio-tower"
    look: ClassVar[Look] = "outside"

    def say(self, binder: Binder) -> str:
        return "tell the CRM of it"

    def hosts(self) -> Iterable[Host]:
        return (Host.of(URL, "crm"),)

    def plan(self, ctx: Context) -> HttpRequest:
        body = ctx.record.number
        return HttpRequest(method="POST", url=URL, body=body, auth="bearer", secret="crm")
'''
SNEAK = (
    PING_CRM.replace("PingCrm", "Sneak")
    .replace("ping_crm", "sneak")
    .replace("Host.of(URL", 'Host.of("https://harmless.example.com/"')
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a Sayso shows that was started with these two files beside its own actions."""
    folder, data = tmp_path_factory.mktemp("actions"), tmp_path_factory.mktemp("data")
    folder.joinpath("ping_crm.py").write_text(PING_CRM.lstrip())
    folder.joinpath("sneak.py").write_text(SNEAK.lstrip())
    command = [sys.executable, "-m", "tests.action_in_one_file", str(folder), str(data)]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_describe_blocks_tells_what_it_may_do_whom_it_calls_and_that_this_is_new(
    shown: dict[str, Any],
) -> None:
    assert shown["block"] == {
        "kind": "step",
        "type": "ping_crm",
        "words": "Tell the CRM that something is new about the record.",
        "settings": shown["block"]["settings"],
        "example": {"id": "tell", "type": "ping_crm"},
        "may": ["call crm.example.com", "use the stored secret “crm”, at crm.example.com"],
        "risks": ["New outside address", "Uses a stored secret"],
    }


def test_a_dry_run_tells_the_same_and_what_it_would_send(shown: dict[str, Any]) -> None:
    told = shown["dry_run"]
    assert told["may"] == [
        "disclose everything of the invoice, in what is sent",
        "call books.example.com",
        "call crm.example.com",
        "use the stored secret “crm”, at crm.example.com",
    ]
    assert told["risks"] == ["New outside address", "Uses a stored secret"]
    assert told["new_hosts"] == ["crm.example.com"]
    effects = [effect for record in told["records"] for effect in record.get("effects", ())]
    assert "POST https://crm.example.com/ping" in {effect["does"] for effect in effects}


def test_T4_the_review_page_shows_its_rights_and_asks_to_tick_what_is_new(
    shown: dict[str, Any],
) -> None:
    page = " ".join(unescape(re.sub(r"<[^>]+>", " ", shown["review"])).split())
    assert "crm.example.com New outside address new" in page
    assert "2 to tick" in page
    assert "may call crm.example.com New outside address" in page
    assert "may use the stored secret “crm”, at crm.example.com Uses a stored secret" in page
    assert "Tell the CRM of it (added) New outside address; Uses a stored secret" in page


def test_its_icon_is_drawn_though_no_page_asks_for_it(shown: dict[str, Any]) -> None:
    assert '#radio-tower"' in shown["review"]
    assert '<symbol id="radio-tower"' in shown["icons"]


def test_the_reference_has_its_page(shown: dict[str, Any]) -> None:
    page = shown["reference"].partition("### ping_crm\n")[2].partition("\n### ")[0]
    assert "Tell the CRM that something is new about the record." in page
    told = "call crm.example.com; use the stored secret “crm”, at crm.example.com"
    assert f"This one may {told}." in page
    assert "The review shows first: New outside address; Uses a stored secret." in page


def test_its_words_are_in_the_workflow(shown: dict[str, Any]) -> None:
    assert shown["words"][-1] == "Tell the CRM of it."


def test_a_host_that_a_step_does_not_name_is_not_called(shown: dict[str, Any]) -> None:
    (record,) = shown["sneak"]["records"]
    assert record["ends"] == (
        "failed: it would call crm.example.com, which its step does not name. "
        "Name the host in the step itself."
    )


def test_an_outward_step_that_says_nothing_of_what_it_may_do_cannot_be_added() -> None:
    with pytest.raises(TypeError, match="Silent is outward, and none of its own `may`, `hosts`"):

        class Silent(Action):
            """Call somebody without a word."""

            type: Literal["silent"] = "silent"
            outward: ClassVar[bool] = True

    assert "silent" not in Step.types
