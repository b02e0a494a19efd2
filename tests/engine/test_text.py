"""Templates print plain data, keep types, say what they read, and can neither run nor last."""

import enum
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from engine.templates import Rendered, Setting, TextProblem, parse, plain

RECORD: dict[str, object] = {
    "number": "INV-1",
    "total": Decimal("1000.00"),
    "sent": True,
    "due": date(2026, 3, 10),
    "at": datetime(2026, 3, 10, 8, 0, 0, 5, tzinfo=UTC),
    "opens": time(9, 30),
    "tags": ["a", "b"],
    "note": None,
    "account": {"name": "Zoë & <Sons>", "email": None},
    "lines": [{"what": "Desk", "total": 5}, {"what": "Lamp", "total": None}],
    "nested": [{"lines": [1, 2]}, {"lines": [3]}],
}
HTML = Setting(form="html")
DATA = {
    "record": RECORD,
    "now": datetime(2026, 3, 10, 8, 0, tzinfo=UTC),
    "today": date(2026, 3, 10),
    "$invoice-total$": 70,
}


def problem(source: str, data: dict[str, object] | None = None) -> TextProblem:
    with pytest.raises(TextProblem) as caught:
        parse(source).render(data or {})
    return caught.value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Dear {{ record.account.name }},\r\n\n", "Dear Zoë & <Sons>,\n\n"),
        ("{{ record.total }} {{ record.sent }} {{ record.due }}", "1000.00 yes 2026-03-10"),
        ("{{ record.at }} {{ record.opens }}", "2026-03-10T09:00:00+01:00 09:30"),
        ("{{ record.tags }} {{ record.tags.1 }} {{ record['number'] }}", "a, b b INV-1"),
        ("{{ 1e3 }} {{ 0.5 }} {{ 'x' ~ 1 ~ true }} {{ 1, 'b' }}", "1000.0 0.5 x1yes 1, b"),
        ("{% for l in record.lines %}{{ loop.index }}{{ l.what }} {% endfor %}", "1Desk 2Lamp "),
        (
            "{% for l in record.lines if l.total %}{{ l.what }}{{ loop.last }}{% endfor %}",
            "Deskyes",
        ),
        ("{% for x in record.none %}{{ x }}{% else %}No lines{% endfor %}", "No lines"),
        (
            "{% for n in record.nested %}{% for i in n.lines %}{{ i }}{% endfor %};{% endfor %}",
            "12;3;",
        ),
        ("{% for l in record.lines|sort('what', true) %}{{ l.what }} {% endfor %}", "Lamp Desk "),
        ("{% if record.total > 10 and not record.note %}big{% else %}small{% endif %}", "big"),
        ("{% if record.note %}a{% elif record.sent %}b{% else %}c{% endif %}", "b"),
        ("{{ 'yes' if 'a' in record.tags and 'z' not in record.tags else 'no' }}", "yes"),
        ("{{ 'x' if record.note }}{{ record.note or 'there' }}", "there"),
        ("{% if record.note == none and record.note is not defined %}empty{% endif %}", "empty"),
        ("{% if record.note < 5 or record.note > 5 %}no{% endif %}", ""),
        ("{% if record.note != 'fr' %}default{% endif %}", "default"),
        ("{% if 1 < record.lines.0.total <= 5 %}in{% endif %}", "in"),
        ("{% if record.at >= today and record.due == '2026-03-10' %}today{% endif %}", "today"),
        ("{% if record.lines|length is even and 3 is odd %}even{% endif %}", "even"),
        ("{# a comment #}{% raw %}{{ kept }}{% endraw %}", "{{ kept }}"),
        ("It costs $5, or US$, or 5$-a$b", "It costs $5, or US$, or 5$-a$b"),
        ("{{ record.opens.hour }}{{ record.number.upper }}{{ record.tags.9 }}", ""),
    ],
)
def test_a_template_prints_its_data(source: str, expected: str) -> None:
    template = parse(source)
    assert template.render(DATA, Setting(timezone=ZoneInfo("Europe/Paris"))).text == expected
    assert template.source == source


