"""A formula that could not be worked out is refused where it is defined."""

from dataclasses import replace
from typing import Any

import pytest

from engine.conditions.formulas import check_formula
from engine.problems import Problem
from engine.schema.fields import Field
from engine.schema.modules import Schema
from tests.stages.conditions.world import SCHEMA, binder


def found(formula: dict[str, Any] | None, of: str = "money") -> list[Problem]:
    """What is wrong with a computed field of the firms that has this formula."""
    field = Field(name="it", type="computed", of=of, formula=formula)
    firms = SCHEMA.module("firms")
    grown = firms.model_copy(update={"fields": (*firms.fields, field)})
    schema = Schema([grown if each.name == "firms" else each for each in SCHEMA])
    return list(check_formula(field, replace(binder("firms"), schema=schema, module=grown)))


def test_sound_formulas_have_no_problem() -> None:
    computed = [(each.name, field) for each in SCHEMA for field in each.fields]
    assert [it for name, field in computed for it in check_formula(field, binder(name))] == []


@pytest.mark.parametrize(
    ("formula", "path"),
    [
        (None, "formula"),
        ({"avg": "amount"}, "formula"),
        ({"sum": "amount", "of": "deels", "via": "firm"}, "formula.of"),
        ({"sum": "amont", "of": "deals", "via": "firm"}, "formula.sum"),
        ({"sum": "title", "of": "deals", "via": "firm"}, "formula.sum"),
        ({"sum": "amount", "of": "deals", "via": "owner"}, "formula.via"),
        ({"sum": "amount", "of": "deals"}, "formula"),
        ({"count": "deals", "via": "frim"}, "formula.via"),
        ({"days_since": "name"}, "formula.days_since"),
        ({"days_since": "opened", "when": {"field": "vipp", "op": "is_empty"}}, "formula.field"),
        ({"days_since": "opened", "when": {"fields": []}}, "formula"),
        ({"days_since": "opened", "when": {"field": "vip", "op": "changed"}}, "formula.op"),
        ({"case": [{"when": {"all": []}, "then": "many"}]}, "formula"),
        ({"case": [{"when": {"field": "it", "op": "is_empty"}, "then": 1}]}, "formula"),
        (
            {
                "count": "deals",
                "via": "firm",
                "where": {"field": "firm.it", "op": "at_least", "value": 1},
            },
            "formula",
        ),
    ],
)
def test_a_formula_that_cannot_be_worked_out_is_refused(
    formula: dict[str, Any] | None, path: str
) -> None:
    (problem,) = found(formula)
    assert problem.path == path
    assert problem.message
    assert problem.remedy


def test_a_formula_that_needs_itself_is_told_so() -> None:
    itself = {"days_since": "opened", "when": {"field": "it", "op": "is_empty"}}
    assert found(itself, "int") == [
        Problem("formula", "It depends on itself.", "Leave it out of its own conditions.")
    ]
