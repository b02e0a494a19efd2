"""CSV: what goes out comes in again as the same, and what is faulty is named and not written."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from sqlalchemy import delete, select

from engine.company.company import Company
from engine.installation import Installation
from engine.problems import Invalid, Problem
from engine.records.csv_export import export_csv
from engine.records.csv_import import Imported, import_csv
from engine.records.tables import EVENTS
from engine.records.writer import Author, Records
from engine.schema.modules import Module
from engine.settings import Settings
from tests.databases import Pair
from tests.fakes import Clock

ANNA = Author("anna")
FIRMS = {
    "name": "firms",
    "label": "Firms",
    "singular": "Firm",
    "numbering": "F-{n}",
    "name_field": "name",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True},
        {"name": "note", "type": "longtext", "label": "Remark"},
        {"name": "phone", "type": "phone"},
        {"name": "email", "type": "email"},
        {"name": "credit", "type": "money"},
        {"name": "since", "type": "date"},
        {"name": "seen", "type": "datetime"},
        {"name": "gold", "type": "bool"},
        {"name": "tier", "type": "picklist", "options": ["Gold", "Silver"]},
        {"name": "parent", "type": "reference", "module": "firms"},
        {"name": "about", "type": "record"},
        {"name": "facts", "type": "json"},
        {
            "name": "children",
            "type": "computed",
            "of": "int",
            "formula": {"count": "firms", "via": "parent"},
        },
    ],
}
PEOPLE = [
    {"name": name, "label": name, "singular": name, "numbering": "X-{n}", "fields": fields}
    for name, fields in (
        ("users", [{"name": "username", "type": "text"}]),
        ("groups", [{"name": "name", "type": "text"}]),
    )
]


@contextmanager
def opened(pair: Pair, folder: Path, clock: Clock) -> Iterator[Installation]:
    settings = Settings(database_url=pair.database_url, queue_url=pair.queue_url, data_dir=folder)
    installation = Installation.of(settings, clock.now)
    installation.database.prepare(Company(), [Module.model_validate(it) for it in (FIRMS, *PEOPLE)])
    yield installation
    installation.close()


@pytest.fixture
def installation(pair: Pair, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    with opened(pair, tmp_path, clock) as installation:
        yield installation


@pytest.fixture(scope="module")
def one_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that many examples share."""
    folder = tmp_path_factory.mktemp("csv")
    pair = Pair("sqlite", f"sqlite:///{folder}/sayso.db", f"sqlite:///{folder}/queue.db")
    with opened(pair, folder, Clock(datetime(2026, 3, 10, tzinfo=UTC))) as installation:
        yield installation


def create(installation: Installation, *rows: dict[str, Any]) -> None:
    with installation.database.begin() as tx:
        for row in rows:
            Records(tx, ANNA).create("firms", row)


def take(installation: Installation, text: str | bytes, **how: Any) -> Imported:
    raw = text.encode() if isinstance(text, str) else text
    return import_csv(installation.database, "firms", io.BytesIO(raw), author=ANNA, **how)


def exported(installation: Installation, **how: Any) -> str:
    out = io.StringIO(newline="")
    export_csv(installation.database, "firms", out, **how)
    return out.getvalue()


def cells(installation: Installation, column: str) -> list[str]:
    return [row[column] for row in csv.DictReader(io.StringIO(exported(installation), newline=""))]


def stored(installation: Installation, *columns: str) -> list[tuple[Any, ...]]:
    with installation.database.read() as tx:
        firms = tx.schema.tables["firms"]
        rows = tx.db.execute(select(*(firms.c[name] for name in columns)).order_by(firms.c.id))
        return [tuple(row) for row in rows]


# --- there and back ---

