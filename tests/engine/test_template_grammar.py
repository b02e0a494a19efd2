"""Whatever the grammar of templates allows ends: in a text within bounds, or in a problem."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.templates import Setting, TextProblem, parse
from engine.templates.filters import FILTERS, MAX_TEXT, Form, Named, Unusable
from engine.templates.reading import TESTS
from engine.templates.writing import MAX_SECONDS

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
SCRIPT = "<script>steal('\"&')</script>\r\nBcc: x@evil.test"


def _invoice(number: int) -> Named:
    fields = {
        "number": f"INV-{number}", "balance": Decimal("10.50") * number, "currency": "EUR",
        "due_date": date(2026, 1, number % 28 + 1), "memo": SCRIPT * 20, "empty": None,
    }  # fmt: skip
    return Named(number, f"INV-{number} {SCRIPT}", fields)


DATA: dict[str, Any] = {
    "record": {
        "name": SCRIPT, "long": "é中 " * 60_000, "total": Decimal("1000.00"), "large": 10**30,
        "zero": 0, "less": Decimal("-0.01"), "due_date": date(2026, 2, 8), "at": NOW, "on": True,
        "first": date(1, 1, 1), "last": date(9999, 12, 31), "hour": time(9, 30), "tags": ["a", "b"],
        "link": "https://pay.test/?a=" + SCRIPT, "account": Named(1, SCRIPT, {"name": SCRIPT}),
        "mixed": Unusable("would add up EUR and USD.", "Write something else."),
    },
    "invoices": [_invoice(number) for number in range(1, 301)],
    "today": NOW.date(),
    "now": NOW,
}  # fmt: skip
PATHS = [
    *(f"record.{name}" for name in DATA["record"]),
    *("record.account.name", "record.nothing", "record", "invoices", "invoices.0.balance", "today"),
    *(
        "invoices.299.memo",
        "invoices.300.memo",
        "each",
        "each.balance",
        "each.memo",
        "other.number",
    ),
    *("now", "loop.index", "(invoices|first).number", "each.due_date", "nobody"),
]
CONSTANTS = [
    *("0", "1", "-1", "2.5", "3", "1000", "1e30", "0.0000000001", "true", "none", "'a'", "''"),
    *(
        "'balance'",
        "'number'",
        "'memo'",
        "'due_date=To pay'",
        "'currency'",
        "'EUR'",
        "'dd/MM/yyyy'",
    ),
    *("'Asia/Tokyo'", "'2026-03-10'", "'09:30'", "'long'", "'month'", "'<script>'", "'%'", "', '"),
]
CALCULATING = ("+", "-", "*", "/", "//", "%", "**", "~")
COMPARING = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or")

LEAVES = st.sampled_from(PATHS) | st.sampled_from(CONSTANTS)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    settings_given = st.lists(inner, max_size=3).map(", ".join)
    names = st.sampled_from(sorted(FILTERS))
    return st.one_of(
        st.builds("{}|{}".format, inner, names),
        st.builds("({})|{}({})".format, inner, names, settings_given),
        st.builds("{}({})".format, names, settings_given),
        st.builds("({} {} {})".format, inner, st.sampled_from(CALCULATING), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(COMPARING), inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} is {})".format, inner, st.sampled_from(sorted(TESTS))),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
    )


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=8)
LISTS = st.sampled_from(["invoices", "record.tags", "invoices|sort('memo')", "each.lines"])


def _bodies(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, EXPRESSIONS, inner, inner),
        st.builds("{{% for each in {} %}}{}{{% endfor %}}".format, LISTS, inner),
        st.builds("{{% for other in {} %}}{}{{% endfor %}}".format, LISTS, inner),
    )


TEXTS = EXPRESSIONS.map("{{{{ {} }}}}".format) | st.sampled_from(["Dear ", "$5 ", "\n", ""])
TEMPLATES = st.recursive(TEXTS, _bodies, max_leaves=4)


def written(source: str, form: Form) -> str | None:
    """The text, or None for a problem; whatever it is, it comes in time."""
    begun = monotonic()
    try:
        text = parse(source).render(DATA, Setting(now=NOW, form=form)).text
    except TextProblem:
        text = None
    assert monotonic() - begun < MAX_SECONDS + 3, source
    return text


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=TEMPLATES, form=st.sampled_from(["text", "html", "url", "json"]))
def test_any_template_ends_in_a_text_or_a_problem(source: str, form: Form) -> None:
    text = written(source, form)
    assert text is None or len(text) <= MAX_TEXT
    if text and form == "html":
        assert "<script" not in text.lower()


BOMBS = [
    "{{ [" + ", ".join(["record.long|upper"] * 600) + "]|length }}",
    "{{ [" + ", ".join(["record.long ~ 'x'"] * 600) + "]|length }}",
    "{% for each in invoices %}{{ [record.long|upper, record.long|lower]|length }}{% endfor %}",
    "{% for each in invoices %}{{ invoices|table('memo', 'memo')|length }}{% endfor %}",
    "{{ 10|power(29) * 10|power(29) }}",
    "{{ 9 ** 9 ** 9 ** 9 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ ['a'] * 1000000000 }}",
    "{{ record.long|replace_text(' ', record.long) }}",
    "{{ invoices|join(record.long) }}",
]


@pytest.mark.parametrize("source", BOMBS)
def test_what_would_fill_the_memory_is_refused(source: str) -> None:
    assert written(source, "text") is None


def test_loops_that_print_nothing_end_too() -> None:
    inner = "{% for other in invoices %}{% endfor %}"
    begun = monotonic()
    written("{% for each in invoices %}" + inner * 200 + "{% endfor %}", "text")
    assert monotonic() - begun < MAX_SECONDS + 1
