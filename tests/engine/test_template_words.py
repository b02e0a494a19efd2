"""T1: the words of a template leave nothing out: filters, operations, branches and literals."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.blocks.words import person, value
from engine.conditions import Binder
from engine.schema.modules import Module, Schema
from engine.starter import starter
from engine.starter.demo_records import COMPANY
from engine.templates import parse
from engine.templates.filters import FILTERS
from engine.templates.words import in_words

SCHEMA = Schema(Module.model_validate(each) for each in starter("modules"))
BINDER = Binder(
    SCHEMA, SCHEMA.module("invoices"), datetime(2026, 3, 10, 8, tzinfo=UTC), COMPANY.calendar
)
LEADS = replace(BINDER, module=SCHEMA.module("leads"))


def name(path: str) -> str:
    return path.removeprefix("record.").replace("_", " ")


def words(source: str) -> str:
    return in_words(parse(source).body, name)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ record.score|mul(2) }}", "the score times 2"),
        ("{{ record.total - 0.1 }}", "the total - 0.1"),
        ("{% if record.score %}5{% else %}7{% endif %}", "“[if score: 5; otherwise: 7]”"),
        ("{{ record.created_at|add_days(30) }}", "the created plus 30 days"),
        ("{{ record.total|round }}", "the total rounded"),
        ("{{ (record.total + 1) * 2 }}", "the (total + 1) times 2"),
        ("{{ 5 if record.score else 7 }}", "the 5 if score, otherwise 7"),
    ],
)
def test_T1_a_value_is_said_with_all_that_is_done_to_it(source: str, said: str) -> None:
    binder = LEADS if "score" in source else BINDER
    assert value(source, binder) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ record.account.email }}", "its account"),
        (
            "{{ record.account.email|default('boss@x.test') }}",
            "its account, or “boss@x.test” where it is empty",
        ),
        (
            "{{ record.account.email|replace_text('@','@evil.') }}",
            "its account with “@evil.” in place of “@”",
        ),
        ("{{ record.account.email or 'boss@x.test' }}", "its account or “boss@x.test”"),
        ("{{ 'boss@x.test' }}", "“boss@x.test”"),
    ],
)
def test_T1_a_recipient_is_said_with_all_that_is_done_to_it(source: str, said: str) -> None:
    assert person(source, BINDER) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Dear {{ record.name|upper }},", "Dear [name in capitals],"),
        ("{% for line in record.lines if line.paid %}x{% endfor %}", "[for each of lines where "),
        ("{% if a > 1 and not b %}x{% elif c is empty %}y{% endif %}", "[if (a is above 1) and "),
        ("{{ a ~ '-' ~ b }}", "[a followed by “-” followed by b]"),
        ("{{ (invoices|first).number }}", "[number of the first of invoices]"),
        ("{{ record.total|money('EUR') }}", "[total as money in “EUR”]"),
        ("{{ record.note|truncate(9, '!') }}", "[note cut to 9 letters and “!”]"),
    ],
)
def test_T1_texts_are_said_with_their_branches_and_loops(source: str, said: str) -> None:
    assert words(source).startswith(said)


@pytest.mark.parametrize("filter_name", sorted(FILTERS))
def test_T1_every_filter_has_words_that_say_its_value(filter_name: str) -> None:
    assert "{value}" in FILTERS[filter_name].reads


@given(
    st.sampled_from(sorted(FILTERS)),
    st.lists(st.sampled_from(["1", "2", "'a'", "'b'", "record.total"]), max_size=2),
    st.sampled_from(sorted(FILTERS)),
    st.lists(st.sampled_from(["1", "2", "'a'", "'b'", "record.total"]), max_size=2),
)
def test_T1_two_templates_that_do_different_things_read_differently(
    first: str, given_first: list[str], second: str, given_second: list[str]
) -> None:
    def written(filter_name: str, settings: list[str]) -> str | None:
        if not FILTERS[filter_name].takes(len(settings), ()):
            return None
        return f"{{{{ record.name|{filter_name}({', '.join(settings)}) }}}}"

    one, other = written(first, given_first), written(second, given_second)
    same = FILTERS[first].function == FILTERS[second].function and given_first == given_second
    if one and other and not same:
        assert words(one) != words(other)
