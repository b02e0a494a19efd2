"""What people do with the pages, by clicking: each test in an installation of its own."""

from playwright.sync_api import Page, expect

from engine.installation import Installation
from tests.stages.demo.showroom import enter


def test_a_changed_template_waits_until_somebody_else_approves_it(
    tab: Page, own: Installation
) -> None:
    enter(own, tab.context, "alice")
    tab.goto("/")
    tab.get_by_role("link", name="Templates").click()
    tab.get_by_role("link", name="second_reminder").click()
    expect(tab.locator("#preview")).to_contain_text("Votre facture INV-2")
    tab.get_by_role("link", name="Edit French").click()
    tab.get_by_label("Subject").fill("Encore la facture {{ record.number }}")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("#standing")).to_contain_text("says what it said before")
    own.worker.work()
    enter(own, tab.context, "mgr")
    tab.locator("#standing").get_by_role("link", name="Review version 2").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text(": version 2 of")
    expect(tab.get_by_role("main")).to_contain_text("Encore la facture")
    tab.get_by_role("button", name="Approve and activate").click()
    expect(tab.get_by_text("Approved: it is live now.")).to_be_visible()
    tab.goto("/templates/21")
    expect(tab.get_by_text("sends it")).to_be_visible()


def test_a_template_is_shown_for_the_record_that_is_chosen(tab: Page) -> None:
    tab.goto("/templates/21")
    tab.get_by_label("Record").select_option("INV-5")
    expect(tab.locator("#preview")).to_contain_text("Invoice INV-5 is still open")
    tab.get_by_label("Language").select_option("French")
    expect(tab.locator("#preview")).to_contain_text("Votre facture INV-5")


def test_a_held_mail_is_released_from_the_outbox(tab: Page, own: Installation) -> None:
    tab.goto("/outbox?state=held")
    rows = tab.locator("#outbox tbody tr")
    before = rows.count()
    assert before > 0
    rows.first.get_by_role("button", name="Send now").click()
    tab.get_by_role("dialog").get_by_role("button", name="Send now").click()
    expect(tab.get_by_text("It goes now")).to_be_visible()
    own.worker.work()
    tab.goto("/outbox?state=held")
    expect(rows).to_have_count(before - 1)
    tabs = tab.get_by_role("navigation", name="Mailbox")
    tabs.get_by_role("link", name="Mailbox", exact=True).click()
    expect(tab.locator("#mails tbody tr").first).to_contain_text("INV-")


def test_waiting_steps_are_moved_and_moved_back(tab: Page) -> None:
    tab.goto("/planner")
    tab.get_by_role("link", name="Move times").click()
    tab.get_by_label("Or later or earlier by").fill("+2h")
    tab.get_by_role("button", name="Preview").click()
    expect(tab.get_by_text("Nothing is changed yet.")).to_be_visible()
    tab.get_by_role("button", name="Move").click()
    expect(tab.get_by_text("moved. It can be undone below.")).to_be_visible()
    tab.get_by_role("button", name="Undo").click()
    tab.get_by_role("dialog").get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("restored.")).to_be_visible()
    expect(tab.get_by_text("undone by Adele Minh")).to_be_visible()


def test_a_schedule_is_changed_and_only_what_fits_its_rhythm_is_asked(tab: Page) -> None:
    tab.goto("/planner/1")
    expect(tab.get_by_label("By cron")).to_be_hidden()
    tab.get_by_label("How often").select_option("Every month")
    tab.get_by_label("Every month: on these days").fill("last")
    tab.get_by_role("button", name="Send for review").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text(": version 2 of")


def test_somebody_chooses_how_to_be_told(tab: Page) -> None:
    tab.goto("/notices")
    tab.get_by_label("Daily digest").check()
    tab.get_by_label("Digest at").fill("07:30")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("Saved.")).to_be_visible()
    tab.reload()
    expect(tab.get_by_label("Daily digest")).to_be_checked()
    expect(tab.get_by_label("Digest at")).to_have_value("07:30")
    tab.get_by_role("button", name="Mark all as read").click()
    expect(tab.get_by_text("marked as read")).to_be_visible()


def test_a_reader_unsubscribes_by_one_click(tab: Page, own: Installation) -> None:
    with own.database.read() as tx:
        link = tx.links.unsubscribe("ana@acme.test")
    with tab.context.browser.new_context() as stranger:  # type: ignore[union-attr]  # a context that was opened has a browser
        page = stranger.new_page()
        page.goto(own.settings.address + "/unsubscribe/" + link.rpartition("/")[2])
        page.get_by_role("button", name="Unsubscribe").click()
        expect(page.get_by_text("You get no more automatic mail")).to_be_visible()
    tab.goto("/outbox/blocked")
    expect(tab.get_by_role("cell", name="ana@acme.test", exact=True)).to_be_visible()
