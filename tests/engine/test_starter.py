"""The starter schema, the demo data and the showcase workflows agree with DEMO.md."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

STARTER = Path(__file__).parents[2] / "engine" / "starter"


def _starter(name: str) -> Any:
    return json.loads((STARTER / f"{name}.json").read_text(encoding="utf-8"))


MODULES: dict[str, dict[str, Any]] = {module["name"]: module for module in _starter("modules")}
DEMO: dict[str, Any] = _starter("demo")
WORKFLOWS: list[dict[str, Any]] = _starter("workflows")
ROWS: list[dict[str, Any]] = [*DEMO["reference"], *DEMO["more"]]
NOW = datetime.fromisoformat(DEMO["now"])
TODAY = NOW.date()

NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
TYPES = {
    "text",
    "longtext",
    "richtext",
    "int",
    "decimal",
    "money",
    "bool",
    "date",
    "datetime",
    "picklist",
    "multipicklist",
    "email",
    "phone",
    "url",
    "reference",
    "owner",
    "owners",
    "record",
    "file",
    "json",
    "computed",
}
IMPLICIT = {
    "id": "int",
    "number": "text",
    "created_at": "datetime",
    "modified_at": "datetime",
    "created_by": "owner",
    "modified_by": "owner",
    "owner": "owner",
    "tags": "multipicklist",
    "source": "picklist",
    "locked": "bool",
}
STAMPS = {"created_at", "modified_at"}
OPEN = {"Finalized", "Sent", "Partially paid", "Overdue"}
STATES = {"active", "in_review", "draft", "paused"}

each_module = pytest.mark.parametrize("module", MODULES.values(), ids=lambda module: module["name"])
each_workflow = pytest.mark.parametrize(
    "workflow", WORKFLOWS, ids=lambda workflow: workflow["document"]["name"]
)
with_and_without_more = pytest.mark.parametrize("rows", [DEMO["reference"], ROWS], ids=["", "more"])


def _fields(module: str) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in MODULES[module]["fields"]}


def _type(module: str, dotted: str) -> str | None:
    """The type of the field at the end of a path; None if the path leads nowhere."""
    head, _, rest = dotted.partition(".")
    field = _fields(module).get(head)
    kind = field["type"] if field else IMPLICIT.get(head)
    if not rest:
        return kind
    target = {"reference": field and field.get("module"), "owner": "users"}.get(kind or "")
    return _type(target, rest) if target else None


def _conditions(node: Any) -> Iterator[dict[str, Any]]:
    """Every comparison inside a condition."""
    if "field" in node:
        yield node
    for part in [*node.get("all", []), *node.get("any", []), *filter(None, [node.get("not")])]:
        yield from _conditions(part)


def _compared(module: str, condition: Any) -> list[str]:
    """What is wrong with the fields and choices that a condition names."""
    faults = []
    for node in _conditions(condition):
        if _type(module, node["field"]) is None:
            faults.append(f"{module}.{node['field']} does not exist")
        options = _fields(module).get(node["field"], {}).get("options")
        wanted = node.get("value")
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if options and value is not None and value not in options:
                faults.append(f"{value} is no {node['field']}")
    return faults


# The modules


def test_modules_fields_and_numbers_have_names_of_their_own() -> None:
    definitions = _starter("modules")
    for key in ("name", "label", "singular", "numbering"):
        assert [
            value
            for value, times in Counter(module[key] for module in definitions).items()
            if times > 1
        ] == []
    for module in definitions:
        names = [field["name"] for field in module["fields"]]
        assert len(names) == len(set(names)), module["name"]
        assert not set(names) & set(IMPLICIT), module["name"]


@each_module
def test_every_name_fits_and_every_field_says_what_it_is(module: dict[str, Any]) -> None:
    assert NAME.fullmatch(module["name"])
    assert module["numbering"].count("{n}") == 1
    for field in module["fields"]:
        assert NAME.fullmatch(field["name"])
        assert field["label"].strip()
        assert field["type"] in TYPES
        assert (field["type"] == "computed") == ("formula" in field) == ("of" in field)
        assert (field["type"] == "reference") == ("module" in field)
        assert field["type"] != "picklist" or field["options"]
        assert not field.get("required") or field["type"] != "computed"


@each_module
def test_references_lead_to_modules(module: dict[str, Any]) -> None:
    targets = {field["module"] for field in module["fields"] if field["type"] == "reference"}
    assert targets <= set(MODULES)


@each_module
def test_a_module_points_only_at_fields_that_exist(module: dict[str, Any]) -> None:
    name, fields = module["name"], _fields(module["name"])
    assert _type(name, module["name_field"])
    assert "email_field" not in module or fields[module["email_field"]]["type"] == "email"
    assert {_type(name, path) for path in module.get("paused_by", [])} <= {"bool"}
    assert {fields[flag]["type"] for flag in module.get("opt_out", {}).values()} <= {"bool"}
    if parent := module.get("lines_of"):
        assert fields[parent["field"]]["module"] == parent["module"]


@each_module
def test_defaults_are_choices_of_their_field_and_booleans_have_one(module: dict[str, Any]) -> None:
    for field in module["fields"]:
        if field["type"] == "picklist":
            assert field.get("default", field["options"][0]) in field["options"]
        if field["type"] == "bool":
            assert isinstance(field["default"], bool)


@each_module
def test_formulas_read_fields_that_exist(module: dict[str, Any]) -> None:
    for field in module["fields"]:
        assert _formula_faults(module["name"], field.get("formula", {})) == [], field["name"]


def _kept(module: str, name: str) -> str | None:
    """The type of a field's values, also where they are computed."""
    return _fields(module).get(name, {}).get("of") or _type(module, name)


