"""The states of runs and entries: types in the code, the same words in the database."""

import ast
from collections.abc import Iterator

from engine.records.states import DRIVEN, ENDED, GOING_ON, Phase, Result, RunState
from engine.records.tables import ENTRIES, RUNS
from tests.test_house import ENGINE, Source

# `paused` is a word for workflows too, and what became of a message has states of its own.
RUN_WORDS = {*RunState} - {RunState.PAUSED}


def test_every_run_has_ended_or_goes_on() -> None:
    assert sorted((*GOING_ON, *ENDED)) == sorted(RunState)
    assert (*DRIVEN, RunState.PAUSED) == GOING_ON


def test_a_state_fits_its_column() -> None:
    columns = {RUNS.c.state: RunState, ENTRIES.c.phase: Phase, ENTRIES.c.outcome: Result}
    for column, words in columns.items():
        assert max(map(len, words)) <= (getattr(column.type, "length", None) or 0)


def test_states_are_types_and_not_strings() -> None:
    broken = [
        f"{source.name}:{line} writes {word!r}"
        for source in ENGINE
        if source.package != "upgrades"  # a step of an upgrade keeps the words of its time
        for line, word in _written(source)
    ]
    assert broken == []


def _written(source: Source) -> Iterator[tuple[int, str]]:
    """Words for states that stand as strings where one of an entry, a run or an outcome belongs."""
    for node in source.nodes:
        match node:
            case ast.Compare(left=ast.Attribute(attr=("phase" | "outcome") as name)):
                yield from _words(node, {*Phase} if name == "phase" else {*Result})
            case ast.Compare(left=ast.Attribute(attr="result")):
                yield from _words(node, {*Result})
            case ast.Compare(left=ast.Attribute(attr="state")) if source.package == "runs":
                yield from _words(node, RUN_WORDS)
            case ast.Call(func=ast.Name(id="Outcome"), args=[ast.Constant(value=str(word)), *_]):
                yield node.lineno, word


def _words(node: ast.Compare, words: set[str]) -> Iterator[tuple[int, str]]:
    for part in ast.walk(node):
        match part:
            case ast.Constant(value=str(word)) if word in words:
                yield part.lineno, word