def test_an_empty_field_leaves_a_gap_that_is_told() -> None:
    source = (
        "Dear {{ record.note|upper }}{{ record.account.email ~ '' }}{{ nobody.there }}"
        "{% for l in record.lines %}{{ l.total }}{% endfor %}{{ record.note }}"
        "{{ record.total|add(record.discount) }}"
    )
    gaps = ("record.note", "record.account.email", "nobody.there", "record.lines.*.total")
    assert parse(source).render(DATA) == Rendered("Dear 5", (*gaps, "record.discount"))


def test_an_empty_field_that_was_thought_of_is_no_gap() -> None:
    source = (
        "{{ record.note|default('friend') }}{% if record.note %}{{ record.note }}{% endif %}"
        "{{ record.note or '!' }}{{ record.note|json }}"
    )
    assert parse(source).render(DATA) == Rendered("friend!null")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ record.total }}", Decimal("1000.00")),
        (" {{ record.due }}\n", date(2026, 3, 10)),
        ("{{ record.at }}", RECORD["at"]),
        ("{{ record.tags }}", ["a", "b"]),
        ("{{ record.account }}", {"name": "Zoë & <Sons>", "email": None}),
        ("{{ record.note }}", None),
        ("{{ record.nothing.at_all }}", None),
        ("{{ record.note|upper }}", None),
        ("{{ record.note|default(record.total) }}", Decimal("1000.00")),
        ("{{ record.total|mul(0.1) }}", Decimal("100.000")),
        ("{{ record.total > 5 }}", True),
        ("{{ (record.number, 2) }}", ["INV-1", 2]),
        ("{{ today|add_days(1) }}", date(2026, 3, 11)),
        ("$invoice-total$", 70),
        ("{{ record.total * 2 }}", Decimal("2000.00")),
        ("{{ add_days(record.due, 3) }}", date(2026, 3, 13)),
        ("{{ add_days(3) }}", date(2026, 3, 13)),
        ("{{ '12' }}", "12"),
        ("{{ '[1, 2]' }}", "[1, 2]"),
        ("{{ record.total }} EUR", "1000.00 EUR"),
        ("{{ record.total }}{{ record.number }}", "1000.00INV-1"),
        ("17", "17"),
        ("", ""),
    ],
)
def test_one_expression_keeps_the_type_of_its_value(source: str, expected: object) -> None:
    found = parse(source).value(DATA).value
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        (
            "{{ record.account.email }} {{ steps.ask.answer }}",
            "record.account.email steps.ask.answer",
        ),
        ("{% for i in records %}{{ i.balance }}{% endfor %}", "records records.*.balance"),
        ("{% for i in record.tags %}{{ i }}{{ loop.index }}{% endfor %}", "record.tags"),
        ("{{ record.lines.0.total }}", "record.lines.*.total"),
        ("{{ record['account']['name'] }}", "record.account.name"),
        ("{{ (records|sort('due')|first).name }}", "records records.*.due records.*.name"),
        ("{{ records|sum(attribute='balance') }}", "records records.*.balance"),
        ("{{ records|join(', ', 'account.name') }}", "records records.*.account.name"),
        (
            "{% for i in records|where('a', x.y) %}{{ i.b }}{% endfor %}",
            "records records.*.a records.*.b x.y",
        ),
        (
            "{% for i in a %}{% for l in i.lines %}{{ l.total + i.fee }}{% endfor %}{% endfor %}",
            "a a.*.lines a.*.lines.*.total a.*.fee",
        ),
        ("{% for i in a %}{% else %}{{ i.x }}{% endfor %}{{ i.y }}", "a i.x i.y"),
        (
            "{% for i in a if i.open %}{{ 'x' if i.p is defined else q.r }}{% endfor %}",
            "a a.*.open a.*.p q.r",
        ),
        ("{% if a.b and c[0] == d %}{{ [e, -f] }}{% elif g %}{% endif %}", "a.b c.* d e f g"),
        ("{{ now() | date('HH') }} {{ today()|add_days(n) }} {{ now }}", "n now today"),
        (
            "{{ i|totals('balance') }}{% for t in a|totals('b', by='c') %}{{ t.sum }}{% endfor %}",
            "i i.*.balance i.*.currency a a.*.b a.*.c",
        ),
        (
            "{{ a|table('b', 'c.d=E') }}{{ a|overdue(3) }}",
            "a a.*.b a.*.c.d a.*.due_date a.*.balance",
        ),
        (
            "{{ customer|overdue(45) }}",
            "customer customer.invoices.*.due_date customer.invoices.*.balance",
        ),
        (
            "{{ statement.link }} {{ customer_portal.hyperlink }}",
            "statement.url customer_portal.url",
        ),
        ("{{ concat(a, b.c) }} {{ add_days(1) }}", "a b.c today"),
        ("Hello {{ 'you' }}", ""),
    ],
)
def test_a_template_says_what_it_reads(source: str, paths: str) -> None:
    assert parse(source).paths == set(paths.split())