NASTY = st.text(
    st.one_of(
        st.sampled_from("=+-@\t\r\n'\",;[]{}|\\ \ufeff\uff1d0aé"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    ),
    max_size=12,
)


@trying(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "name": NASTY.map(lambda text: f"n{text}") | NASTY.filter(str.strip),
                "note": NASTY,
                "phone": NASTY,
                "tags": st.lists(NASTY, max_size=3),
                "credit": st.decimals(-9999, 9999, places=4),
                "since": st.dates() | st.none(),
                "gold": st.booleans(),
                "facts": st.recursive(
                    st.none() | st.booleans() | st.integers(-99, 99) | NASTY,
                    lambda inner: (
                        st.lists(inner, max_size=2) | st.dictionaries(NASTY, inner, max_size=2)
                    ),
                    max_leaves=3,
                ),
            }
        ),
        min_size=1,
        max_size=3,
    )
)
def test_what_is_exported_comes_in_again_as_the_same(
    one_house: Installation, rows: list[dict[str, Any]]
) -> None:
    with one_house.database.begin() as tx:
        tx.db.execute(delete(tx.schema.tables["firms"]))
    create(one_house, *rows)
    before = exported(one_house)
    again = take(one_house, before, duplicates="overwrite")
    assert again == Imported(unchanged=len(rows))
    # The same rows as new records, in an installation that has none.
    with one_house.database.begin() as tx:
        tx.db.execute(delete(tx.schema.tables["firms"]))
    assert take(one_house, before) == Imported(created=len(rows))
    kept = ("number", "name", "note", "phone", "tags", "credit", "since", "gold", "facts")
    after = exported(one_house)
    assert [_only(row, kept) for row in _rows(after)] == [_only(row, kept) for row in _rows(before)]


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _only(row: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: row[name] for name in names}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3+cmd|x", "'-2+3+cmd|x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\uff1dSUM(A1)", "'\uff1dSUM(A1)"),
        ("'=1", "''=1"),
        ("+33 1 23 45 67 89", "+33 1 23 45 67 89"),
        ("it's fine", "it's fine"),
        ("'quoted'", "'quoted'"),
    ],
)
def test_no_cell_is_a_formula_to_a_spreadsheet(
    one_house: Installation, text: str, cell: str
) -> None:
    with one_house.database.begin() as tx:
        tx.db.execute(delete(tx.schema.tables["firms"]))
    create(one_house, {"name": text})
    assert cells(one_house, "name") == [cell]
    assert take(one_house, exported(one_house)) == Imported(unchanged=1)


def test_negative_numbers_stay_numbers(installation: Installation) -> None:
    create(installation, {"name": "A", "credit": "-12.50"})
    assert cells(installation, "credit") == ["-12.50"]


def test_references_go_out_as_numbers_and_come_in_as_records(installation: Installation) -> None:
    create(installation, {"name": "A"}, {"name": "B", "parent": 1, "about": "firms/1"})
    assert (cells(installation, "parent"), cells(installation, "about")) == (
        ["", "F-1"],
        ["", "firms/1"],
    )
    assert cells(installation, "children") == ["1", "0"]
    done = take(installation, "name,parent,about\nC,F-2,firms/A\nD,B,firms/F-2\n")
    assert done == Imported(created=2)
    assert stored(installation, "name", "parent", "about")[2:] == [
        ("C", 2, "firms/1"),
        ("D", 2, "firms/2"),
    ]


# --- what files look like ---