def _formula_faults(module: str, formula: dict[str, Any]) -> list[str]:
    if "days_since" in formula:
        days = {key: formula[key] for key in ("days_since", "until") if key in formula}
        dated = [key for key, name in days.items() if _kept(module, name) != "date"]
        return dated + _compared(module, formula.get("when", {}))
    if "case" in formula:
        return [fault for arm in formula["case"] for fault in _compared(module, arm["when"])]
    if not formula:
        return []
    (how,) = {"sum", "avg", "min", "max", "count"} & set(formula)
    child, via = formula["count"] if how == "count" else formula["of"], formula["via"]
    theirs, ours = _fields(child)[via].get("module"), _fields(module).get(via, {}).get("module")
    faults = [] if theirs in (module, ours) else ["via"]
    if how != "count" and _type(child, formula[how]) is None:
        faults.append(formula[how])
    return faults + _compared(child, formula.get("where", {}))


def test_what_people_must_not_see_by_default_is_marked_sensitive() -> None:
    assert {name for name, module in MODULES.items() if module.get("sensitive")} == {
        "employees",
        "employment_contracts",
    }
    assert {name for name, module in MODULES.items() if module.get("system")} == {
        "users",
        "groups",
        "portfolios",
        "portfolio_accounts",
    }


# The demo data


def _known() -> dict[str, list[set[str]]]:
    """For each module, one set per demo row of the words that may refer to it."""
    known: dict[str, list[set[str]]] = {}
    for row in ROWS:
        name_field = MODULES[row["module"]]["name_field"]
        words = {row["values"].get("number"), row["values"].get(name_field)} - {None}
        known.setdefault(row["module"], []).append(words)
    return known


KNOWN = _known()
HANDLES = [
    row["values"]["username" if row["module"] == "users" else "name"]
    for row in ROWS
    if row["module"] in ("users", "groups")
]


def _value_faults(field: dict[str, Any], value: Any, before: set[tuple[str, str]]) -> str | None:
    match field["type"]:
        case "picklist":
            return None if value in field["options"] else "no such choice"
        case "multipicklist":
            known = set(field.get("options", value))
            return None if isinstance(value, list) and set(value) <= known else "no such choice"
        case "owner":
            return None if value in HANDLES else "no such user or group"
        case "owners":
            return None if set(value) <= set(HANDLES) else "no such user or group"
        case "reference":
            return None if (field["module"], value) in before else "not there yet"
        case "record":
            module, _, word = value.partition("/")
            return None if (module, word) in before else "not there yet"
        case "money" | "decimal":
            return None if isinstance(value, str) and Decimal(value) is not None else "no number"
        case "int":
            return None if type(value) is int else "no whole number"
        case "bool":
            return None if type(value) is bool else "not true or false"
        case "date":
            return None if date.fromisoformat(value).isoformat() == value else "no day"
        case "datetime":
            return None if datetime.fromisoformat(value).tzinfo else "no time zone"
        case "computed":
            return "computed"
    return None if isinstance(value, str) and value == value.strip() != "" else "no text"


