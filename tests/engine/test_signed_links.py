"""Links that need no sign-in are good until they end, and for what they were made alone."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.records.signed_links import Claim, Links

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
LINKS = Links("https://sayso.test", b"a key")


def test_a_statement_link_is_good_until_it_ends() -> None:
    until = NOW + timedelta(days=30)
    token = LINKS.statement(7, until).removeprefix("https://sayso.test/statements/")
    assert LINKS.read(token, NOW) == Claim("statement", "7", until)
    assert LINKS.read(token, until) is None


def test_an_unsubscribe_link_never_ends() -> None:
    token = LINKS.unsubscribe("ana@acme.test").rpartition("/")[2]
    later = NOW + timedelta(days=9999)
    assert LINKS.read(token, later) == Claim("unsubscribe", "ana@acme.test", None)


@pytest.mark.parametrize("spoiled", ["", "a", "a.b", ".", "%.%", "á.é"])
def test_what_is_no_token_of_ours_stands_for_nothing(spoiled: str) -> None:
    assert LINKS.read(spoiled, NOW) is None


def test_a_token_that_somebody_changed_or_signed_with_another_key_is_refused() -> None:
    token = LINKS.sign("statement", "7")
    body, _, signature = token.partition(".")
    other = LINKS.sign("statement", "8").partition(".")[0]
    assert LINKS.read(f"{other}.{signature}", NOW) is None
    assert LINKS.read(Links("", b"other").sign("statement", "7"), NOW) is None
    assert LINKS.read(f"{body}.{signature}", NOW) == Claim("statement", "7", None)
