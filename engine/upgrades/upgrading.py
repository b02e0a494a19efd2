"""Take all upgrade steps that a database still needs: all of them, or none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.records import schema_number
from engine.records.database import Database
from engine.records.schema_number import NUMBER
from engine.upgrades.backup import Progress, beside, copy
from engine.upgrades.changing import Changing
from engine.upgrades.steps import STEPS


@dataclass(frozen=True)
class Upgrade:
    """What was done: from which number to which, and where the copy from before lies, if anywhere.

    Nothing was to be done if both numbers are the same; `before` is None where nothing was there.
    """

    before: int | None
    after: int
    copy: Path | None = None


def upgrade(
    database: Database,
    say: Callable[[str], None] = lambda words: None,
    progress: Progress = lambda done, total: None,
) -> Upgrade:
    """Bring the database to the shape of this program, all in one transaction.

    Should it fail, everything is as it was. A SQLite file is copied first, as it is when nobody can
    write to it any more. Of several processes one does it, and the others wait and find it done.
    Raises `Outdated` if the database is newer than the program.
    """
    with database.engine.begin() as db:
        schema_number.alone(db)
        number = schema_number.number_of(db)
        if number is None or number == NUMBER:
            return Upgrade(number, NUMBER)
        if number > NUMBER:
            schema_number.check(number)
        kept = _copy(database, number, progress)
        try:
            _take(Changing(database, db, database.clock(), say), number)
        except BaseException:
            if kept:
                kept.unlink()  # nothing has changed, so it is a copy of what is there
            raise
    return Upgrade(number, NUMBER, kept)


def _copy(database: Database, number: int, progress: Progress) -> Path | None:
    file = database.engine.url.database
    if database.engine.dialect.name != "sqlite" or not file or not Path(file).exists():
        return None
    kept = beside(file, number)
    copy(file, str(kept), progress)
    return kept


def _take(changing: Changing, number: int) -> None:
    for step in STEPS[number:]:
        changing.say(f"schema {step.number}: {step.words}")
        step.take(changing)
    tx = changing.transaction()
    tx.keep_number(NUMBER)
    for what in ("modules", "company", "workflows"):
        tx.touch(what)
