"""Entries: a decision is kept as JSON and read back as the move it was."""

from datetime import UTC, datetime
from subprocess import run
from sys import executable

import pytest
from pydantic import JsonValue

from engine.blocks.step import Await, Do, End, Enter, Move, Skip, Sleep
from engine.effects import Outcome
from engine.effects.records import UpdateRecord
from engine.records.states import Phase, Result
from engine.runs.entry import Entry, restored, stored

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
PAY = UpdateRecord(module="invoices", id=1, title="INV-1", values={"status": "Paid"})


@pytest.mark.parametrize(
    "move",
    [
        Do(PAY),
        Enter("then", "the balance is above 0"),
        Sleep(NOON),
        Await("tasks/12", "until TASK-12 is done"),
        Await("tasks/12", "until TASK-12 is done", NOON),
        Skip(Outcome(Result.UNCHANGED, "nothing to change")),
        End("nothing more to do"),
    ],
)
def test_a_move_is_read_back_as_it_was_decided(move: Move) -> None:
    result = move.outcome.result if isinstance(move, Skip) else Result.DONE
    assert restored(stored(move), result) == move


def test_every_effect_can_be_read_whatever_else_is_imported() -> None:
    code = "from engine.effects import Effect, any_effect; any_effect(); print(*Effect.types)"
    alone = run([executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"mail", "sms", "http", "ask_model"} <= {*alone.split()}


def test_of_a_step_that_is_over_no_effect_is_read() -> None:
    of_an_older_release: dict[str, JsonValue] = {
        "move": "do",
        "effect": {"kind": "fax", "to": "ACME"},
    }
    entry = Entry(1, "fax", 1, of_an_older_release, Phase.CLOSED, Result.DONE, result={"pages": 2})
    assert (entry.waits, entry.seen()) == (False, {"pages": 2, "outcome": "done"})