@pytest.mark.parametrize(
    "raw",
    [
        "Name;Remark\nÉté;a, b\n".encode("utf-8-sig"),
        "Name;Remark\r\nÉté;a, b\r\n".encode("cp1252"),
        "Name\tRemark\nÉté\ta, b\n".encode("utf-16"),
        'NAME , remark\nÉté,"a, b"\n\n,\n'.encode(),
    ],
)
def test_any_usual_encoding_delimiter_and_heading_is_understood(
    installation: Installation, raw: bytes
) -> None:
    assert take(installation, raw) == Imported(created=1)
    assert stored(installation, "name", "note") == [("Été", "a, b")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", Problem("file", "it is empty.", "Its first row must name the fields.")),
        ("nam\nA\n", Problem("file", "there is no field `nam` in Firms.", "Did you mean `name`?")),
        ("name,Name\nA,B\n", Problem("file", "two columns are Name.", "Remove one of them.")),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_as_a_whole(
    installation: Installation, text: str, problem: Problem
) -> None:
    with pytest.raises(Invalid) as refused:
        take(installation, text)
    assert refused.value.problems == (problem,)


def test_a_file_may_have_a_hundred_thousand_rows_and_no_more(one_house: Installation) -> None:
    with pytest.raises(Invalid, match="more than 100,000 rows"):
        take(one_house, "name\n" + "A\n" * 100_001)


# --- rows ---


def test_a_faulty_row_is_named_with_every_fault_and_not_written(installation: Installation) -> None:
    rows = ("A,2026-03-10,gold,,", ",soon,Bronze,Z,zoe", "C,,,,,extra", "D,,,,")
    done = take(installation, "\n".join(["name,since,tier,parent,owner", *rows]))
    assert stored(installation, "name", "tier") == [("A", "Gold"), ("D", None)]
    assert (done.created, [(row, it.path) for row, it in done.problems]) == (
        2,
        [(3, "since"), (3, "tier"), (3, "parent"), (4, "")],
    )
    assert str(done.problems[0][1]) == (
        "`since`: Since takes a date, not 'soon'. Write it like 2026-03-10."
    )


def test_a_row_that_lacks_what_is_required_is_refused_alone(installation: Installation) -> None:
    done = take(installation, "name,tier\nA,\n,Gold\nC,\n")
    assert done.created == 2
    assert done.problems == [(3, Problem("name", "Firm needs Name.", "Give it a value."))]


def test_merge_keeps_what_the_file_leaves_blank(installation: Installation) -> None:
    create(installation, {"name": "A", "note": "old", "phone": "1"}, {"name": "B"})
    done = take(installation, "number,note,phone\nF-1,,2\nF-2,,\n")
    assert done == Imported(updated=1, unchanged=1)
    assert stored(installation, "name", "note", "phone") == [("A", "old", "2"), ("B", None, None)]


def test_overwrite_empties_what_the_file_leaves_blank(installation: Installation) -> None:
    create(installation, {"name": "A", "note": "old"})
    assert take(installation, "number,note\nF-1,\n", duplicates="overwrite") == Imported(updated=1)
    assert stored(installation, "name", "note") == [("A", None)]


def test_ignore_leaves_records_alone_that_are_there(installation: Installation) -> None:
    create(installation, {"name": "A"})
    done = take(installation, "number,name\nF-1,changed\nF-7,new\n", duplicates="ignore")
    assert done == Imported(created=1, unchanged=1)
    assert stored(installation, "number", "name") == [("F-1", "A"), ("F-7", "new")]


def test_rows_are_matched_by_any_field_that_is_named(installation: Installation) -> None:
    create(installation, {"name": "A", "email": "a@a.test"}, {"name": "B", "email": "b@b.test"})
    create(installation, {"name": "B2", "email": "b@b.test"})
    done = take(installation, "email,note\nA@A.test,yes\nb@b.test,which?\n", match="email")
    assert (done.updated, [row for row, _ in done.problems]) == (1, [3])
    assert stored(installation, "name", "note")[0] == ("A", "yes")


def test_the_same_number_twice_in_a_file_is_one_record(installation: Installation) -> None:
    done = take(installation, "number,name,note\nF-9,A,one\nF-9,A,two\n")
    assert done == Imported(created=1, updated=1)
    assert stored(installation, "number", "note") == [("F-9", "two")]


def test_the_number_of_a_deleted_record_is_not_given_away(installation: Installation) -> None:
    create(installation, {"name": "A"})
    with installation.database.begin() as tx:
        Records(tx, ANNA).delete("firms", 1)
    done = take(installation, "number,name\nF-1,again\n")
    assert [str(problem) for _, problem in done.problems] == [
        "`number`: `F-1` belongs to a record that was deleted."
        " Leave the number out, or choose another."
    ]


def test_an_id_that_is_not_there_creates_nothing(installation: Installation) -> None:
    done = take(installation, "id,name\n7,A\n")
    assert (done.created, len(done.problems)) == (0, 1)


# --- who hears of it ---


def test_an_import_starts_no_workflow_unless_asked(installation: Installation) -> None:
    take(installation, "name\n" + "".join(f"firm {n}\n" for n in range(100)))
    take(installation, "name\nloud\n", start_workflows=True)
    with installation.database.read() as tx:
        events = list(tx.db.execute(select(EVENTS.c.source, EVENTS.c.actor, EVENTS.c.pending)))
    assert events == [("import", "anna", False)] * 100 + [("import", "anna", True)]


def test_old_records_keep_the_day_they_were_created(installation: Installation) -> None:
    take(installation, "name,created_at\nA,2024-01-02T03:04:05Z\n")
    assert cells(installation, "created_at") == ["2024-01-02T03:04:05+00:00"]


def test_progress_is_told_by_the_batch(installation: Installation) -> None:
    told: list[tuple[int, int]] = []
    rows = "name\n" + "A\n" * 750
    take(installation, rows, progress=lambda done, total: told.append((done, total)))
    assert told == [(500, 750), (750, 750)]