def test_every_value_of_the_demo_fits_its_field_and_refers_only_to_what_came_before() -> None:
    before: set[tuple[str, str]] = set()
    faults = []
    for row in ROWS:
        module, values = row["module"], row["values"]
        fields = _fields(module) | {name: {"type": kind} for name, kind in IMPLICIT.items()}
        fields["source"]["options"] = []
        for name, value in values.items():
            fault = _value_faults(fields[name], value, before) if name in fields else "no field"
            if fault:
                faults.append(f"{module} {values.get('number')} {name}: {value!r}: {fault}")
        for field in MODULES[module]["fields"]:
            if field.get("required") and field["name"] not in values:
                faults.append(f"{module} {values.get('number')} needs {field['name']}")
        words = {values.get("number"), values.get(MODULES[module]["name_field"])} - {None}
        before |= {(module, word) for word in words}
    assert faults == []


def test_no_two_demo_records_share_a_number_or_a_handle() -> None:
    numbers = Counter((row["module"], row["values"].get("number")) for row in ROWS)
    assert [key for key, times in numbers.items() if key[1] and times > 1] == []
    assert len(HANDLES) == len(set(HANDLES))


def test_what_is_referred_to_is_one_record() -> None:
    words = [
        (field["module"], row["values"][field["name"]])
        for row in ROWS
        for field in MODULES[row["module"]]["fields"]
        if field["type"] == "reference" and field["name"] in row["values"]
    ]
    assert {word for word in words if sum(word[1] in row for row in KNOWN[word[0]]) != 1} == set()


def test_numbers_of_the_demo_have_the_form_of_their_module() -> None:
    for row in ROWS:
        if number := row["values"].get("number"):
            form = re.escape(MODULES[row["module"]]["numbering"]).replace(r"\{n\}", r"\d+")
            assert re.fullmatch(form, number)


def test_nothing_in_the_demo_happened_after_its_moment_or_changed_before_it_was_made() -> None:
    for row in ROWS:
        stamps = {
            name: datetime.fromisoformat(row["values"].get(name, DEMO["now"])) for name in STAMPS
        }
        assert stamps["created_at"] <= stamps["modified_at"] <= NOW, row


def test_the_extra_data_makes_the_lists_look_real() -> None:
    counts = Counter(row["module"] for row in DEMO["more"])
    assert counts["accounts"] == 12
    assert counts["contacts"] >= 12
    assert counts["invoices"] == 40
    assert min(counts["tickets"], counts["opportunities"], counts["leads"]) >= 10


# What DEMO.md says of it


def _table(rows: list[dict[str, Any]], module: str) -> dict[str, dict[str, Any]]:
    """The demo records of a module by number, each with the defaults it will be given."""
    defaults = {f["name"]: f.get("default") for f in MODULES[module]["fields"]}
    found = [defaults | row["values"] for row in rows if row["module"] == module]
    return {values["number"]: values for values in found}


def _day(values: dict[str, Any], name: str) -> date | None:
    return date.fromisoformat(values[name]) if values.get(name) else None


