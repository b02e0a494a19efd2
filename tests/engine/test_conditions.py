"""What each comparison means, row by row of SPEC.md; what is refused, and how; and the words."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from engine.conditions import ALWAYS, bind, bound, positive
from engine.conditions.operators import OPERATORS
from engine.conditions.readings import Columns, holds, where
from engine.conditions.words import describe, plain, reasons
from engine.phrases import speaking
from engine.problems import Invalid, Problem
from tests.stages.conditions.database import holding, opened
from tests.stages.conditions.world import MODULES, NOW, SCHEMA, TODAY, Row, World, binder, written
from tests.strange_language import ours, strange_language

Changes = Mapping[str, tuple[Any, Any]]
AMOUNT = (
    "Amount can be compared with: `equals`, `not_equals`, `less_than`, `greater_than`, `at_most`, "
    "`at_least`, `between`, `in`, `not_in`, `is_empty`, `is_not_empty`, `changed`, ...."
)
COUNTED = "Or count from now: `today-30d`, `today+5wd`."


def compare(field: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **more}


def of_lines(**asked: Any) -> dict[str, Any]:
    return {"related": "lines", "via": "deal", **asked}


def fits(deal: Row, field: str, op: str, value: Any = None, **more: Any) -> bool:
    """Whether one comparison holds of a deal that has no firm, no owner and no lines."""
    return is_true(World.of(deals=[deal]), compare(field, op, value, **more))


def is_true(world: World, condition: Mapping[str, Any]) -> bool:
    """Whether the condition holds of the first deal of the world."""
    return holds(bound(written(condition), binder("deals")), world.facts("deals"))


def fits_change(
    changes: Changes, field: str, op: str, value: Any = None, *, created: bool = False
) -> bool:
    """Whether it holds of a deal that was just changed in this way."""
    world = World.of(deals=[{name: new for name, (_, new) in changes.items()}])
    meant = bound(written(compare(field, op, value)), binder("deals", event=True))
    return holds(meant, world.facts("deals", changes=changes, created=created))


def problems(condition: Mapping[str, Any], name: str = "deals", **more: Any) -> list[Problem]:
    here = binder(name, **more)
    bind(written(condition), here)
    return here.problems


# --- R50 to R54: a field, an operator, a value ---


def test_r50_a_condition_may_ask_of_a_linked_module() -> None:
    world = World.of(deals=[{"firm": 1}], firms=[{"tier": "Gold"}])
    assert is_true(world, compare("firm.tier", "equals", "Gold"))
    assert not is_true(world, compare("firm.tier", "equals", "Silver"))


@pytest.mark.parametrize("value", ["sent", "SENT", "  Sent "])
def test_r51_text_is_equal_whatever_its_case_and_blanks(value: str) -> None:
    assert fits({"title": "Sent"}, "title", "equals", value)


def test_r51_text_is_folded_as_unicode_says() -> None:
    assert fits({"title": "STRASSE"}, "title", "equals", "straße")
    assert fits({"title": "Élan"}, "title", "starts_with", "é")


def test_r51_exact_text_counts_case_and_blanks() -> None:
    assert not fits({"title": "Sent"}, "title", "equals", "sent", exact=True)
    assert fits({"title": "Sent"}, "title", "equals", "Sent", exact=True)
    assert not fits({"title": "Sent"}, "title", "contains", " Sent", exact=True)
    assert fits({"title": "Not Sent"}, "title", "contains", " Sent", exact=True)


def test_r51_numbers_are_compared_as_decimals() -> None:
    assert fits({"amount": Decimal("10.00")}, "amount", "equals", 10)
    assert fits({"amount": Decimal("0.3")}, "amount", "equals", 0.3)
    assert fits({"seats": 10}, "seats", "equals", "10.0")


def test_r51_a_choice_is_found_whatever_its_case() -> None:
    assert fits({"status": "Won"}, "status", "equals", "WON")
    assert fits({"status": "Won"}, "status", "in", ["open", "won"])


def test_r51_an_empty_field_is_not_equal_to_anything() -> None:
    assert not fits({}, "title", "equals", "X")
    assert fits({}, "title", "not_equals", "X")
    assert fits({}, "status", "not_in", ["Open", "Won"])
    assert not fits({}, "title", "equals", {"field": "note"})


def test_r52_text_begins_ends_and_contains() -> None:
    deal = {"title": "Invoice 100%.pdf"}
    assert fits(deal, "title", "starts_with", "inv")
    assert fits(deal, "title", "ends_with", ".PDF")
    assert fits(deal, "title", "contains", "100%")
    assert not fits(deal, "title", "contains", "1__%")
    assert not fits(deal, "title", "not_contains", "100")


def test_r52_nothing_does_not_contain_anything() -> None:
    assert not fits({}, "title", "contains", "x")
    assert fits({}, "title", "not_contains", "x")


def test_r52_a_list_contains_all_that_are_listed_and_is_in_any() -> None:
    deal = {"marks": ["Risk", "Élan"]}
    assert fits(deal, "marks", "contains", ["risk", "élan"])
    assert not fits(deal, "marks", "contains", "Risk, STRASSE")
    assert fits(deal, "marks", "in", ["STRASSE", "Risk"])
    assert fits(deal, "marks", "not_in", ["STRASSE"])
    assert fits({}, "marks", "not_contains", "Risk")


def test_r52_a_list_may_be_asked_exactly() -> None:
    assert fits({"tags": ["VIP"]}, "tags", "contains", "vip")
    assert not fits({"tags": ["VIP"]}, "tags", "contains", "vip", exact=True)


def test_r52_a_part_need_not_be_a_whole_address_or_choice() -> None:
    assert fits({"mail": "ann@small.test"}, "mail", "ends_with", "@SMALL.test")
    assert fits({"status": "Waiting"}, "status", "starts_with", "wait")
    assert fits({"about": "deals/12"}, "about", "starts_with", "deals/")


def test_r53_less_and_greater_are_false_of_nothing() -> None:
    assert not fits({}, "due", "less_than", "today")
    assert not fits({}, "due", "at_least", "today")
    assert fits({"amount": Decimal(10)}, "amount", "at_most", 10)
    assert not fits({"amount": Decimal(10)}, "amount", "greater_than", 10)


def test_r54_zero_and_no_are_not_empty() -> None:
    assert not fits({"amount": Decimal(0)}, "amount", "is_empty")
    assert fits({"urgent": False}, "urgent", "is_not_empty")
    assert fits({}, "amount", "is_empty")


# --- R55 to R58: changes ---


def test_r55_a_field_has_changed_when_this_save_changed_it() -> None:
    assert fits_change({"title": ("a", "b")}, "title", "changed")
    assert not fits_change({"title": ("a", "b")}, "note", "changed")
    assert not fits_change({"title": ("a", "a")}, "title", "changed")


def test_r55_nothing_has_changed_at_creation() -> None:
    assert not fits_change({"title": (None, "b")}, "title", "changed", created=True)


def test_r56_changed_to_needs_a_change() -> None:
    assert fits_change({"status": ("Open", "Won")}, "status", "changed_to", "won")
    assert not fits_change({"status": ("Won", "Won")}, "status", "changed_to", "Won")
    assert not fits_change({"status": (None, "Won")}, "status", "changed_to", "Won", created=True)


def test_r56_becomes_is_true_at_creation_too() -> None:
    assert fits_change({"status": (None, "Won")}, "status", "becomes", "Won", created=True)
    assert fits_change({"status": ("Open", "Won")}, "status", "becomes", "Won")
    assert not fits_change({"title": ("a", "b")}, "status", "becomes", "Won")


def test_r57_changed_from_looks_at_the_old_value() -> None:
    assert fits_change({"status": ("Open", "Won")}, "status", "changed_from", "Open")
    assert not fits_change({"status": ("Waiting", "Won")}, "status", "changed_from", "Open")


def test_r56_changed_to_knows_days_and_other_fields_like_any_comparison() -> None:
    seen = {"seen_at": (None, NOW)}
    assert fits_change(seen, "seen_at", "changed_to", "today")
    assert fits_change({"title": ("a", "b"), "note": (None, "B")}, "title", "changed_to", {
        "field": "note"
    })  # fmt: skip


def test_the_old_value_can_be_compared_with() -> None:
    grown = {"amount": (Decimal(5), Decimal(7))}
    assert fits_change(grown, "amount", "greater_than", {"old": "amount"})
    assert not fits_change(grown, "seats", "equals", {"old": "seats"})
    born = {"amount": (None, Decimal(7))}
    assert not fits_change(born, "amount", "equals", {"old": "amount"}, created=True)


@pytest.mark.parametrize(
    "node",
    [
        compare("status", "changed"),
        compare("status", "changed_to", "Won"),
        compare("amount", "less_than", {"old": "amount"}),
    ],
)
def test_r58_without_an_event_changes_are_refused(node: dict[str, Any]) -> None:
    (problem,) = problems({"all": [node]})
    assert problem.path == ("all.0.value" if "old" in str(node) else "all.0.op")
    assert "there is no" in problem.message or "there is none" in problem.message


def test_r58_a_change_has_no_meaning_for_a_set_of_records() -> None:
    meant = bound(written(compare("status", "changed")), binder("deals", event=True))
    with pytest.raises(ValueError, match="`changed` of `status` has no meaning for a set"):
        where(meant, Columns(binder("deals")))


# --- R59 to R61, R65: days ---


@pytest.mark.parametrize(
    ("days_ago", "op", "expected"),
    [
        (7, "at_most", True),
        (6, "at_most", False),
        (7, "less_than", False),
        (8, "less_than", True),
        (7, "equals", True),
        (7, "greater_than", False),
        (6, "greater_than", True),
    ],
)
def test_r59_relative_days_include_their_bound(days_ago: int, op: str, expected: bool) -> None:
    deal = {"due": TODAY - timedelta(days_ago)}
    assert fits(deal, "due", op, "today-7d") is expected


def test_r59_hours_are_counted_from_now() -> None:
    deal = {"seen_at": NOW - timedelta(hours=48)}
    assert fits(deal, "seen_at", "at_most", "now-48h")
    assert not fits(deal, "seen_at", "less_than", "now-48h")


@pytest.mark.parametrize(
    ("seen_at", "equal", "before", "after"),
    [
        (datetime(2026, 3, 8, 4, 59, 59, tzinfo=UTC), False, True, False),
        (datetime(2026, 3, 8, 5, tzinfo=UTC), True, False, False),
        (datetime(2026, 3, 9, 3, 59, 59, tzinfo=UTC), True, False, False),
        (datetime(2026, 3, 9, 4, tzinfo=UTC), False, False, True),
    ],
)
def test_a_day_is_that_of_the_company_also_when_the_clocks_change(
    seen_at: datetime, equal: bool, before: bool, after: bool
) -> None:
    deal = {"seen_at": seen_at}
    for day in ("today", "2026-03-08"):
        assert fits(deal, "seen_at", "equals", day) is equal
        assert fits(deal, "seen_at", "not_equals", day) is not equal
        assert fits(deal, "seen_at", "in", [day]) is equal
        assert fits(deal, "seen_at", "between", [day, day]) is equal
        assert fits(deal, "seen_at", "less_than", day) is before
        assert fits(deal, "seen_at", "at_least", day) is not before
        assert fits(deal, "seen_at", "greater_than", day) is after
        assert fits(deal, "seen_at", "at_most", day) is not after


@pytest.mark.parametrize(("amount", "expected"), [("99.99", False), ("100", True), ("500", True)])
def test_r60_between_includes_both_ends(amount: str, expected: bool) -> None:
    assert fits({"amount": Decimal(amount)}, "amount", "between", [100, 500]) is expected


def test_r61_a_birthday_is_equal_by_month_and_day() -> None:
    ann = {"birthday": date(1980, 3, 8)}
    assert fits(ann, "birthday", "equals", "today")
    assert not fits(ann, "birthday", "not_equals", "today")
    assert fits(ann, "birthday", "in", ["2001-03-08", "tomorrow"])
    assert not fits({"due": date(1980, 3, 8)}, "due", "equals", "today")


def test_r61_other_comparisons_of_a_birthday_count_the_year() -> None:
    assert fits({"birthday": date(1980, 12, 1)}, "birthday", "less_than", "2000-01-01")


def test_r65_today_is_the_day_of_the_run() -> None:
    facts = World.of(deals=[{"due": TODAY}]).facts("deals")
    overdue = written(compare("due", "less_than", "today"))
    tomorrow = replace(binder("deals"), now=NOW + timedelta(days=1))
    assert not holds(bound(overdue, binder("deals")), facts)
    assert holds(bound(overdue, tomorrow), facts)


# --- R62 to R69: trees, other fields, references, related records ---


def test_r62_all_needs_every_part_and_any_needs_one() -> None:
    parts = [compare("status", "equals", "Open"), compare("due", "less_than", "today")]
    world = World.of(deals=[{"status": "Open", "due": TODAY + timedelta(days=1)}])
    assert not is_true(world, {"all": parts})
    assert is_true(world, {"any": parts})
    assert not is_true(world, {"not": {"any": parts}})


def test_r63_groups_are_a_tree_and_are_read_out_as_one() -> None:
    status, amount = compare("status", "equals", "Open"), compare("amount", "at_least", 10000)
    tree = {"any": [{"all": [status, amount]}, compare("urgent", "equals", True)]}
    assert describe(written(tree), binder("deals")) == (
        "(the status is “Open” and the amount is at least 10,000) or “Urgent” is yes"
    )


def test_r64_no_conditions_are_true_of_every_record() -> None:
    assert holds(bound(ALWAYS, binder("deals")), World.of(deals=[{}]).facts("deals"))
    assert describe(ALWAYS, binder("deals")) == "always"


def test_r64_none_of_no_conditions_is_true() -> None:
    assert not is_true(World.of(deals=[{}]), {"any": []})


def test_r66_a_field_is_compared_with_another_of_the_record() -> None:
    deal = {"amount": Decimal(5), "share": Decimal(7)}
    assert fits(deal, "amount", "less_than", {"field": "share"})
    assert not fits(deal, "amount", "less_than", {"field": "seats"})
    assert fits(deal, "amount", "in", [5, {"field": "share"}])


def test_r66_a_field_is_compared_with_one_behind_a_reference() -> None:
    world = World.of(deals=[{"amount": Decimal(5), "firm": 1}], firms=[{"limit": Decimal(4)}])
    assert is_true(world, compare("amount", "greater_than", {"field": "firm.limit"}))


@pytest.mark.parametrize("firm", [None, 1, 99], ids=["empty", "deleted", "missing"])
def test_r67_behind_a_reference_that_leads_nowhere_all_is_empty_and_else_false(
    firm: int | None,
) -> None:
    world = World.of(deals=[{"firm": firm}], firms=[{"tier": "Gold", "deleted_at": NOW}])
    assert not is_true(world, compare("firm.tier", "equals", "Gold"))
    assert not is_true(world, compare("firm.tier", "not_equals", "Gold"))
    assert not is_true(world, compare("firm.name", "not_contains", "x"))
    assert not is_true(world, compare("firm.tier", "not_in", ["Gold"]))
    assert not is_true(world, compare("firm.tier", "is_not_empty"))
    assert is_true(world, compare("firm.tier", "is_empty"))


def test_r67_an_empty_field_behind_a_reference_is_like_any_other() -> None:
    world = World.of(deals=[{"firm": 1}], firms=[{"tier": None}])
    assert is_true(world, compare("firm.tier", "not_equals", "Gold"))


def test_r67_another_field_behind_nowhere_is_neither_equal_nor_not() -> None:
    world = World.of(deals=[{"title": "ACME"}])
    assert not is_true(world, compare("title", "equals", {"field": "firm.name"}))
    assert not is_true(world, compare("title", "not_equals", {"field": "firm.name"}))


def test_r67_behind_a_record_of_another_module_all_is_empty_and_else_false() -> None:
    world = World.of(deals=[{"about": "lines/1"}], firms=[{"name": "ACME"}])
    assert is_true(world, compare("about.firms.name", "is_empty"))
    assert not is_true(world, compare("about.firms.name", "equals", "ACME"))
    assert not is_true(world, compare("about.firms.name", "not_equals", "BETA"))
    other = World.of(deals=[{"about": "firms/1"}], firms=[{"name": "ACME"}])
    assert is_true(other, compare("about.firms.name", "not_equals", "BETA"))


def test_r67_owners_lead_to_users() -> None:
    world = World.of(deals=[{"owner": "ann"}])
    assert is_true(world, compare("owner.email", "equals", "ann@small.test"))
    assert is_true(world, compare("owner.boss.email", "is_empty"))


THREE_LINES = World.of(
    deals=[{}],
    lines=[
        {"deal": 1, "product": "X", "total": Decimal("0.1")},
        {"deal": 1, "product": "Y", "total": Decimal("0.2")},
        {"deal": 1, "product": "Z"},
        {"deal": 2, "product": "W", "total": Decimal(100)},
        {"deal": 1, "product": "V", "total": Decimal(100), "deleted_at": NOW},
    ],
)


def test_r68_one_line_that_matches_is_enough() -> None:
    product = of_lines(match="some", where=compare("product", "equals", "x"))
    assert is_true(THREE_LINES, product)
    assert not is_true(THREE_LINES, {**product, "where": compare("product", "equals", "W")})


def test_r69_all_of_the_related_records() -> None:
    named = of_lines(match="every", where=compare("product", "is_not_empty"))
    priced = of_lines(match="every", where=compare("total", "greater_than", 0))
    assert is_true(THREE_LINES, named)
    assert not is_true(THREE_LINES, priced)


def test_r69_all_of_none_is_false_and_none_of_none_is_true() -> None:
    alone, priced = World.of(deals=[{}]), compare("total", "greater_than", 0)
    assert not is_true(alone, of_lines(match="every", where=priced))
    assert is_true(alone, of_lines(match="none", where=priced))
    assert not is_true(alone, of_lines(match="some"))


def test_r69_related_records_are_counted_and_added_up() -> None:
    assert is_true(THREE_LINES, of_lines(count=True, op="equals", value=3))
    assert is_true(THREE_LINES, of_lines(count=True, op="not_equals", value=4))
    assert is_true(THREE_LINES, of_lines(sum="total", op="equals", value=0.3))
    assert is_true(World.of(deals=[{}]), of_lines(sum="total", op="equals", value=0))


def test_r69_a_sum_is_compared_with_a_field_of_the_record() -> None:
    world = World.of(deals=[{"amount": Decimal("0.3")}], lines=THREE_LINES.live("lines")[:2])
    less = of_lines(sum="total", op="less_than", value={"field": "amount"})
    assert not is_true(world, less)
    assert is_true(world, {**less, "op": "at_most"})
    assert not is_true(THREE_LINES, less)


def test_r69_records_with_the_same_reference_are_related_too() -> None:
    same_firm = {"related": "lines", "via": "firm", "match": "some"}
    assert is_true(World.of(deals=[{"firm": 1}], lines=[{"firm": 1}]), same_firm)
    assert not is_true(World.of(deals=[{}], lines=[{}]), same_firm)


def test_r69_records_that_may_belong_to_any_record_are_related_too() -> None:
    about_it = {"related": "deals", "via": "about", "match": "some"}
    assert is_true(World.of(deals=[{}, {"about": "deals/1"}]), about_it)
    assert not is_true(World.of(deals=[{}, {"about": "deals/2"}, {"about": "firms/1"}]), about_it)


def test_r15_records_are_related_through_those_of_a_module_in_between_each_once() -> None:
    links = [{"deal": 1, "firm": 2}, {"deal": 1, "firm": 2}, {"deal": 2, "firm": 1}]
    world = World.of(deals=[{}, {}], firms=[{"limit": 5}, {"limit": 7}], partners=links)
    firms = {"related": "firms", "via": "partners.deal"}
    assert is_true(world, {**firms, "count": True, "op": "equals", "value": 1})
    assert is_true(world, {**firms, "sum": "limit", "op": "equals", "value": 7})
    assert not is_true(world, {**firms, "match": "some", "where": compare("limit", "equals", 5)})


def test_r77_all_related_records_but_those_there_must_not_be_are_asked_for() -> None:
    some, none = of_lines(match="some"), {"related": "deals", "via": "about", "match": "none"}
    tree = written({"all": [{"any": [some, compare("title", "is_empty")]}, none, {"not": some}]})
    assert list(positive(tree)) == [written(some)]


# --- R78, R79: tags by category, and commas ---


def test_r78_any_tag_of_the_category_counts_whatever_its_case() -> None:
    assert fits({"tags": ["new", "RISK"]}, "tags", "in_category", " alarm ")
    assert not fits({"tags": ["new", "élan"]}, "tags", "in_category", "Alarm")
    assert not fits({}, "tags", "in_category", "Alarm")
    assert fits({}, "tags", "not_in_category", "Alarm")


def test_r78_a_category_that_no_tag_has_is_refused_where_they_are_known() -> None:
    node = compare("tags", "in_category", "Alrm")
    assert problems(node, categories=("Alarm", "Mood")) == [
        Problem("value", "no tag is of a category `Alrm`.", "Did you mean `Alarm`?")
    ]
    assert problems(compare("tags", "in_category", "ALARM"), categories=("Alarm",)) == []
    assert [problem.path for problem in problems(compare("tags", "in_category", 3))] == ["value"]


@pytest.mark.parametrize("value", [["refund", "dispute"], "Refund, DISPUTE", " dispute,, "])
def test_r79_any_of_several_parts_in_a_list_or_between_commas(value: Any) -> None:
    assert fits({"title": "A dispute"}, "title", "contains_any", value)
    assert not fits({"title": "A question"}, "title", "contains_any", value)
    assert not fits({}, "title", "contains_any", value)
    assert fits({}, "title", "contains_none", value)


# --- R70: what is refused, where, and what to do ---


def test_r70_an_unknown_field_is_refused_with_the_nearest() -> None:
    node = {"all": [compare("title", "is_empty"), {"not": compare("staus", "equals", "Won")}]}
    assert problems(node) == [
        Problem("all.1.not.field", "there is no field `staus` in Deals.", "Did you mean `status`?")
    ]


def test_r70_every_fault_is_reported_at_its_place() -> None:
    node = {
        "any": [
            compare("firm.teir", "equals", "Gold"),
            compare("title.name", "equals", "x"),
            compare("amount", "contians", 3),
            compare("amount", "contains", 3),
            compare("status", "in", ["Open", "Wonn"]),
            compare("amount", "between", [1]),
            compare("title", "is_empty", "x"),
            compare("due", "less_than", "tody"),
            of_lines(match="some", where=compare("totl", "equals", 1)),
        ]
    }
    assert [(problem.path, problem.remedy) for problem in problems(node)] == [
        ("any.0.field", "Did you mean `tier`?"),
        (
            "any.1.field",
            "References: `created_by`, `modified_by`, `owner`, `about`, `colleague`, `firm`.",
        ),
        ("any.2.op", AMOUNT),
        ("any.3.op", AMOUNT),
        ("any.4.value.1", "Did you mean `Won`? Choices: `Open`, `Waiting`, `Straße`, `Won`."),
        ("any.5.value", "Write [lowest, highest]."),
        ("any.6.value", "Leave `value` out."),
        ("any.7.value", f"Write it like 2026-03-10. {COUNTED}"),
        ("any.8.where.field", "Did you mean `total`?"),
    ]


@pytest.mark.parametrize(
    ("node", "path"),
    [
        (compare("title", "equals", None), "value"),
        (compare("title", "equals", "   "), "value"),
        (compare("title", "equals", ["a"]), "value"),
        (compare("title", "in", "Open"), "value"),
        (compare("title", "in", []), "value"),
        (compare("seats", "in", list(range(1001))), "value"),
        (compare("seats", "equals", 1.5), "value"),
        (compare("seats", "equals", "many"), "value"),
        (compare("urgent", "equals", "perhaps"), "value"),
        (compare("seen_at", "less_than", "2026-13-01"), "value"),
        (compare("due", "less_than", "today-48h"), "value"),
        (compare("seen_at", "less_than", "9999-12-31"), "value"),
        (compare("mail", "equals", "nobody"), "value"),
        (compare("firm", "equals", "Unheard of"), "value"),
        (compare("title", "equals", {"field": "amount"}), "value"),
        (compare("title", "equals", {"feld": "note"}), "value"),
        (compare("title", "equals", {"field": "nte"}), "value"),
        (compare("marks", "contains", {"field": "tags"}), "value"),
        (compare("firm", "equals", {"field": "id"}), "value"),
        (of_lines(match="some", via="parent"), "via"),
        ({"related": "firms", "via": "partners.frm", "match": "some"}, "via"),
        ({"related": "firms", "via": "partners.firm", "match": "some"}, "via"),
        ({"related": "firms", "via": "partnrs.deal", "match": "some"}, "via"),
        ({"related": "lines", "via": "partners.deal", "match": "some"}, "via"),
        ({"related": "firms", "via": "partners.deal.frm", "match": "some"}, "via"),
        (compare("about.frms.name", "equals", "ACME"), "field"),
        (compare("about.firms", "equals", "ACME"), "field"),
        (compare("tags", "in_category", ""), "value"),
        (compare("title", "contains_any", " , "), "value"),
        (of_lines(match="some", related="liens"), "related"),
        (of_lines(), ""),
        (of_lines(match="some", count=True), ""),
        (of_lines(match="some", op="equals", value=1), "op"),
        (of_lines(count=True), "op"),
        (of_lines(count=True, op="contains", value=1), "op"),
        (of_lines(count=True, op="between", value=[1, 2]), "op"),
        (of_lines(count=True, op="equals"), "value"),
        (of_lines(count=True, op="equals", value="few"), "value"),
        (of_lines(sum="product", op="equals", value=1), "sum"),
        (of_lines(match="some", where=compare("product", "changed")), "where.op"),
    ],
)
def test_r70_what_cannot_be_compared_is_refused(node: dict[str, Any], path: str) -> None:
    (problem,) = problems(node)
    assert problem.path == path
    assert problem.message
    assert problem.remedy


def test_r70_changes_are_only_seen_where_they_are_recorded() -> None:
    for field in ("days_due", "modified_at", "firm.name"):
        (problem,) = problems(compare(field, "changed"), event=True)
        assert problem.path == "field"
    (problem,) = problems(compare("seats", "equals", {"old": "days_due"}), event=True)
    assert problem.path == "value"


def test_r70_an_owner_must_be_somebody_where_people_are_known() -> None:
    node = compare("owner", "in", ["ann", "bne"])
    assert problems(node) == []
    assert problems(node, handles=("ann", "Ben")) == [
        Problem("value.1", "there is no user or group `bne`.", "Did you mean `Ben`?")
    ]


def test_r70_a_reference_may_be_named_by_number_or_name() -> None:
    def lookup(module: object, name: str) -> int | None:
        return {"ACME": 7}.get(name)

    world = World.of(deals=[{"firm": 7}])
    for value in (7, "7", " ACME "):
        meant = bound(written(compare("firm", "equals", value)), binder("deals", lookup=lookup))
        assert holds(meant, world.facts("deals"))


FAULTY = compare("titel", "equals", "x")


@pytest.mark.parametrize(
    "node",
    [
        FAULTY,
        {"not": FAULTY},
        {"any": [compare("title", "is_empty"), FAULTY]},
        of_lines(match="none", where=FAULTY),
    ],
)
def test_a_condition_with_a_fault_anywhere_is_never_true(node: dict[str, Any]) -> None:
    meant = bind(written(node), binder("deals"))
    assert not holds(meant, World.of(deals=[{}]).facts("deals"))


def test_a_condition_that_must_be_sound_is_refused_with_all_its_faults() -> None:
    two = {"all": [FAULTY, compare("notes", "is_empty")]}
    with pytest.raises(Invalid) as refused:
        bound(written(two), binder("deals"))
    assert refused.value.problems == tuple(problems(two))
    assert [problem.path for problem in problems(two)] == ["all.0.field", "all.1.field"]


def test_conditions_nested_too_deeply_are_refused() -> None:
    node = compare("title", "is_empty")
    for _ in range(100):
        node = {"not": node}
    (problem,) = problems(node)
    assert problem.message == "conditions are at most 20 levels deep, and these are deeper."


@pytest.mark.parametrize("raw", [[], 3, None, "x", {}, {"al": []}, {"all": [3]}])
def test_what_is_no_condition_is_refused(raw: Any) -> None:
    with pytest.raises(ValidationError, match="a condition has one of the keys"):
        written(raw)


def test_every_field_that_can_be_filtered_offers_operators_that_bind() -> None:
    for module in MODULES:
        for name, field in module.by_name.items():
            fitting = [op for op in OPERATORS.values() if field.kind in op.kinds]
            assert {"is_empty", "is_not_empty"} <= {operator.name for operator in fitting}
            assert problems(compare(name, "is_empty"), module.name) == []


# --- R76 ---


def test_r76_days_due_stop_when_paid_and_days_late_begin_at_zero(tmp_path: Path) -> None:
    due = [TODAY + timedelta(2), TODAY, TODAY - timedelta(3), None]
    deals = [{"due": day, "status": "Open"} for day in due]
    world = World.of(deals=[*deals, {"due": TODAY, "status": "Won"}])
    deal, table = SCHEMA.module("deals"), SCHEMA.tables["deals"]
    columns = Columns(binder("deals"))
    computed = [columns.field(deal.field(name)) for name in ("days_due", "days_late")]
    with opened(f"sqlite:///{tmp_path / 'small.db'}") as database, holding(database, world) as tx:
        found = tx.db.execute(select(*computed).order_by(table.c.id)).all()
    assert found == [(-2, None), (0, 0), (3, 3), (None, None), (None, 0)]


# --- words ---


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (compare("due", "less_than", "today-7d"), "the due date is earlier than 7 days ago"),
        (compare("due", "at_least", "2026-03-10"), "the due date is on or after 2026-03-10"),
        (compare("amount", "between", [100, 5000]), "the amount is between 100 and 5,000"),
        (compare("status", "in", ["Open", "Won"]), "the status is “Open” or “Won”"),
        (compare("firm.tier", "not_equals", "Gold"), "the firm's tier is not “Gold”"),
        (compare("about.firms.tier", "equals", "Gold"), "the about firm's tier is “Gold”"),
        (compare("title", "contains_any", "a, b"), "the title contains “a” or “b”"),
        (compare("tags", "in_category", "Risk"), "the tags include one of the category “Risk”"),
        (
            {"related": "firms", "via": "partners.deal", "match": "some"},
            "it has one or more firms",
        ),
        (compare("amount", "less_than", {"field": "share"}), "the amount is less than the share"),
        (
            compare("amount", "less_than", {"old": "amount"}),
            "the amount is less than the old amount",
        ),
        (compare("title", "is_empty"), "the title is empty"),
        (compare("titel", "starts_with", "a"), "titel begins with “a”"),
        ({"not": compare("urgent", "equals", True)}, "it is not true that “Urgent” is yes"),
        (
            of_lines(match="some", where=compare("total", "greater_than", 0)),
            "it has one or more lines for which the total is greater than 0",
        ),
        (
            of_lines(match="every", where=compare("done", "equals", True)),
            "for all its lines, of which there is at least one, “Done” is yes",
        ),
        (
            {"related": "lines", "via": "firm", "match": "none"},
            "there are no lines of the same firm",
        ),
        (
            of_lines(count=True, op="at_least", value=1000),
            "the number of its lines is at least 1,000",
        ),
        (
            of_lines(sum="total", op="greater_than", value={"field": "amount"}),
            "the total of all its lines together is greater than the amount",
        ),
    ],
)
def test_a_condition_is_read_out(node: dict[str, Any], words: str) -> None:
    assert describe(written(node), binder("deals")) == words
    with speaking(strange_language()):
        assert ours(describe(written(node), binder("deals"))) <= ours([*NAMES, *texts(node)])


NAMES = [
    name
    for home in SCHEMA
    for name in (home.label, home.singular, *(field.title for field in home.by_name.values()))
]


def texts(node: Any) -> Iterator[str]:
    """The names of fields and the values in a condition."""
    match node:
        case dict():
            for key, part in node.items():
                yield from texts(part) if key not in ("op", "match") else ()
        case list():
            for part in node:
                yield from texts(part)
        case str():
            yield node


@pytest.mark.parametrize(
    ("deal", "node", "said"),
    [
        (
            {"due": date(2026, 3, 17)},
            compare("due", "less_than", "today"),
            "due date 2026-03-17 is not before today (2026-03-08)",
        ),
        (
            {"due": date(2026, 3, 1)},
            compare("due", "between", ["today-7d", "today"]),
            "due date 2026-03-01 is between 7 days ago (2026-03-01) and today (2026-03-08)",
        ),
        (
            {"seen_at": NOW},
            compare("seen_at", "greater_than", "now"),
            "last seen 2026-03-08 22:30 is not after now (2026-03-08 22:30)",
        ),
        (
            {"status": "Waiting"},
            compare("status", "equals", "Open"),
            "status “Waiting” is not equal to “Open”",
        ),
        (
            {"status": "Open"},
            compare("status", "not_equals", "Open"),
            "status “Open” is equal to “Open”",
        ),
        (
            {"status": "Open"},
            compare("status", "not_in", ["Open", "Won"]),
            "status “Open” is one of “Open” or “Won”",
        ),
        ({}, compare("amount", "at_least", 5), "amount is empty"),
        ({}, compare("title", "is_not_empty"), "title is empty"),
        ({"title": "x"}, compare("title", "is_empty"), "title “x” is not empty"),
        ({"title": "x"}, compare("title", "contains", "y"), "title “x” does not contain “y”"),
        ({}, compare("firm.tier", "not_equals", "Gold"), "firm's tier: there is no firm"),
        (
            {"owner": "ann"},
            compare("owner.boss.boss.email", "equals", "a@small.test"),
            "owner's boss's boss's email: there is no owner's boss's boss",
        ),
        (
            {"amount": Decimal(5), "share": Decimal(3)},
            compare("amount", "less_than", {"field": "share"}),
            "amount 5 is not less than the share (3)",
        ),
        (
            {"status": "Open", "amount": Decimal(5)},
            {"all": [compare("status", "equals", "Open"), compare("amount", "less_than", 5)]},
            "amount 5 is not less than 5",
        ),
        (
            {"status": "Open"},
            {"any": [compare("status", "equals", "Open"), compare("amount", "less_than", 5)]},
            "status “Open” is equal to “Open”",
        ),
        (
            {"status": "Open"},
            {"not": compare("status", "equals", "Open")},
            "status “Open” is equal to “Open”",
        ),
        ({}, {"all": []}, "always"),
        (
            {},
            of_lines(match="some", where=compare("total", "greater_than", 0)),
            "it has no lines",
        ),
    ],
)
def test_a_reason_says_what_the_record_really_has(
    deal: Row, node: dict[str, Any], said: str
) -> None:
    condition, facts = written(node), World.of(deals=[deal]).facts("deals")
    reason = reasons(condition, binder("deals"), facts)
    assert reason.said == said
    with speaking(strange_language()):
        reread = reasons(condition, binder("deals"), facts).said
    assert ours(reread) <= ours([*NAMES, *texts(node), *map(str, deal.values())])
    assert reason.holds is holds(bound(condition, binder("deals")), facts)


def test_a_change_that_did_not_happen_is_told_as_one() -> None:
    changes = {"status": ("Open", "Waiting")}
    facts = World.of(deals=[{"status": "Waiting"}]).facts("deals", changes=changes)
    became = reasons(
        written(compare("status", "becomes", "Won")), binder("deals", event=True), facts
    )
    assert became.said == "status “Waiting” does not become “Won”"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (True, "yes"),
        (Decimal("1200.50"), "1,200.50"),
        (["a", "b", "c"], "“a”, “b” and “c”"),
        (date(2026, 3, 10), "2026-03-10"),
        (datetime(2026, 3, 10, 8, 5, tzinfo=UTC), "2026-03-10 08:05"),
        (7, "7"),
    ],
)
def test_values_are_read_out_plainly(value: Any, words: str) -> None:
    assert plain(value) == words