def test_a_template_knows_whether_it_is_fixed_or_one_expression() -> None:
    kinds = {
        source: (parse(source).constant, parse(source).is_expression)
        for source in (
            "",
            "Hello",
            "{{ a }}",
            " {{ a|d(1) }} ",
            "{{ a }}!",
            "{% if a %}{% endif %}",
        )
    }
    assert kinds == {
        "": (True, False),
        "Hello": (True, False),
        "{{ a }}": (False, True),
        " {{ a|d(1) }} ": (False, True),
        "{{ a }}!": (False, False),
        "{% if a %}{% endif %}": (False, False),
    }


def test_values_are_escaped_in_html_and_only_there() -> None:
    source = "<p>{{ record.account.name }} {{ '<i>' }} {{ record.account.name|escape }}</p>"
    name = "Zoë &amp; &lt;Sons&gt;"
    assert parse(source).render(DATA, HTML).text == f"<p>{name} &lt;i&gt; {name}</p>"
    assert parse(source).render(DATA).text == f"<p>Zoë & <Sons> <i> {name}</p>"
    assert parse("{{ record.account.name }}").value(DATA, HTML).value == name


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ x|safe_html }}", "a<b>b</b>"),
        ("{{ x|safe_html ~ x }}", "a<b>b</b>a&lt;b&gt;b&lt;/b&gt;&lt;script&gt;&lt;/script&gt;"),
        ("{{ x|safe_html|upper }}", "A&lt;B&gt;B&lt;/B&gt;"),
        ("{{ 'https://a.example'|link(x|striptags) }}", '<a href="https://a.example">ab</a>'),
        ("{{ [x|striptags, '<'] }}", "ab, &lt;"),
    ],
)
def test_html_made_by_a_filter_stays_html_until_it_is_changed(source: str, expected: str) -> None:
    data = {"x": "a<b>b</b><script></script>"}
    assert parse(source).render(data, HTML).text == expected


def test_a_value_that_claims_to_be_safe_html_is_not_believed() -> None:
    data = {"x": Markup("<script>"), "y": [Markup("<b>")]}
    assert parse("{{ x }}{{ y }}").render(data, HTML).text == "&lt;script&gt;&lt;b&gt;"