def _moment(values: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(values[name])


def _days_due(invoice: dict[str, Any]) -> int | None:
    due = _day(invoice, "due_date")
    settled = invoice["status"] in ("Paid", "Cancelled") or Decimal(invoice["balance"]) == 0
    return None if settled or due is None else (TODAY - due).days


def test_it_is_a_tuesday_morning_in_paris() -> None:
    assert DEMO["now"] == "2026-03-10T09:00:00+01:00"
    assert NOW.astimezone(ZoneInfo(DEMO["timezone"])).strftime("%A %H:%M") == "Tuesday 09:00"


def test_the_ten_invoices_are_as_described() -> None:
    invoices = _table(DEMO["reference"], "invoices")
    told = {
        number: (
            values["account"],
            values["status"],
            int(Decimal(values["total"])),
            int(Decimal(values["balance"])),
            values.get("due_date"),
            _days_due(values),
        )
        for number, values in invoices.items()
    }
    assert told == {
        "INV-1": ("ACME", "Sent", 1000, 1000, "2026-02-08", 30),
        "INV-2": ("ACME", "Sent", 500, 500, "2026-03-03", 7),
        "INV-3": ("BETA", "Sent", 4200, 4200, "2026-03-10", 0),
        "INV-4": ("BETA", "Sent", 300, 300, "2026-03-17", -7),
        "INV-5": ("BETA", "Paid", 800, 0, "2026-02-01", None),
        "INV-6": ("GAMMA", "Sent", 250, 250, "2026-02-20", 18),
        "INV-7": ("DELTA", "Sent", 990, 990, "2026-01-05", 64),
        "INV-8": ("ACME", "Draft", 700, 700, "2026-02-01", 37),
        "INV-9": ("BETA", "Sent", 120, 120, None, None),
        "INV-10": ("ACME", "Sent", 60, 60, "2026-02-27", 11),
    }
    assert [n for n, values in invoices.items() if values["chasing_paused"]] == ["INV-10"]


def test_the_people_are_as_described() -> None:
    users = {row["values"]["username"] for row in ROWS if row["module"] == "users"}
    groups = {
        row["values"]["name"]: set(row["values"]["members"])
        for row in ROWS
        if row["module"] == "groups"
    }
    assert users == {"alice", "bob", "mgr", "lead", "hr", "cons", "admin"}
    assert groups == {"Support": {"lead"}, "HR": {"hr"}, "Sales": {"alice", "bob", "mgr"}}
    accounts = {
        row["values"]["name"]: (
            row["values"].get("email"),
            row["values"]["language"],
            row["values"]["owner"],
            row["values"].get("email_opt_out", False),
            row["values"].get("group"),
        )
        for row in DEMO["reference"]
        if row["module"] == "accounts"
    }
    assert accounts == {
        "ACME": ("ap@acme.test", "fr", "alice", False, "CG-1"),
        "BETA": ("billing@beta.test", "en", "bob", False, "CG-1"),
        "GAMMA": (None, "fr", "bob", False, None),
        "DELTA": ("pay@delta.test", "de", "alice", True, None),
    }
    contacts = _table(DEMO["reference"], "contacts")
    assert {
        n: (c["account"], c["is_primary"], c["email_opt_out"], c["bounce_status"])
        for n, c in contacts.items()
    } == {
        "C1": ("ACME", True, False, "ok"),
        "C2": ("ACME", False, False, "bounce"),
        "C3": ("BETA", True, False, "ok"),
        "C4": ("DELTA", True, True, "ok"),
    }


@with_and_without_more
def test_past_due_and_sent_are_these_five(rows: list[dict[str, Any]]) -> None:
    chased = [
        number
        for number, values in _table(rows, "invoices").items()
        if values["status"] == "Sent" and (_days_due(values) or 0) > 0
    ]
    assert chased == ["INV-1", "INV-2", "INV-6", "INV-7", "INV-10"]
    thirty = [
        number for number in chased if (_days_due(_table(rows, "invoices")[number]) or 0) >= 30
    ]
    assert thirty == ["INV-1", "INV-7"]


@with_and_without_more
def test_one_open_opportunity_has_been_quiet_for_seven_days(rows: list[dict[str, Any]]) -> None:
    week_ago = TODAY - timedelta(days=7)
    quiet = [
        number
        for number, values in _table(rows, "opportunities").items()
        if not values["stage"].startswith("Closed")
        and _moment(values, "modified_at").date() <= week_ago
    ]
    assert quiet == ["OP-1"]


@with_and_without_more
def test_one_ticket_has_been_open_for_48_hours_and_a_second_one_will_be_tomorrow(
    rows: list[dict[str, Any]],
) -> None:
    def late(now: datetime) -> list[str]:
        return [
            number
            for number, values in _table(rows, "tickets").items()
            if values["status"] not in ("Resolved", "Closed")
            and _moment(values, "created_at") <= now - timedelta(hours=48)
        ]

    assert late(NOW) == ["TK-1"]
    assert late(NOW + timedelta(hours=24)) == ["TK-1"]
    assert late(NOW + timedelta(hours=25)) == ["TK-1", "TK-2"]


@with_and_without_more
def test_two_contracts_end_within_thirty_days(rows: list[dict[str, Any]]) -> None:
    left = {
        number: end and (end - TODAY).days
        for number, values in _table(rows, "employment_contracts").items()
        for end in [_day(values, "end_date")]
    }
    assert left == {"EC-1": 30, "EC-2": 31, "EC-3": -5, "EC-4": None, "EC-5": 22}


@with_and_without_more
def test_the_next_quote_and_the_next_case_have_the_numbers_demo_md_gives_them(
    rows: list[dict[str, Any]],
) -> None:
    assert list(_table(rows, "quotes")) == ["Q-1"]
    assert list(_table(rows, "cases")) == ["CS-1", "CS-2"]
    assert list(_table(rows, "documents")) == ["DOC-1", "DOC-2"]


def test_the_quote_has_three_lines_that_add_up() -> None:
    lines = [row["values"] for row in ROWS if row["module"] == "quote_lines"]
    totals = [Decimal(line["total"]) for line in lines]
    assert totals == [Decimal(line["quantity"]) * Decimal(line["unit_price"]) for line in lines]
    assert (len(lines), sum(totals)) == (3, Decimal(_table(ROWS, "quotes")["Q-1"]["total"]))
    assert sum(totals) == 1200


def test_invoice_lines_add_up_to_their_invoice() -> None:
    sums: Counter[str] = Counter()
    for row in ROWS:
        if row["module"] == "invoice_lines":
            sums[row["values"]["invoice"]] += int(Decimal(row["values"]["total"]))
    invoices = _table(ROWS, "invoices")
    assert sums == {number: int(Decimal(invoices[number]["total"])) for number in sums}


def test_payments_leads_cases_and_projects_are_as_described() -> None:
    payments = _table(DEMO["reference"], "payments")
    assert {
        n: (
            p["account"],
            int(Decimal(p["amount"])),
            int(Decimal(p["amount_remaining"])),
            p["status"],
        )
        for n, p in payments.items()
    } == {
        "PAY-1": ("BETA", 800, 0, "Paid"),
        "PAY-2": ("ACME", 600, 100, "Paid"),
        "PAY-3": ("ACME", 50, 0, "Voided"),
    }
    leads = _table(DEMO["reference"], "leads")
    assert {n: lead["lead_source"] for n, lead in leads.items()} == {
        "LD-1": "Web form",
        "LD-2": "Import",
    }
    cases = _table(DEMO["reference"], "cases")
    assert {n: (case["type"], case["stage"]) for n, case in cases.items()} == {
        "CS-1": ("Permanent residence", "Documentation"),
        "CS-2": ("Work permit", "Intake"),
    }
    tasks = _table(DEMO["reference"], "project_tasks")
    assert {n: (task["project"], task["status"]) for n, task in tasks.items()} == {
        "PT-1": ("PR-1", "Completed"),
        "PT-2": ("PR-1", "In progress"),
    }
    assert list(_table(DEMO["reference"], "projects")) == ["PR-1", "PR-2"]


def test_the_supplier_invoice_scan_can_be_read_but_has_not_been() -> None:
    scan = _table(DEMO["reference"], "documents")["DOC-2"]
    assert scan["kind"] == "Invoice scan"
    assert "1 200,50" in scan["text_content"]
    assert [scan.get(name) for name in ("amount", "invoice_date", "invoice_number")] == [None] * 3
    assert _table(DEMO["reference"], "documents")["DOC-1"]["record"] == "cases/CS-1"


def test_every_invoice_is_paid_as_far_as_its_status_says() -> None:
    for number, values in _table(ROWS, "invoices").items():
        total, balance = Decimal(values["total"]), Decimal(values["balance"])
        expected = {"Paid": balance == 0, "Partially paid": 0 < balance < total}
        assert expected.get(values["status"], values["status"] not in OPEN or balance == total), (
            number
        )


# The showcase workflows


def test_the_workflows_show_every_state() -> None:
    assert Counter(workflow["state"] for workflow in WORKFLOWS) == {
        "active": 2,
        "in_review": 1,
        "draft": 1,
        "paused": 1,
    }
    names = [workflow["document"]["name"] for workflow in WORKFLOWS]
    assert len(names) == len(set(names))


@each_workflow
def test_a_workflow_names_only_people_and_fields_that_exist(workflow: dict[str, Any]) -> None:
    document = workflow["document"]
    module, steps = document["module"], list(_steps(document["steps"]))
    assert set(workflow) == {"state", "author", "note", "document"}
    assert workflow["state"] in STATES
    assert workflow["author"] in HANDLES
    assert document["schema"] == 1
    assert document["name"].startswith(MODULES[module]["label"])
    assert _compared(module, document["conditions"]) == []
    assert _compared(module, document.get("stop_when", {})) == []
    for step in steps:
        assert _compared(module, step.get("conditions", {})) == []
        assert _unknown_paths(module, json.dumps(step)) == []
        for word in [*step.get("to", []), *filter(None, [step.get("assign_to")])]:
            assert word in HANDLES or _type(module, word), word
    assert len({step["id"] for step in steps}) == len(steps)


def _steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield {key: value for key, value in step.items() if key not in ("then", "else")}
        yield from _steps([*step.get("then", []), *step.get("else", [])])


def _unknown_paths(module: str, text: str) -> list[str]:
    """The fields of the record that templates read and that the module does not have."""
    paths = re.findall(r"\brecord((?:\.[a-z_]+)+)", text)
    return [path for path in paths if _type(module, path[1:]) is None]
