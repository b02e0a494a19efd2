"""Documents that cannot be are refused with place, fault and remedy; none is too strange."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.outside.egress import Egress
from engine.problems import Invalid, Problem
from engine.records.database import Database
from engine.records.transaction import Transaction
from engine.review import decisions
from engine.runs.advising import advised
from engine.runs.audience import audience
from engine.runs.rehearsal import rehearse
from engine.workflows import loops
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import (
    By,
    Checked,
    Library,
    examine,
    save_draft,
    submit,
    surroundings,
)
from tests.databases import SqlitePairs
from tests.malformed import CASES, SOUND, Document, Malformed
from tests.stages.demo.story import NOW, fill, scenarios


@pytest.fixture(scope="module")
def database(
    sqlite_pairs: SqlitePairs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """The demo's records, which these tests only read."""
    with sqlite_pairs.cloned("reference", fill, tmp_path_factory.mktemp("malformed")) as pair:
        database = Database(pair.database_url, lambda: NOW)
        yield database
        database.close()


def examined(tx: Transaction, document: Any) -> Checked:
    return examine(tx, document, Egress().problem)


def test_the_document_that_the_others_are_made_of_is_sound(database: Database) -> None:
    with database.read() as tx:
        assert examined(tx, SOUND).problems == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_malformed_document_is_refused_with_place_fault_and_remedy(
    case: Malformed, database: Database
) -> None:
    with database.read() as tx:
        first, *_ = examined(tx, case.document).problems
    assert first == case.problem


def test_two_workflows_that_would_start_each_other_for_ever_are_refused(
    sqlite_pairs: SqlitePairs, tmp_path: Path
) -> None:
    def writing(name: str, watched: str, written: str) -> Document:
        return {
            "name": name,
            "module": "invoices",
            "trigger": {"type": "record_modified", "fields": [watched]},
            "steps": [{"id": "set", "type": "update_fields", "values": {written: "today"}}],
        }

    with sqlite_pairs.cloned("reference", fill, tmp_path) as pair:
        database = Database(pair.database_url, lambda: NOW)
        with database.begin() as tx:
            draft = save_draft(tx, writing("One", "subject", "source_id"), By("alice"))
            version = submit(tx, draft.id, 1, "", By("alice"), Egress().problem, None)
            decisions.approve(tx, Library(), version.id, version.hash, By("admin"), "")
            problems = examined(tx, writing("Two", "source_id", "subject")).problems
        database.close()
    assert problems == (
        Problem(
            "steps.0",
            "it would start “One”, which changes id in the source system of invoices and so "
            "would start this one again.",
            loops.REMEDY,
        ),
    )


@pytest.mark.parametrize("name", ["text that no database can hold", "half of a character"])
def test_what_no_database_can_hold_is_not_even_kept_as_a_draft(
    name: str, database: Database
) -> None:
    (case,) = [case for case in CASES if case.name == name]
    with database.begin() as tx, pytest.raises(Invalid) as refused:
        save_draft(tx, case.document, By("alice"))
    assert refused.value.problems == (case.problem,)


# --- whatever somebody sends ---

USE_CASES = [
    case["document"] for _, case in scenarios(Path(__file__).parent / "scenarios", "U*.json")
]
WORDS = sorted(
    {word for one in USE_CASES for word in json.dumps(one).split('"') if word.isidentifier()}
)
ODD = [
    "",
    " ",
    "{{ record.",
    "{{ record.account.owner.name }}",
    "{{ 1/0 }}",
    "today+3d",
    "-1",
    "١٢",
]
ODD += [
    "a" * 3000,
    "🙂",
    "group:",
    "@",
    "today-999999d",
    "2026-02-30",
    "9999-12-31",
    "00:60",
    "\x00",
]
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*WORDS, *ODD])
)
junk = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def places(node: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a document."""
    yield here
    if isinstance(node, (dict, list)):
        for key, part in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(part, (*here, key))


def mutate(document: Any, data: st.DataObject) -> Any:
    """The document with one thing deleted, renamed, doubled, buried or replaced."""
    way = data.draw(st.sampled_from(list(places(document))))
    how = data.draw(st.sampled_from(("delete", "rename", "replace", "double", "bury")))
    if not way:
        return document
    *through, last = way
    holder = document
    for key in through:
        holder = holder[key]
    value = holder[last]
    match how:
        case "delete":
            del holder[last]
        case "rename" if isinstance(holder, dict):
            holder[data.draw(st.sampled_from(WORDS) | st.text(max_size=5))] = holder.pop(last)
        case "double" if isinstance(holder, list):
            holder.append(value)
        case "bury":
            for _ in range(data.draw(st.integers(1, 80))):
                value = data.draw(st.sampled_from(([value], {"not": value}, {"all": [value]})))
            holder[last] = value
        case _:
            holder[last] = data.draw(junk)
    return document


def test_a_document_however_strange_is_explained_or_can_be_rehearsed(
    database: Database,
) -> None:
    @settings(
        max_examples=500,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def survives(data: st.DataObject) -> None:
        document = json.loads(json.dumps(data.draw(st.sampled_from(USE_CASES))))
        for _ in range(data.draw(st.integers(1, 4))):
            document = mutate(document, data)
        with database.read() as tx:
            checked = examined(tx, document)
            assert all(problem.message for problem in checked.problems)
            assert checked.parsed or checked.problems
            if checked.parsed and checked.parsed.module in tx.schema.modules:
                module = tx.schema.module(checked.parsed.module)
                assert checked.parsed.words(tx.binder(module))
                if not checked.problems:
                    assert list(advised(tx, checked.parsed)) is not None
                assert fingerprint(document, checked.parsed, surroundings(tx))
                if not checked.problems:
                    assert audience(tx, checked.parsed, NOW).count >= 0
                    table = tx.schema.tables[module.name]
                    ids = tx.db.scalars(select(table.c.id).limit(2)).all()
                    assert [one.id for one in rehearse(tx, checked.parsed, ids)] == ids

    survives()
