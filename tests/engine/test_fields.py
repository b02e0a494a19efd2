"""What each field type takes, keeps and refuses; and that its JSON is read back as it was."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.problems import BadValue, Invalid, Problem
from engine.schema.fields import FIELD_TYPES, Field
from engine.schema.modules import Module, Schema, check_module
from tests.stages.conditions.world import SCHEMA, module, of

OPTIONS = ("Open", "Straße", "Élan, vital")
KEPT_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00")).map(str.strip)
TEXT = KEPT_TEXT.filter(bool)
NUMBERS = st.decimals(-(10**11) + 1, 10**11 - 1, places=4)
PLAIN_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda part: st.lists(part) | st.dictionaries(TEXT, part),
    max_leaves=5,
).filter(lambda value: value not in (None, "", []))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXT,
    "longtext": TEXT,
    "richtext": TEXT,
    "int": st.integers(-(10**11) + 1, 10**11 - 1),
    "decimal": NUMBERS,
    "money": NUMBERS,
    "bool": st.booleans(),
    "date": st.dates(),
    "datetime": st.datetimes(timezones=st.just(UTC)),
    "picklist": st.sampled_from(OPTIONS),
    "multipicklist": st.lists(st.sampled_from(OPTIONS), min_size=1, unique=True),
    "email": st.sampled_from(["a@b.fr", "Ann.Lee+x@small.test", "ops@mail.local"]),
    "phone": TEXT,
    "url": st.sampled_from(["https://a.fr/ü?q=%20", "HTTP://localhost:8000"]),
    "reference": st.integers(1, 2**63 - 1),
    "owner": TEXT,
    "owners": st.lists(TEXT, min_size=1, unique_by=str.casefold),
    "record": st.from_regex(r"[a-z][a-z0-9_]{0,9}/[1-9][0-9]{0,17}", fullmatch=True),
    "file": TEXT,
    "json": PLAIN_JSON,
}


def field(type: str, **more: Any) -> Field:
    return Field(name="it", type=type, options=OPTIONS if "picklist" in type else (), **more)


def test_every_type_is_tried_here() -> None:
    assert set(VALUES) == set(FIELD_TYPES)


@given(st.data())
@pytest.mark.parametrize("type", VALUES)
def test_a_value_comes_back_from_its_json_as_it_was(type: str, data: st.DataObject) -> None:
    value, here = data.draw(VALUES[type]), field(type)
    kept = here.parse(value, UTC)
    assert kept == value
    assert here.load(json.loads(json.dumps(here.dump(kept)))) == kept


@given(st.data())
@pytest.mark.parametrize("type", VALUES)
def test_what_is_kept_is_taken_again_and_stays_the_same(type: str, data: st.DataObject) -> None:
    here = field(type)
    kept = here.parse(data.draw(VALUES[type]), UTC)
    assert here.parse(here.dump(kept), UTC) == kept


ANYTHING = st.one_of(
    PLAIN_JSON,
    st.text(),
    st.floats(),
    st.decimals(),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.lists(st.text(), max_size=2),
    st.fixed_dictionaries({"id": st.integers() | st.text(), "module": st.text()}),
)


@given(ANYTHING)
@pytest.mark.parametrize("type", VALUES)
def test_whatever_is_given_is_kept_in_a_form_that_lasts_or_refused(type: str, raw: Any) -> None:
    here = field(type)
    with suppress(BadValue):
        kept = here.parse(raw, UTC)
        assert here.load(json.loads(json.dumps(here.dump(kept)))) == kept
        assert "\x00" not in str(kept)


@pytest.mark.parametrize("type", VALUES)
@pytest.mark.parametrize("raw", [None, "", "  \t", []])
def test_what_is_blank_is_empty(type: str, raw: Any) -> None:
    assert field(type).parse(raw, UTC) is None
    assert field(type).dump(None) is None
    assert field(type).load(None) is None


@pytest.mark.parametrize(
    ("type", "raw", "kept"),
    [
        ("text", "  Ann\x00 Lee \n", "Ann Lee"),
        ("text", "\x00", None),
        ("text", 12, "12"),
        ("text", True, "yes"),
        ("text", date(2026, 3, 10), "2026-03-10"),
        ("int", "1 200", 1200),
        ("int", 12.0, 12),
        ("money", "1\u202f200.5", Decimal("1200.50")),
        ("money", 3, Decimal("3.00")),
        ("money", "0.12345", Decimal("0.1234")),
        ("decimal", "10.0", Decimal("10")),
        ("decimal", "-0.00001", Decimal("0")),
        ("bool", "Yes", True),
        ("bool", 0, False),
        ("date", "2026-03-10T23:30:00Z", date(2026, 3, 10)),
        ("date", datetime(2026, 3, 10, 23, 30, tzinfo=UTC), date(2026, 3, 10)),
        ("datetime", "2026-03-10", datetime(2026, 3, 10, tzinfo=UTC)),
        ("datetime", "2026-03-10T09:00:00+01:00", datetime(2026, 3, 10, 8, tzinfo=UTC)),
        ("datetime", date(2026, 3, 10), datetime(2026, 3, 10, tzinfo=UTC)),
        ("picklist", " STRASSE ", "Straße"),
        ("multipicklist", "open, OPEN", ["Open"]),
        ("multipicklist", ["élan, vital"], ["Élan, vital"]),
        ("owners", "ann, Ann, ben", ["ann", "ben"]),
        ("reference", {"id": 7, "name": "ACME"}, 7),
        ("reference", " 7 ", 7),
        ("record", {"module": "invoices", "id": 12}, "invoices/12"),
        ("record", "invoices/007", "invoices/7"),
        ("json", {"a": "x\x00y"}, {"a": "xy"}),
        ("json", {}, {}),
    ],
)
def test_what_is_given_is_kept_in_one_form(type: str, raw: Any, kept: Any) -> None:
    found = field(type).parse(raw, UTC)
    assert (found, str(found)) == (kept, str(kept))


@pytest.mark.parametrize(
    ("type", "raw"),
    [
        ("text", ["a"]),
        ("text", {"a": 1}),
        ("text", "half \ud800"),
        ("int", 1.5),
        ("int", "1e999"),
        ("int", True),
        ("decimal", "1,200.50"),
        ("decimal", "NaN"),
        ("decimal", float("inf")),
        ("money", 10**11),
        ("money", "99999999999.99999"),
        ("money", "many"),
        ("bool", "perhaps"),
        ("bool", 2),
        ("date", "2026-03-1099"),
        ("date", "2026-02-30"),
        ("date", 20260310),
        ("datetime", "soon"),
        ("datetime", "0001-01-01T00:00:00+01:00"),
        ("datetime", 1773136800),
        ("picklist", "Opne"),
        ("multipicklist", ["Open", "Opne"]),
        ("multipicklist", [["Open"]]),
        ("email", "nobody"),
        ("email", "a@b.fr, c@d.fr"),
        ("url", "javascript:alert(1)"),
        ("url", "ftp://a.fr"),
        ("reference", 1.7),
        ("reference", True),
        ("reference", 0),
        ("reference", 2**63),
        ("reference", "²"),
        ("reference", "ACME"),
        ("record", "invoices"),
        ("record", "invoices/12/x"),
        ("record", {"module": "In", "id": 1}),
        ("json", {"a": float("nan")}),
        ("json", {"a": "\udfff"}),
        ("json", {1, 2}),
    ],
)
def test_what_a_field_cannot_hold_is_refused_with_a_reason(type: str, raw: Any) -> None:
    with pytest.raises(BadValue) as refused:
        field(type).parse(raw, UTC)
    assert refused.value.message
    assert "\ud800" not in refused.value.message


def test_a_refusal_names_the_nearest_choice() -> None:
    with pytest.raises(BadValue) as refused:
        field("picklist", label="Status").parse("Opne", UTC)
    assert (refused.value.message, refused.value.remedy) == (
        "`Opne` is not a choice of Status.",
        "Did you mean `Open`? Choices: `Open`, `Straße`, `Élan, vital`.",
    )


def test_a_moment_of_any_zone_is_kept_in_utc() -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    kept = field("datetime").parse(datetime(2026, 3, 10, 9, tzinfo=there), UTC)
    assert kept.isoformat() == "2026-03-10T03:30:00+00:00"


def test_a_computed_field_takes_what_its_result_takes() -> None:
    owed = Field(name="owed", type="computed", of="money", formula={"count": "x", "via": "y"})
    assert (owed.kind, owed.parse("5", UTC)) == ("number", Decimal("5.00"))


def test_unknown_keys_of_a_field_are_refused() -> None:
    with pytest.raises(ValidationError, match="lable"):
        Field.model_validate({"name": "a", "type": "text", "lable": "A"})


# --- modules ---


def found(*fields: dict[str, Any], **more: Any) -> list[Problem]:
    """Everything that is wrong with a module of these fields."""
    made = module("things", *fields, **more)
    return list(check_module(made, Schema([*SCHEMA, made])))


@pytest.mark.parametrize(
    ("entry", "path", "remedy"),
    [
        (of("Name", "text"), "name", "Use a-z, 0-9 and _, a letter first."),
        (of("name\n", "text"), "name", "Use a-z, 0-9 and _, a letter first."),
        (of("owner", "text"), "name", "Choose another name."),
        (of("revision", "int"), "name", "Choose another name."),
        (of("deleted_at", "datetime"), "name", "Choose another name."),
        (of("stage", "pickist"), "type", "Did you mean `picklist`?"),
        (of("stage", "picklist"), "options", "List them under `options`."),
        (of("firm", "reference", module="frims"), "module", "Did you mean `firms`?"),
        (of("born", "datetime", yearly=True), "yearly", "Only a date recurs every year."),
        (of("sum", "computed", of="mony", formula={"count": "x"}), "of", "Did you mean `money`?"),
        (
            of("sum", "computed"),
            "formula",
            'Write one, like {"sum": "total", "of": "invoices", "via": "account"}.',
        ),
    ],
)
def test_a_field_that_cannot_be_a_column_is_refused(
    entry: dict[str, Any], path: str, remedy: str
) -> None:
    (problem,) = found(entry)
    assert (problem.path, problem.remedy) == (f"fields.0.{path}", remedy)


def test_two_fields_of_one_name_are_refused() -> None:
    assert [problem.path for problem in found(of("a", "text"), of("a", "int"))] == [
        "fields.0.name",
        "fields.1.name",
    ]


def test_a_module_that_cannot_be_a_table_is_refused() -> None:
    assert found(numbering="T", name_field="titel") == [
        Problem("numbering", "the number of a record needs a place.", "Write it like INV-{n}."),
        Problem(
            "name_field",
            "there is no field `titel`.",
            "Known: `id`, `number`, `created_at`, `modified_at`, `created_by`, `modified_by`, "
            "`owner`, `tags`, `source`, `locked`.",
        ),
    ]


def test_a_sound_module_has_no_problem_and_comes_back_from_its_json() -> None:
    for each in SCHEMA:
        assert list(check_module(each, SCHEMA)) == []
        assert Module.model_validate(each.model_dump(mode="json")) == each


def test_a_copy_of_a_module_knows_its_own_fields() -> None:
    deals = SCHEMA.module("deals")
    assert "title" in deals.by_name
    assert "title" not in deals.model_copy(update={"fields": ()}).by_name


def test_a_path_leads_through_references_and_owners() -> None:
    path = SCHEMA.path(SCHEMA.module("deals"), "firm.parent.owner.name")
    assert (str(path), path.title) == ("firm.parent.owner.name", "firm's parent's owner's name")
    assert [hop.module.name for hop in path.hops] == ["firms", "firms", "users"]


def test_a_path_through_a_plain_field_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        SCHEMA.path(SCHEMA.module("lines"), "dael.title", "any.0.field")
    assert refused.value.problems == (
        Problem("any.0.field", "there is no field `dael` in Lines.", "Did you mean `deal`?"),
    )


def test_records_that_refer_to_a_module_are_its_children() -> None:
    children = SCHEMA.children(SCHEMA.module("firms"))
    assert [(child.name, link.name) for child, link in children] == [
        ("firms", "parent"),
        ("deals", "firm"),
        ("lines", "firm"),
        ("partners", "firm"),
    ]
    assert SCHEMA.links(SCHEMA.module("firms")) == [(SCHEMA.module("deals"), "partners.firm")]
    lines = SCHEMA.lines(SCHEMA.module("deals"))
    assert lines is not None
    assert (lines[0].name, lines[1].name) == ("lines", "deal")
