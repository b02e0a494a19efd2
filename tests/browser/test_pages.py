"""The pages in a real browser: for everybody, on any screen, with nothing from outside."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, Request, expect

from engine.installation import Installation
from engine.people.logins import create_first_link
from engine.settings import Settings
from tests.fakes import Clock
from tests.stages.demo.showroom import PASSWORD, enter, served

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)

PAGES = {
    "home": "/",
    "reviews": "/reviews",
    "review": "/reviews/4",
    "review of a change": "/reviews/1",
    "review with templates": "/reviews/5",
    "workflows": "/workflows",
    "workflow": "/workflows/1?step=five_days",
    "inside": "/workflows/1?tab=inside",
    "its runs": "/workflows/1?tab=runs",
    "its versions": "/workflows/1?tab=versions",
    "its document": "/workflows/1?tab=document",
    "pause": "/workflows/1/pause",
    "runs": "/runs",
    "no run found": "/runs?q=nothing-like-it",
    "run": "/runs/1",
    "data of a run": "/runs/1?tab=data",
    "ledger of a run": "/runs/1?tab=raw",
    "planner": "/planner",
    "how often": "/planner/1",
    "move times": "/planner/move",
    "templates": "/templates",
    "no template found": "/templates?q=nothing-like-it",
    "template of mails": "/templates/21?language=fr",
    "template of text messages": "/templates/23",
    "template of PDFs": "/templates/24",
    "variables": "/variables?module=contacts",
    "form of a template": "/records/templates/21/edit",
    "modules": "/records",
    "records": "/records/invoices",
    "no record": "/records/quotes",
    "no record found": "/records/invoices?q=nothing-like-it",
    "record": "/records/accounts/1",
    "record of a template": "/records/templates/21",
    "form": "/records/invoices/1/edit",
    "import": "/records/invoices/import",
    "mailbox": "/mailbox",
    "mail": "/mailbox/1",
    "outbox": "/outbox",
    "nothing in the outbox": "/outbox?q=nothing-like-it",
    "not written to": "/outbox/blocked",
    "write to customers": "/write",
    "notices": "/notices",
    "tokens": "/tokens",
    "AI clients": "/tokens/clients",
    "system": "/system",
    "sending": "/system/sending",
    "senders": "/system/senders",
    "calendar": "/system/calendar",
}
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
# Another theme changes nothing but colours.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
THEMES: tuple[tuple[Literal["light", "dark"], dict[str, Any]], ...] = (
    ("light", RULES),
    ("dark", COLOURS),
)
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def window(browser: Browser, installation: Installation) -> Iterator[Page]:
    """A signed-in browser window."""
    with browser.new_context(reduced_motion="reduce") as context:
        enter(installation, context)
        yield context.new_page()


class Watch:
    """What a page asked for and complained about."""

    def __init__(self, page: Page, installation: Installation) -> None:
        self.page, self.home = page, installation.settings.address
        self.outside: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._asked)
        page.on("console", self._said)
        page.on("pageerror", self._failed)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.home, "data:", "about:")):
            self.outside.append(request.url)

    def _said(self, message: Any) -> None:
        self.complaints.append(str(message.text))

    def _failed(self, error: Any) -> None:
        self.complaints.append(str(error))

    def close(self) -> None:
        self.page.remove_listener("request", self._asked)
        self.page.remove_listener("console", self._said)
        self.page.remove_listener("pageerror", self._failed)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_for_everybody_on_every_screen(
    name: str, window: Page, installation: Installation
) -> None:
    looked_at(installation.settings.address + PAGES[name], window, installation)


def test_what_customers_see_is_for_everybody_on_every_screen(
    window: Page, installation: Installation
) -> None:
    with installation.database.read() as tx:
        until = installation.world.now() + timedelta(days=30)
        links = (tx.links.statement(1, until), tx.links.unsubscribe("ana@acme.test"))
    for link in links:
        looked_at(installation.settings.address + urlsplit(link).path, window, installation)


def looked_at(address: str, window: Page, installation: Installation) -> None:
    """On a large screen and on a phone, by day and by night."""
    watch = Watch(window, installation)
    window.set_viewport_size({"width": 1440, "height": 900})
    answer = window.goto(address)
    assert answer is not None
    assert answer.status == 200
    window.evaluate(AXE_SCRIPT)
    for width in (1440, 390):
        window.set_viewport_size({"width": width, "height": 900})
        assert window.evaluate(SIDEWAYS) <= 0
        for theme, rules in THEMES:
            window.emulate_media(color_scheme=theme)
            assert (width, theme, violations(window, rules)) == (width, theme, [])
    assert (watch.outside, watch.complaints) == ([], [])
    watch.close()


def violations(page: Page, rules: dict[str, Any]) -> list[Any]:
    """The rules that a page breaks, each with where."""
    ask = "rules => axe.run(rules).then(found => found.violations)"
    found = page.evaluate(ask, {**rules, "resultTypes": ["violations"]})
    return [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]


def test_the_sign_in_page_is_for_everybody(browser: Browser, installation: Installation) -> None:
    with browser.new_context(viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{installation.settings.address}/login")
        page.evaluate(AXE_SCRIPT)
        assert violations(page, RULES) == []


def test_the_page_of_the_first_user_is_for_everybody(browser: Browser, tmp_path: Path) -> None:
    begun = Installation.of(Settings(data_dir=tmp_path / "begun"), Clock(NOW).now)
    begun.prepare()
    with begun.database.begin() as tx:
        secret = create_first_link(tx)
    begun.database.engine.dispose()
    with (
        served(tmp_path / "begun", tmp_path / "house", Clock(NOW)) as installation,
        browser.new_context(reduced_motion="reduce") as context,
    ):
        address = f"{installation.settings.address}/welcome?secret={secret}"
        looked_at(address, context.new_page(), installation)


def test_somebody_signs_in_reads_a_proposal_and_approves_it_by_clicking(
    browser: Browser, installation: Installation
) -> None:
    with browser.new_context(base_url=installation.settings.address) as context:
        page = context.new_page()
        page.goto("/reviews/4")
        page.get_by_label("User name").fill("mgr")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Announce big deals")
        page.get_by_role("button", name="Approve and activate").click()
        expect(page.get_by_role("alert")).to_contain_text("Tick what you have seen")
        for box in (
            page.get_by_role("group", name="I have seen that it").get_by_role("checkbox").all()
        ):
            box.check()
        page.get_by_label("Comment").fill("Sales asked for it")
        page.get_by_role("button", name="Approve and activate").click()
        expect(page.get_by_text("Approved: it is live now.")).to_be_visible()
        expect(page.get_by_text("Approved by Morgan Gray.")).to_be_visible()


def test_the_flow_reads_as_nested_lists(browser: Browser, installation: Installation) -> None:
    with browser.new_context(base_url=installation.settings.address) as context:
        enter(installation, context)
        page = context.new_page()
        page.goto("/workflows/1")
        flow = page.get_by_role("group", name="Flow, with the number of records at each block")
        expect(flow).to_match_aria_snapshot("""
            - list:
              - listitem: /Every day at 09:00/
              - listitem:
                - link /Remind politely/
              - listitem:
                - link /Wait 5 working days/
              - listitem:
                - link /Is it a large sum/
                - list:
                  - listitem:
                    - text: "Yes"
                    - list:
                      - listitem:
                        - link /Create the task/
                  - listitem:
                    - text: "No"
                    - list:
                      - listitem:
                        - link /Remind firmly/
              - listitem: End
        """)


def test_the_theme_that_was_chosen_stays(browser: Browser, installation: Installation) -> None:
    with browser.new_context(base_url=installation.settings.address) as context:
        enter(installation, context)
        page = context.new_page()
        page.goto("/")
        page.get_by_text("Adele Minh").click()
        page.get_by_role("button", name="Dark").click()
        page.goto("/runs")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_filter_narrows_the_list_without_leaving_the_page(
    browser: Browser, installation: Installation
) -> None:
    with browser.new_context(base_url=installation.settings.address) as context:
        enter(installation, context)
        page = context.new_page()
        page.goto("/records/invoices")
        page.get_by_role("searchbox").fill("gamma")
        expect(page.locator("#records tbody tr")).to_have_count(1)
        expect(page.locator("#records")).to_contain_text("INV-6")
        page.get_by_role("searchbox").fill("nothing like it")
        expect(page.get_by_text("No invoices match this filter")).to_be_visible()


def test_what_cannot_be_taken_back_is_asked_first(
    browser: Browser, installation: Installation
) -> None:
    with browser.new_context(base_url=installation.settings.address) as context:
        enter(installation, context)
        page = context.new_page()
        page.goto("/records/accounts/4")
        page.get_by_role("button", name="Delete").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("its history stays")
        dialog.get_by_role("button", name="Go back").click()
        expect(page.get_by_role("button", name="Delete")).to_be_focused()
        page.get_by_role("button", name="Delete").click()
        dialog.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("Deleted. Its history stays.")).to_be_visible()
