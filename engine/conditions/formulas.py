"""What keeps the formula of a computed field from being worked out."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from engine.conditions.bound import Binder
from engine.conditions.readings import Columns
from engine.conditions.relations import relation
from engine.problems import BadValue, Invalid, Problem, refuse
from engine.schema.fields import Field

HOWS = ("sum", "avg", "min", "max", "count", "days_since", "case")


def check_formula(field: Field, binder: Binder) -> Iterator[Problem]:
    """Its faults, if the field is computed; the binder knows its module as it is to be."""
    if not field.computed:
        return
    try:
        _check(field.formula or {}, binder)
        Columns(binder).field(field)
    except Invalid as invalid:
        yield from (problem.under("formula") for problem in invalid.problems)
    except BadValue as bad:
        yield Problem("formula", bad.message, bad.remedy)
    except RecursionError:
        message = f"{field.title} depends on itself."
        yield Problem("formula", message, "Leave it out of its own conditions.")
    except (LookupError, TypeError, ValidationError):
        message = f"the formula of {field.title} cannot be read."
        yield Problem("formula", message, "Compare it with the examples of computed fields.")


def _check(formula: dict[str, Any], binder: Binder) -> None:
    """What SQL alone would not notice. Raises `Invalid`."""
    how = next((name for name in HOWS if name in formula), None)
    if how is None:
        raise refuse("", "it does not say what to work out.", f"Say one of {', '.join(HOWS)}.")
    if how == "days_since":
        for key in ("days_since", *(["until"] if "until" in formula else [])):
            day = binder.module.field(formula[key], key)
            if day.kind != "date":
                raise refuse(key, f"{day.title} is not a date.", "Choose a date.")
    elif how != "case":
        _check_children(formula, how, binder)


def _check_children(formula: dict[str, Any], how: str, binder: Binder) -> None:
    child = binder.schema.module(formula["count" if how == "count" else "of"], "of")
    relation(binder, child.name, formula["via"], "")
    if how in ("sum", "avg") and child.field(formula[how], how).kind != "number":
        raise refuse(how, f"`{formula[how]}` is not a number.", "Choose an amount or a number.")
