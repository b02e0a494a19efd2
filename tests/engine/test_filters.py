"""Filters do what their words and examples say, in the reader's language and zone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.company.calendar import Calendar
from engine.templates import TextProblem, parse
from engine.templates.filters import AT, FILTERS, SAMPLE, Filter, Form, Setting

PARIS = ZoneInfo("Europe/Paris")
NINE_IN_PARIS = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
ITEMS = [
    {"number": "B", "balance": Decimal("100.00"), "due": date(2026, 3, 2), "cur": "EUR"},
    {"number": "a", "balance": None, "due": None, "cur": "USD"},
    {"number": "C", "balance": Decimal("40.00"), "due": date(2026, 3, 1), "cur": "USD"},
]


def text(source: str, language: str = "en", form: Form = "text", **data: object) -> str:
    calendar = Calendar.of(PARIS, extra_holidays=[date(2026, 4, 6)])
    setting = Setting(language, PARIS, NINE_IN_PARIS, calendar, form)
    return parse(source).render(data, setting).text


@pytest.mark.parametrize("known", FILTERS.values(), ids=FILTERS)
def test_every_filter_does_what_its_example_says(known: Filter) -> None:
    source, expected = known.example.split(" -> ", 1)
    assert parse(source).render(SAMPLE, replace(AT, form=known.form)).text == expected
    alike = (name for name, each in FILTERS.items() if each.function is known.function)
    assert any(f"|{name}" in source for name in alike)
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
        (
            "{{ '2026-01-31'|add_months(1) }} {{ '2026-03-31'|sub_months(1) }}",
            "2026-02-28 2026-02-28",
        ),
        (
            "{{ '2026-04-03'|add_working_days(1) }} {{ '2026-04-07'|add_working_days(-1) }}",
            "2026-04-07 2026-04-03",
        ),
        ("{{ '2026-03-07'|add_working_days(0) }}", "2026-03-09"),
        ("{{ '2026-04-02'|working_days_between('2026-04-08') }}", "3"),
        ("{{ '2026-04-08'|working_days_between('2026-04-02') }}", "-3"),
        ("{{ '2026-03-01'|days_between(today) }} {{ today|days_between('2026-03-01') }}", "9 -9"),
        ("{{ '2026-03-28T12:00:00'|add_hours(24)|date('HH:mm') }}", "13:00"),
        ("{{ '2026-03-28T12:00:00'|hours_between('2026-03-29T12:00:00') }}", "23"),
        ("{{ '2026-03-10'|add_hours(1.5)|date('HH:mm') }}", "01:30"),
        ("{{ '23:30'|add_time(45) }} {{ '0:15'|sub_time(30) }}", "00:15 23:45"),
        ("{{ time_diff('2026-03-10T09:00:00', '2026-03-10T08:59:00') }}", "60"),
        ("{{ '2026-03-09T23:59:00'|time_diffdays }} {{ '2026-03-10'|time_diffdays }}", "1 0"),
        ("{{ 'yesterday'|get_date }} {{ now|get_date }}", "2026-03-09 2026-03-10"),
        (
            "{{ now|get_date('hour') }} {{ now|get_date('week') }} {{ now|get_date('quarter') }}",
            "9 11 1",
        ),
        ("{{ nothing|add_hours(1) }}{{ now|add_hours(nothing) }}{{ today|sub_days(nothing) }}", ""),
        ("{{ now|timezone('Asia/Tokyo') }}", "2026-03-10T17:00:00+09:00"),
        ("{{ now|timezone('Asia/Tokyo')|add_days(1)|date('d MMMM HH:mm') }}", "11 March 17:00"),
        ("{{ today|timezone('America/New_York')|date('d HH:mm') }}", "10 00:00"),
        ("{{ now|timezone('Asia/Tokyo') == now }}", "yes"),
    ],
)
def test_dates_are_reckoned_with(source: str, expected: str) -> None:
    assert text(source, now=NINE_IN_PARIS, today=date(2026, 3, 10)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ due|date('dd/MM/yyyy', 'America/New_York') }}", "10/12/2026"),
        ("{{ due|date('dd/MM/yyyy', 'Pacific/Kiritimati') }}", "10/12/2026"),
        ("{{ '2026-12-10'|timezone('America/New_York')|date('yyyy-MM-dd') }}", "2026-12-10"),
        ("{{ due|timezone('America/New_York')|add_days(1) }}", "2026-12-11"),
        # A time without a zone is one on the company's clocks, and has another hour elsewhere.
        ("{{ '2026-12-10 01:00'|date('dd HH:mm', 'America/New_York') }}", "09 19:00"),
        ("{{ '2026-03-29 02:30'|date('HH:mm') }}", "03:00"),
        ("{{ '2026-10-25 02:30'|date('HH:mm', 'UTC') }}", "00:30"),
    ],
)
def test_T23_a_day_is_the_same_day_in_every_zone(source: str, expected: str) -> None:
    assert text(source, due=date(2026, 12, 10)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ 3|max(5) }} {{ 3|min(5) }} {{ [2, 9, 4]|max }} {{ 5|max(nothing) }}", "5 3 9 5"),
        ("{{ items|max('due') }} {{ items|min('balance') }}", "2026-03-02 40.00"),
        ("{{ []|max }}{{ []|average }}", ""),
        ("{{ items|average('balance') }}", "70.00"),
        ("{{ 2 ** 10 }} {{ 16 ** 0.5 }} {{ 2 ** -1 }} {{ 1.05|power(3) }}", "1024 4 0.5 1.157625"),
        ("{{ 7 // 2 }} {{ 7 % 2 }} {{ 7 / 2 }} {{ 2 * 3 - 1 }}", "3 1 3.5 5"),
        ("{{ items|totals('balance', 'cur') }}", "EUR: 100.00, USD: 40.00"),
        (
            "{% for t in items|totals('balance', 'cur') %}{{ t.name }} {{ t.count }} {% endfor %}",
            "EUR 1 USD 2 ",
        ),
        ("{{ concat('a', nothing, 1, ' ', true) }}", "a1 yes"),
        ("{{ coalesce(nothing, '', 0, 1) }} {{ nothing|if_else('a') }}!", "0 !"),
        ("{{ items|overdue(9)|join(' ', 'number') }}", ""),
    ],
)
def test_values_are_compared_and_put_together(source: str, expected: str) -> None:
    assert text(source, items=ITEMS, now=NINE_IN_PARIS) == expected


def test_amounts_in_several_currencies_are_not_added_up() -> None:
    owed = [{"balance": 100, "currency": "EUR"}, {"balance": 40, "currency": "USD"}]
    with pytest.raises(TextProblem, match="Amounts in EUR and USD do not add up"):
        text("{{ owed|sum('balance') }}", owed=owed)
    assert text("{{ owed|totals('balance') }}", "fr", owed=owed) == "100,00\xa0€, 40,00\xa0$US"


OWED = [
    {"number": "A<1>", "due_date": date(2026, 2, 8), "balance": Decimal("1000"), "currency": "EUR"},
    {"number": "B", "due_date": None, "balance": Decimal("5"), "currency": "EUR"},
]


def test_a_table_is_for_the_form_it_stands_in() -> None:
    source = "{{ owed|table('number', 'due_date', 'balance=À payer') }}"
    assert text(source, "fr", owed=OWED) == (
        "Numéro  Échéance         À payer\n"
        "A<1>    8 févr. 2026  1\u202f000,00\xa0€\n"
        "B                         5,00\xa0€"
    )
    html = text(source, "fr", "html", owed=OWED)
    assert html.startswith('<table><thead><tr><th align="left"')
    assert "A&lt;1&gt;</td>" in html
    assert html.count("<tr>") == 3


def test_a_list_is_for_the_form_it_stands_in() -> None:
    source = "{{ owed|listed('number', 'balance') }}"
    assert text(source, owed=OWED) == "- A<1>, €1,000.00\n- B, €5.00"
    html = "<ul><li>A&lt;1&gt;, €1,000.00</li><li>B, €5.00</li></ul>"
    assert text(source, form="html", owed=OWED) == html
    assert text("{{ tags|listed }}", tags=["a", "b"]) == "- a\n- b"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "{{ url|link('Pay', for='a&b', empty=nothing) }}",
            "Pay: https://x.example/?a=1&for=a%26b",
        ),
        ("{{ url|link }}", "https://x.example/?a=1"),
        ("{{ 0.5|percent }} {{ 1.005|percent(1) }}", "50% 100.5%"),
        ("{{ 'total'|heading }} {{ 'promised_for'|heading }}", "Total Promised for"),
    ],
)
def test_links_and_words_in_plain_text(source: str, expected: str) -> None:
    assert text(source, url="https://x.example/?a=1") == expected


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
    found = text(
        source, form="html" if "</" in expected else "text", items=ITEMS, now=NINE_IN_PARIS
    )
    assert found == expected


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
