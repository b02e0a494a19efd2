"""Filters do what their words and examples say, in the reader's language and zone."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.filters import FILTERS, SAMPLE, Filter
from engine.text import TextProblem, parse

PARIS = ZoneInfo("Europe/Paris")
NINE_IN_PARIS = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
ITEMS = [
    {"number": "B", "balance": Decimal("100.00"), "due": date(2026, 3, 2), "cur": "EUR"},
    {"number": "a", "balance": None, "due": None, "cur": "USD"},
    {"number": "C", "balance": Decimal("40.00"), "due": date(2026, 3, 1), "cur": "USD"},
]


def text(source: str, language: str = "en", **data: object) -> str:
    return parse(source).render(data, language=language, timezone=PARIS).text


@pytest.mark.parametrize("known", FILTERS.values(), ids=FILTERS)
def test_every_filter_does_what_its_example_says(known: Filter) -> None:
    source, expected = known.example.split(" -> ", 1)
    assert parse(source).render(SAMPLE).text == expected
    assert f"|{known.name}" in source or known.name in ("d", "e")
    assert known.words.endswith(".")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "4,200.50"),
        ("fr", "4\u202f200,50"),
        ("fr-FR", "4\u202f200,50"),
        ("de", "4.200,50"),
        ("es", "4.200,50"),
        ("it", "4.200,50"),
        ("nl", "4.200,50"),
        ("pt_BR", "4.200,50"),
        ("tlh", "4,200.50"),
        ("../../etc", "4,200.50"),
        ("", "4,200.50"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(language: str, expected: str) -> None:
    assert text("{{ 4200.5|number }}", language) == expected


@pytest.mark.parametrize(
    ("source", "language", "expected"),
    [
        ("{{ 17|number }}", "en", "17"),
        ("{{ 1234567|number }}", "de", "1.234.567"),
        ("{{ 2.5|number(0) }}", "en", "3"),
        ("{{ 2.345|number(digits=2) }}", "en", "2.35"),
        ("{{ 4200.5|money('EUR') }}", "fr", "4\u202f200,50\xa0€"),
        ("{{ 4200.5|money('eur') }}", "de", "4.200,50\xa0€"),
        ("{{ 4200.5|money('JPY') }}", "en", "¥4,201"),
        ("{{ -3|money('USD') }}", "en", "-$3.00"),
        ("{{ 4200.5|money }}", "en", "4,200.50"),
        ("{{ 4200.5|money(nothing) }}", "en", "4,200.50"),
    ],
)
def test_amounts_are_rounded_half_up(source: str, language: str, expected: str) -> None:
    assert text(source, language) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ 0.1|add(0.2) }}", "0.3"),
        ("{{ 1000.00|mul(2) }}", "2000.0"),
        ("{{ 10|div(3) }}", "3.3333333333"),
        ("{{ 1|div(365)|mul(10000)|round(2) }}", "27.40"),
        ("{{ -7|intdiv(2) }}", "-4"),
        ("{{ -7|mod(2) }}", "1"),
        ("{{ '12.50'|add(1) }}", "13.50"),
        ("{{ -0.4|round }} {{ '-0.4'|round }}", "0 0"),
        ("{{ 17 - 13 + 1 }}", "5"),
        ("{{ -(-3) }}", "3"),
        ("{{ 5|add(nothing) }}", ""),
        ("{{ nothing|add(5) }}", ""),
        ("{{ nothing + 5 }}{{ 5 - nothing }}", ""),
        ("{{ true|json }} {{ 4|int }}", "true 4"),
    ],
)
def test_sums_are_exact(source: str, expected: str) -> None:
    assert text(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ 1|div(0) }}", "`div`: This divides by zero."),
        ("{{ 1|mod(0) }}", "`mod`: This divides by zero."),
        ("{{ 1|intdiv(0) }}", "`intdiv`: This divides by zero."),
        ("{{ 'abc'|add(1) }}", "`add`: “abc” is not a number."),
        ("{{ true|add(1) }}", "`add`: “yes” is not a number."),
        ("{{ 'NaN'|abs }}", "`abs`: “NaN” is not a number."),
        ("{{ items|add(1) }}", "`add`: A list is not a number."),
        ("{{ 1|round(99) }}", "`round`: “99” cannot be used here."),
        ("{{ 1|money('euros') }}", "`money`: “euros” is not a currency."),
        ("{{ 'soon'|date }}", "`date`: “soon” is not a date."),
        ("{{ today|date('dd/MM/YYYY') }}", "`date`: “dd/MM/YYYY” is not a date format."),
        ("{{ today|date('%Q') }}", "`date`: “%Q” is not part of a date."),
        ("{{ today|date('HH', 'Mars/Base') }}", "`date`: “Mars/Base” is not a time zone."),
        ("{{ today|date('HH', '../../etc/passwd') }}", None),
        ("{{ today|add_days(1.5) }}", "`add_days`: “1.5” cannot be used here."),
        ("{{ '9999-12-31'|add_days(1) }}", "`add_days`: That date is outside the calendar."),
        ("{{ '9999-12-31'|add_months(1) }}", "`add_months`: That date is outside the calendar."),
        ("{{ 'abc'|join }}", "`join`: “abc” is not a list."),
        ("{{ ['a', 1]|sort }}", "`sort`: These items cannot be put in order."),
        ("{{ 'javascript:alert(1)'|link }}", "`link`: “javascript:alert(1)” cannot be a link."),
        ("{{ ' java\tscript:x'|link }}", None),
        ("{{ 'https:evil'|link }}", None),
        ("{{ 'https:///evil'|link }}", None),
        ("{{ 'data:text/html,x'|link }}", None),
        ("{{ items|upper }}", "`upper`: This is a whole record, not a value."),
    ],
)
def test_what_a_filter_cannot_do_is_told(source: str, message: str | None) -> None:
    with pytest.raises(TextProblem) as caught:
        text(source, items=ITEMS, today=date(2026, 3, 10))
    assert message is None or caught.value.message == message


def test_a_number_cannot_grow_without_end() -> None:
    with pytest.raises(TextProblem, match="too large a number"):
        text("{{ 9000000000000000" + "|mul(9000000000000000)" * 3 + " }}")


@pytest.mark.parametrize(
    ("source", "language", "expected"),
    [
        ("{{ now() | date('dd/MM/yyyy') }}", "en", "10/03/2026"),
        ("{{ now|date('%d/%m/%Y %H:%M') }}", "en", "10/03/2026 09:00"),
        ("{{ now|date('HH:mm', 'America/New_York') }}", "en", "04:00"),
        ("{{ now|date('%-d de %B 100%%') }}", "es", "10 de marzo 100%"),
        ("{{ now|date('EEEE d MMMM yyyy') }}", "fr", "mardi 10 mars 2026"),
        ("{{ now|date(\"h 'o''clock' a\") }}", "en", "9 o'clock AM"),
        ("{{ now|date }}", "en", "Mar 10, 2026"),
        ("{{ now|date('long') }}", "de", "10. März 2026"),
        ("{{ today|date('d.M.yy HH:mm') }}", "de", "10.3.26 00:00"),
        ("{{ '2026-03-10T08:00:00Z'|date('HH:mm') }}", "en", "09:00"),
        ("{{ '2026-03-10T08:00:00'|date('HH:mm') }}", "en", "08:00"),
        ("{{ '2026-03-10'|date('dd/MM') }}", "en", "10/03"),
        ("{{ nothing|date('dd/MM') }}", "en", ""),
        ("{{ today|add_days(5) }}", "en", "2026-03-15"),
        ("{{ '2026-01-31'|add_months(1) }}", "en", "2026-02-28"),
        ("{{ '2028-02-29'|add_months(-12) }}", "en", "2027-02-28"),
        ("{{ '2026-12-31'|add_months(2) }}", "en", "2027-02-28"),
        ("{{ today|add_days(nothing) }}{{ today|add_months(nothing) }}", "en", ""),
        ("{{ '2026-03-28T12:00:00Z'|add_days(1)|date('HH:mm') }}", "en", "13:00"),
    ],
)
def test_dates_are_for_the_reader(source: str, language: str, expected: str) -> None:
    assert text(source, language, now=NINE_IN_PARIS, today=date(2026, 3, 10)) == expected


def test_a_moment_of_another_zone_is_shown_in_the_readers() -> None:
    moment = datetime(2026, 3, 10, 8, 0, tzinfo=timezone(timedelta(hours=-3)))
    assert text("{{ now|date('HH:mm z') }}", now=moment) == "12:00 +0100"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ items|sort('due')|join(' ', 'number') }}", "C B a"),
        ("{{ items|sort(attribute='due', reverse=true)|join(' ', 'number') }}", "B C a"),
        ("{{ items|sort('number')|join(' ', 'number') }}", "a B C"),
        ("{{ ['b', 'A']|sort }}", "A, b"),
        ("{{ items|sum('balance') }} {{ items|sum(attribute='balance') }}", "140.00 140.00"),
        ("{{ items|where('cur', 'USD')|length }}", "2"),
        ("{{ items|where('cur', 'USD')|sum('balance')|money('USD') }}", "$40.00"),
        ("{{ items|where('due', nothing)|join('', 'number') }}", "a"),
        ("{{ items|where('owner.name', 'Al')|length }}", "0"),
        ("{{ (items|last).number }} {{ (items|sort('number')|first).number }}", "C a"),
        ("{{ []|first }}{{ []|last }}{{ []|sum }}", "0"),
        ("{{ [1, 2]|sum }}", "3"),
    ],
)
def test_lists_are_ordered_chosen_and_added_up(source: str, expected: str) -> None:
    assert text(source, items=ITEMS) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ nothing|d('x') }}{{ ''|d('y') }}{{ 0|d('z') }}{{ 0|d('z', true) }}", "xy0z"),
        ("{{ nothing|upper|default('none') }}", "none"),
        ("{{ 'élan-VITAL (ça)'|title }}", "Élan-Vital (Ça)"),
        ("{{ 'Straße'|upper }}", "STRASSE"),
        ("{{ 'abc'|truncate(3) }} {{ 'abcd'|truncate(3) }}", "abc ab…"),
        ("{{ 'abcd'|truncate(length=2, end='...') }}", "..."),
        ("{{ 'aXbX'|replace_text('X', '') }}{{ 'a'|replace_text('', 'b') }}", "aba"),
        ("{{ 'a &amp; <b>b</b> &lt;'|striptags }}", "a & b <"),
        ("{{ 'é/?&'|urlencode }}", "%C3%A9%2F%3F%26"),
        ("{{ 'mailto:a@b.example'|link }}", '<a href="mailto:a@b.example">mailto:a@b.example</a>'),
        (
            "{{ 'https://x.example/é \"q\"<s>?a=1&b=2%20'|link('Tom & \"Al\" <b>') }}",
            '<a href="https://x.example/%C3%A9%20%22q%22%3Cs%3E?a=1&amp;b=2%20">'
            "Tom &amp; &#34;Al&#34; &lt;b&gt;</a>",
        ),
        ("{{ '<p onclick=x>a<img src=x></p>'|safe_html }}", "<p>a</p>"),
        (
            "{{ '<a href=\"javascript:x\">a</a>'|safe_html }}",
            '<a rel="noopener noreferrer">a</a>',
        ),
        ("{{ nothing|json }} {{ 'a\"\\n'|json }} {{ 1.50|json }}", 'null "a\\"\\n" 1.5'),
        (
            "{{ items|first|json }}",
            '{"number": "B", "balance": 100.00, "due": "2026-03-02", "cur": "EUR"}',
        ),
        ("{{ [now, [true]]|json }}", '["2026-03-10T08:00:00+00:00", [true]]'),
    ],
)
def test_words_are_shaped(source: str, expected: str) -> None:
    assert text(source, items=ITEMS, now=NINE_IN_PARIS) == expected


@pytest.mark.parametrize(
    "source",
    [
        "{{ big|replace_text('a', big) }}",
        "{{ many|join(big) }}",
        "{{ many }}",
        "{{ big ~ big ~ big ~ big ~ big ~ big }}",
        "{{ many|json }}",
    ],
)
def test_a_text_cannot_grow_without_end(source: str) -> None:
    big = "a" * 200_000
    with pytest.raises(TextProblem, match=r"grows past 1,000,000 characters"):
        text(source, big=big, many=[big] * 6)


@pytest.mark.parametrize("name", ["safe_html", "striptags"])
def test_html_too_long_to_clean_in_time_is_refused(name: str) -> None:
    with pytest.raises(TextProblem, match="longer than 50,000"):
        text(f"{{{{ note|{name} }}}}", note="<ul><li>" * 10_000)