@settings(max_examples=30)
@given(st.text())
def test_a_value_is_never_a_template(value: str) -> None:
    for nasty in (value, "{{ 7|mul(7) }}" + value, "{% for i in x %}$a-b$"):
        assert parse("{{ x }}").render({"x": nasty}).text == nasty
        assert parse("{{ x }}").value({"x": nasty}).value == nasty


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Dear $contacts-lastname$,", "Dear Ng,"),
        ("No. $invoice-invoice_no$$invoice-total$.", "No. 75.00."),
        ("Call $(account_id : (Accounts) phone), please", "Call 0123, please"),
        ("Dear $lastname, hello", "Dear Ng, hello"),
        ('<a href="/$Contacts-Invoice_No$">', '<a href="/7">'),
        ("{{ '$contacts-lastname$' }}", "$contacts-lastname$"),
        ("{{ object__name }}!", "Ng!"),
        ("$ contacts-lastname$ $(x) $5-off", "$ contacts-lastname$ $(x) $5-off"),
        ("US$x ?$top=5 &$skip=1", "US$x ?$top=5 &$skip=1"),
        ("At $(general : (__VtigerMeta__) time)", "At 08:00"),
    ],
)
def test_shortcodes_are_names_that_are_given_with_the_data(source: str, expected: str) -> None:
    data = {
        "$contacts-lastname$": "Ng",
        "$lastname": "Ng",
        "object__name": "Ng",
        "$invoice-invoice_no$": 7,
        "$Contacts-Invoice_No$": 7,
        "$invoice-total$": "5.00",
        "$(account_id : (Accounts) phone)": "0123",
        "now": DATA["now"],
    }
    assert parse(source).render(data).text == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("It is $status$.", "It is Open."),
        ("$status$$lastname$", "OpenNg"),
        ("$status$lastname", "Openlastname"),
        ("$status", "Open"),
        ("{{ $status$ }}", None),
    ],
)
def test_T24_a_dollar_that_closes_a_shortcode_is_not_printed(
    source: str, expected: str | None
) -> None:
    data = dict.fromkeys(("$status", "$status$"), "Open")
    data |= dict.fromkeys(("$lastname", "$lastname$"), "Ng")
    if expected is None:
        with pytest.raises(TextProblem):
            parse(source)
    else:
        assert parse(source).render(data).text == expected


def test_a_shortcode_of_an_empty_field_is_a_gap() -> None:
    template = parse("Call $(account_id : (Accounts) phone)")
    gap = ("$(account_id : (Accounts) phone)",)
    assert template.render({"$(account_id : (Accounts) phone)": None}) == Rendered("Call ", gap)


def test_a_value_that_is_empty_says_so() -> None:
    assert parse("{{ record.note|upper }}").value(DATA).missing == ("record.note",)
    assert parse("{{ record.note|default('x') }}").value(DATA).missing == ()


@pytest.mark.parametrize(
    ("source", "message", "remedy"),
    [
        (
            "{{ 17|sub:13 }}",
            "A filter's setting stands in brackets, not after a colon.",
            "Write `17|sub(13)`.",
        ),
        (
            "{{ a.b | date:'%d' }}",
            "A filter's setting stands in brackets, not after a colon.",
            "Write `a.b|date('%d')`.",
        ),
        (
            "{% with a as b %}{% endwith %}",
            "`{% with %}` is not available.",
            "Write the whole path each time, as `{{ record.account.name }}`.",
        ),
        (
            "{% with a = b %}{% endwith %}",
            "`{% with %}` is not available.",
            "Write the whole path each time, as `{{ record.account.name }}`.",
        ),
        (
            "{{ 1 / 0 }}",
            "This divides by zero.",
            "Guard it with `{% if %}`, or divide by another field.",
        ),
        ("{{ 'a' + 'b' }}", "“a” is not a number.", "To join texts, write `a ~ b`."),
        ("{{ add_day(a, 3) }}", "There is no function `add_day`.", "Did you mean `add_days`?"),
        (
            "{{ if a > 1 then 'b' else 'c' end }}",
            "A choice is written otherwise here.",
            "Write `{{ 'a' if record.x > 1 else 'b' }}`.",
        ),
        (
            "{% for t in a|totals('b') %}{{ t.total }}{% endfor %}",
            "A total has no `total`.",
            "It has: `name`, `sum`, `count`.",
        ),
        (
            "{% autoescape false %}{% endautoescape %}",
            "`{% autoescape %}` is not available.",
            "In HTML, write `|safe_html`.",
        ),
        ("{{ a|uper }}", "There is no filter `uper`.", "Did you mean `upper`?"),
        (
            "{{ a|safe }}",
            "There is no filter `safe`.",
            "Here it is `safe_html`: {{ invoice.note|safe_html }} -> <b>Paid</b>.",
        ),
        (
            "{{ a|floatformat }}",
            "There is no filter `floatformat`.",
            "Here it is `number`: {{ 4200.5|number }} -> 4,200.50.",
        ),
        ("{{ a is evn }}", "There is no test `evn`.", "Did you mean `even`?"),
        (
            "{{ a|upper(1) }}",
            "The filter `upper` is written `upper`.",
            "For example: {{ contact.first_name|upper }} -> ANA.",
        ),
        (
            "{{ a.strip() }}",
            "A template cannot call anything with `( )`.",
            "Write `|trim`: {{ '  Ana '|trim }} -> Ana.",
        ),
        ("{% if a %}", "`{% if %}` is never closed.", "Write `{% endif %}`."),
        ("{{ a", "`{{` or `{%` is never closed.", "Write `}}` or `%}`."),
        (
            "Hi\n\n{{ a b }}",
            "Line 3: `b` is not expected here.",
            "Between {{ and }} stands one field.",
        ),
        (
            "Hi\n{{ 1|div(0) }}",
            "Line 2: `div`: This divides by zero.",
            "Guard it with `{% if %}`, or divide by another field.",
        ),
        ("{% elseif a %}", "There is no such tag.", "Write `{% elif ... %}`."),
        (
            "{% for i in 'abc' %}{% endfor %}",
            "A loop goes over the items of one field.",
            "Write `{% for line in record.lines %}`.",
        ),
        (
            "{% for i in x %}{{ loop.idx }}{% endfor %}",
            "A loop has no `idx`.",
            "Known: `first`, `index`, `index0`, `last`, `length`, `revindex`, `revindex0`.",
        ),
        (
            "{{ 'a' < 1 }}",
            "These two values cannot be compared.",
            "Compare numbers with numbers, dates with dates.",
        ),
    ],
)
def test_a_problem_teaches(source: str, message: str, remedy: str) -> None:
    found = problem(source)
    assert (found.message, found.remedy) == (message, remedy)


