"""The page on which a person decides: texts where they are told, and what would come of them."""

import re
from typing import Any

from engine.installation import Installation
from tests.server.proposing import mail, on_invoices, proposed, read
from tests.stages.demo.showroom import browser_of


def source(installation: Installation, document: dict[str, Any]) -> str:
    """The page of its review, as HTML."""
    review = proposed(installation, document)
    return browser_of(installation, "admin").get(f"/reviews/{review}").text


def page(installation: Installation, document: dict[str, Any]) -> str:
    """The page of its review, as it is read."""
    return read(browser_of(installation, "admin"), proposed(installation, document))


def test_a_mail_without_html_is_shown_as_text(installation: Installation) -> None:
    shown = source(installation, on_invoices(mail(body="Dear A & B,\n\nplease pay.")))
    assert "<pre>Dear A &amp; B,\n\nplease pay.</pre>" in shown
    assert "<iframe" not in shown


def test_a_mail_with_html_is_framed_at_its_height_and_its_words_stand_below(
    installation: Installation,
) -> None:
    lines = "".join(f"<p>Line {number} &amp; more</p>" for number in range(9))
    short = source(installation, on_invoices(mail(body="", html="<p>Please pay.</p>")))
    tall = source(installation, on_invoices(mail(body="", html=lines)))
    frames = [re.findall('<iframe sandbox [^>]*height="([0-9]+)"', each) for each in (short, tall)]
    assert int(frames[0][0]) < int(frames[1][0])
    assert "loading=" not in tall
    assert "<pre>Line 0 &amp; more\nLine 1 &amp; more\n" in tall


def test_a_dry_run_says_what_came_of_it_and_is_green_only_if_all_was_done(
    installation: Installation,
) -> None:
    shown = source(installation, on_invoices(mail()))
    badges = re.findall(r'<span class="tag (\w*)"><svg.*?</svg>(.*?)</span>', shown)
    said = {word: tone for tone, word in badges}
    assert said["1 mail"] == "ok"
    assert said["Not sent: pay@delta.test has opted out of e-mail"] == "warn"
    assert said["Not sent now: chasing is paused for INV-10"] == "warn"
    fails = [word for word in said if word.startswith("Fails: no recipient for INV-6")]
    assert [said[word] for word in fails] == ["bad"]
    assert shown.count("5 tried: 2 mails, 1 fails, 2 not sent") == 2


def test_what_no_record_leads_to_is_told_as_supposed_and_counted_apart(
    installation: Installation,
) -> None:
    never = {"field": "total", "op": "greater_than", "value": 9_000_000}
    shown = page(installation, on_invoices(mail(), conditions=never))
    assert "Supposed: 1 mail" in shown
    assert "No record comes to “Send the mail" in shown
    assert "1 tried: 1 does not match; 1 more as if it matched or led there" in shown
    assert "As if it matched" not in shown


def test_of_dry_runs_that_go_one_way_with_one_text_the_first_is_open(
    installation: Installation,
) -> None:
    shown = source(installation, on_invoices(mail()))
    stand_open = re.findall(
        r'<details class="fold" open><summary>[^\n]*<b class="nowrap">(.*?)</b>', shown
    )
    assert "INV-1" in stand_open
    assert "INV-5" not in stand_open


def test_checks_stand_by_their_gravity_each_once_and_lead_to_what_they_are_about(
    installation: Installation,
) -> None:
    shown = source(installation, on_invoices(mail()))
    checks = re.findall(r'<li class="check (\w+)">.*?<div>(.*?)</div>', shown, re.DOTALL)
    tones = [tone for tone, _ in checks]
    assert tones == sorted(tones, key=["bad", "warn", "info", "ok"].index)
    assert "which is active, writes to 9 accounts" in checks[0][1]
    assert 'href="/workflows/1">Look at it</a>' in checks[0][1]
    notes = [text for tone, text in checks if tone == "info"]
    assert notes[0].startswith("It does not say why it exists.")
    source(installation, on_invoices(mail()))
    twice = source(installation, on_invoices(mail()))
    assert twice.count("which waits for review, does all of this already.") == 1


def test_a_dry_run_in_which_all_fail_is_a_problem(installation: Installation) -> None:
    nobody = {"field": "number", "op": "equals", "value": "INV-6"}
    shown = page(installation, on_invoices(mail(), conditions=nobody))
    assert "Problem: Dry run: " in shown


def test_the_title_tells_the_number_of_the_review(installation: Installation) -> None:
    review = proposed(installation, on_invoices(mail()))
    shown = browser_of(installation, "admin").get(f"/reviews/{review}").text
    assert f"<h1>Review {review}: version 1 of “Invoices - Friendly reminder”</h1>" in shown


def test_above_approve_stands_in_numbers_what_is_decided_on(installation: Installation) -> None:
    shown = page(installation, on_invoices(mail()))
    at_stake = "27 mails about 30 invoices of 16 customers as of now, first on Wed 11 Mar 2026"
    assert at_stake in shown
    saved = on_invoices(mail(), trigger={"type": "record_saved"})
    assert "customers would fit; it starts with changes from now on." in page(installation, saved)
    none = on_invoices(mail(), conditions={"field": "total", "op": "less_than", "value": -1})
    assert "No invoices as of now, first on Wed 11 Mar 2026" in page(installation, none)


def test_what_must_be_ticked_closes_the_button_until_it_is(installation: Installation) -> None:
    call = {"id": "call", "type": "webhook", "url": "https://hooks.x.test/in"}
    assert "Tick all of the above to approve." in page(installation, on_invoices(call))
    assert "Tick all of the above" not in page(installation, on_invoices(mail()))