ATTACKS = [
    "{{ record.delete() }}", "{{ ''.__class__ }}", "{{ x.__class__ }}", "{{ x['__class__'] }}",
    "{{ _x }}", "{{ x[y] }}", "{{ x[1:2] }}", "{{ x[-1] }}", "{{ (x ~ y).z }}", "{{ 'a'.b }}",
    "{{ cycler.__init__ }}", "{{ lipsum.__globals__ }}", "{{ lipsum(n=1) }}", "{{ caller() }}",
    "{{ now(1) }}", "{{ now().replace() }}", "{{ x.now() }}", "{{ now(*x) }}", "{{ x|attr('y') }}",
    "{{ '{0}'.format(1) }}", "{{ '%999999999d'|format(1) }}", "{{ 'a'.ljust(999999999) }}",
    "{{ 'a'|center(9999999) }}", "{{ 'a'|indent(100000) }}", "{{ +1 }}", "{{ upper(*x) }}",
    "{{ upper() }}", "{{ add_days() }}", "{{ x.upper() }}", "{{ (x.y)(1) }}", "{{ upper(x)(1) }}",
    "{{ x|map('upper') }}", "{{ x|where(*y) }}", "{{ x|number(setting=1) }}", "{{ x|upper(**y) }}",
    "{{ x is sameas y }}", "{{ x is defined(1) }}", "{{ {'a': 1} }}", "{{ x|number(2, 3) }}",
    "{% import 'os' as x %}", "{% from 'os' import x %}", "{% include '/etc/passwd' %}",
    "{% extends 'x' %}", "{% block a %}{% endblock %}", "{% macro a() %}{% endmacro %}",
    "{% call x() %}{% endcall %}", "{% do x %}", "{% set x = 1 %}", "{% set x %}{% endset %}",
    "{% filter upper %}{% endfilter %}", "{% autoescape false %}{% endautoescape %}",
    "{% for i in range(10) %}{% endfor %}", "{% for i in [1, 2] %}{% endfor %}",
    "{% for i in x recursive %}{% endfor %}", "{% for a, b in x %}{% endfor %}",
    "{% for loop in x %}{% endfor %}", "{% for _a in x %}{% endfor %}",
    "{% for i in x %}{{ loop }}{% endfor %}",
    "{% for i in x %}{% for j in loop %}{% endfor %}{% endfor %}",
    "{% for a in x %}{% for a in x %}{% for a in x %}{% endfor %}{% endfor %}{% endfor %}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "{{ " + "+".join(["1"] * 6000) + " }}",
    "{{ x" + ".y" * 4000 + " }}", "{{ x" + "|trim" * 4000 + " }}", "{{ " + "not " * 500 + "x }}",
    "{% if x %}" * 200 + "{% endif %}" * 200, "{{ x }}" * 6000, "a" * 100_001, "{{" * 40_000,
    "{{ " + "9" * 5000 + " }}", "{{ 1e999 }}", "{{ '\\ud800' }}", "{{ '\\0' }}",
    "{% raw %}{{ x }}",
]  # fmt: skip


@pytest.mark.parametrize("source", ATTACKS, ids=range(len(ATTACKS)))
def test_an_attack_is_refused_when_it_is_saved(source: str) -> None:
    with pytest.raises(TextProblem) as caught:
        parse(source)
    assert caught.value.message
    assert len(caught.value.message) < 300


BOMBS = [
    "{{ 'A' * 1000000000 }}", "{{ [0] * 100000000 }}", "{{ 9 ** 9 ** 9 }}", "{{ 9 ** 999 }}",
    "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 0 ** -1 }}", "{{ (-8) ** 0.5 }}", "{{ 'x' ** 2 }}",
    "{{ 1|power(1000000) }}", "{{ 10 ** 20 * 10 ** 20 }}",
]  # fmt: skip


@pytest.mark.parametrize("source", BOMBS)
def test_a_sum_that_would_never_end_is_refused_where_it_is_worked_out(source: str) -> None:
    with pytest.raises(TextProblem) as caught:
        parse(source).render({})
    assert caught.value.message


def test_a_loop_stops_at_a_thousand_rounds() -> None:
    source = "{% for i in x %}{{ loop.length }} {% endfor %}"
    assert parse(source).render({"x": list(range(5_000))}).text == "1000 " * 1_000


@pytest.mark.parametrize("body", ["print", "{% if i|upper|lower|title is none %}{% endif %}"])
def test_loops_in_loops_are_stopped(body: str) -> None:
    source = f"{{% for i in x %}}{{% for j in x %}}{body}{{% endfor %}}{{% endfor %}}"
    with pytest.raises(TextProblem, match=r"takes too long|grows past"):
        parse(source).render({"x": ["a"] * 5_000})


def test_a_gap_at_the_end_of_a_chain_is_told_by_its_whole_path() -> None:
    chain = "(" * 9 + "x" + "|first).y" * 9
    assert parse("{{ " + chain + " }}").render({"x": []}).missing == ("x" + ".*.y" * 9,)


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize("value", [object(), len, {1}, b"x", 1j, Rendered, float("nan"), 10**31])
def test_only_plain_data_enters(value: object) -> None:
    for data in ({"x": value}, {"x": {"y": [value]}}):
        with pytest.raises(TextProblem):
            parse("{{ x.z }}").render(data)
    assert parse("{{ z }}").render({"x": value, "z": 1}).text == "1"


def test_plain_data_is_copied_and_stripped_of_its_classes() -> None:
    found = plain({"a": (Colour.RED, 0.1, True, None), 2: {"b": time(9)}})
    assert found == {"a": ["red", Decimal("0.1"), True, None], "2": {"b": time(9)}}
    assert type(found["a"][0]) is str


def test_data_nested_without_end_is_refused() -> None:
    nested: list[object] = []
    nested.append(nested)
    assert problem("{{ x }}", {"x": nested}).message.endswith("is nested too deeply.")


def test_a_whole_record_is_not_printed_by_mistake() -> None:
    found = problem("Dear {{ record.account }}", DATA)
    assert (found.message, found.remedy) == (
        "This is a whole record, not a value.",
        "Name one of its fields, or write `|json`.",
    )


def test_a_moment_off_the_calendar_is_a_problem_of_its_line() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    with pytest.raises(TextProblem, match="cannot be worked out"):
        parse("{{ x }}").render({"x": first}, Setting(timezone=ZoneInfo("America/New_York")))


def test_the_same_source_is_read_once() -> None:
    assert parse("Hello {{ a }}") is parse("Hello {{ a }}")
