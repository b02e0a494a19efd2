"""Records from a CSV file: found, created and changed, and every faulty row named."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from sqlalchemy import select

from engine.problems import BadValue, Invalid, Problem, refuse
from engine.records.csv_cells import meant
from engine.records.csv_reading import STAMPS, Duplicates, Sheet, decoded, parsed, sheet_of
from engine.records.database import Database
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.schema.fields import Field
from engine.schema.own_modules import TEMPLATES
from engine.schema.sql_types import Fold

MOST_ROWS = 100_000
BATCH = 500
Progress = Callable[[int, int], None]
View = Callable[[Transaction], Transaction]
Key = tuple[str, Any]
Row = tuple[int, list[str]]


@dataclass
class Imported:
    """What became of the rows of a file. The header is row 1, as a spreadsheet counts."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[tuple[int, Problem]] = field(default_factory=list)

    def add(self, more: "Imported") -> None:
        self.created += more.created
        self.updated += more.updated
        self.unchanged += more.unchanged
        self.problems += more.problems


def import_csv(
    database: Database,
    module: str,
    stream: BinaryIO,
    *,
    author: Author,
    start_workflows: bool = False,
    match: str | None = None,
    duplicates: Duplicates = "merge",
    progress: Progress = lambda done, total: None,
    view: View = lambda tx: tx,
    changed: Callable[[], None] = lambda: None,
) -> Imported:
    """Create and change records from a file whose first row names fields, by name or label.

    A row changes the record with its `number` (or `id`, or the value of the field `match`): `merge`
    keeps what the file leaves blank, `overwrite` empties it, `ignore` leaves the record alone. Of a
    faulty row nothing is written; the others are. No workflow hears of it unless `start_workflows`.
    `changed` is called after each commit that may start something. What is not in the `view` of
    whoever imports is not there. Raises `Invalid` if the file as a whole cannot be taken.
    """
    with database.read() as tx:
        home = tx.schema.module(module)
    header, *rows = parsed(decoded(stream.read()), home)
    sheet = sheet_of(home, header, match, duplicates)
    if len(rows) > MOST_ROWS:
        raise refuse("file", f"it has more than {MOST_ROWS:,} rows.", "Split it.")
    done, seen = Imported(), dict[tuple[str, str], int]()
    numbered = [(row, cells) for row, cells in enumerate(rows, 2) if any(map(str.strip, cells))]
    for start in range(0, len(numbered), BATCH):
        part = numbered[start : start + BATCH]
        with database.begin() as tx:
            records = Records(view(tx), replace(author, source="import"), starts=start_workflows)
            taken = RowImport(records, sheet, seen).take(part)
        done.add(taken)
        if start_workflows or module == TEMPLATES:
            changed()
        progress(start + len(part), len(numbered))
    return done


@dataclass(frozen=True)
class _New:
    """A row that is to become a record."""

    row: int
    key: Key | None
    values: dict[str, Any]
    stamps: dict[str, Any]


class RowImport:
    """Takes one transaction's worth of rows."""

    def __init__(self, records: Records, sheet: Sheet, seen: dict[tuple[str, str], int]) -> None:
        self.records, self.sheet, self.seen = records, sheet, seen
        self.tx, self.module = records.tx, sheet.module
        self.done = Imported()
        self.there: dict[Key, list[int]] = defaultdict(list)
        self.fresh: list[_New] = []

    def take(self, rows: Iterable[Row]) -> Imported:
        read: list[tuple[int, dict[str, Any]]] = []
        for row, cells in rows:
            try:
                read.append((row, self._read(cells)))
            except Invalid as invalid:
                self._fault(row, invalid)
        self._look_up(key for _, values in read if (key := self._key(values)))
        for row, values in read:
            try:
                self._place(row, values)
            except Invalid as invalid:
                self._fault(row, invalid)
        self._create()
        self.done.problems.sort(key=lambda fault: fault[0])
        return self.done

    def _fault(self, row: int, invalid: Invalid) -> None:
        for problem in invalid.problems:
            path = problem.path.removeprefix("values.")
            self.done.problems.append((row, replace(problem, path=path)))

    def _read(self, cells: list[str]) -> dict[str, Any]:
        """The values of a row, None where it is blank. Raises `Invalid` with all faults."""
        values, problems = dict[str, Any](), list[Problem]()
        zone = self.tx.company.calendar.timezone
        if any(map(str.strip, cells[len(self.sheet.columns) :])):
            problems.append(Problem("", "the row has more cells than the header.", "Quote commas."))
        for column, cell in zip(self.sheet.columns, cells, strict=False):
            if column is None:
                continue
            try:
                values[column.name] = column.parse(self._meant(column, cell), zone)
            except BadValue as bad:
                problems.append(Problem(column.name, bad.message, bad.remedy))
        if problems:
            raise Invalid(*problems)
        return values

    def _meant(self, column: Field, cell: str) -> Any:
        value = meant(column, cell)
        if column.type == "reference" and value.strip():
            return self._reference(column, value.strip())
        return find_record(self.tx, value.strip()) if column.type == "record" else value

    def _reference(self, column: Field, cell: str) -> int:
        """The record a cell names, looked up once for the whole file."""
        asked = (column.module or "", cell)
        if asked not in self.seen:
            self.seen[asked] = self.records.reference(column, cell)
        return self.seen[asked]

    def _key(self, values: dict[str, Any]) -> Key | None:
        """What tells which record a row is about: the first of the key columns that is filled."""
        for column in self.sheet.keys:
            if (value := values.get(column.name)) is not None:
                folds = column.kind == "text" and column.name != "number"
                return column.name, value.casefold() if folds else value
        return None

    def _look_up(self, keys: Iterable[Key]) -> None:
        """Find the records of all these rows at once. A deleted one still owns its number."""
        table = self.tx.schema.tables[self.module.name]
        asked: dict[str, set[Any]] = defaultdict(set)
        for name, value in keys:
            asked[name].add(value)
        for name, values in asked.items():
            folds = self.module.field(name).kind == "text" and name != "number"
            column = Fold(table.c[name]) if folds else table.c[name]
            query = select(column, table.c.id, table.c.deleted_at).where(column.in_(values))
            for value, id, deleted in self.tx.db.execute(query):
                if deleted is None:
                    self.there[name, value].append(id)
                elif name == "number":
                    self.there[name, value].append(0)

    def _place(self, row: int, values: dict[str, Any]) -> None:
        """Change the record a row is about, or put it with those to be created."""
        key = self._key(values)
        if key and any(new.key == key for new in self.fresh):
            self._create()
        given = {name: value for name, value in values.items() if name != "id"}
        stamps = {name: given.pop(name) for name in STAMPS if name in given}
        match self.there.get(key, []) if key else []:
            case []:
                if key and key[0] == "id":
                    raise refuse("id", f"there is no record {key[1]} in {self.module.label}.")
                filled = {name: value for name, value in given.items() if value is not None}
                dated = {name: value for name, value in stamps.items() if value is not None}
                self.fresh.append(_New(row, key, filled, dated))
            case [0]:
                told = f"`{values['number']}` belongs to a record that was deleted."
                raise refuse("number", told, "Leave the number out, or choose another.")
            case [id]:
                self._change(id, given)
            case several:
                told = f"{len(several)} records have this value."
                raise refuse(key[0] if key else "", told, "Match by a field that tells them apart.")

    def _change(self, id: int, given: dict[str, Any]) -> None:
        if self.sheet.duplicates == "ignore":
            self.done.unchanged += 1
            return
        keeps = self.sheet.duplicates == "merge"
        values = {name: value for name, value in given.items() if not (keeps and value is None)}
        if values.get("number", "") is None:
            del values["number"]
        if self.records.update(self.module.name, id, values).event is None:
            self.done.unchanged += 1
        else:
            self.done.updated += 1

    def _create(self) -> None:
        """Create what waits to be: all at once, or one by one if there is a fault in one."""
        fresh, self.fresh = self.fresh, []
        try:
            self._created(fresh)
        except Invalid:
            for new in fresh:
                try:
                    self._created([new])
                except Invalid as invalid:
                    self._fault(new.row, invalid)

    def _created(self, fresh: list[_New]) -> None:
        values, stamps = [new.values for new in fresh], [new.stamps for new in fresh]
        saved = self.records.create_all(self.module.name, values, stamps)
        self.done.created += len(saved)
        for new, record in zip(fresh, saved, strict=True):
            if new.key:
                self.there[new.key].append(record.id)


def find_record(tx: Transaction, text: str) -> str:
    """`accounts/ACME` or `invoices/INV-3` as module/id. Raises `BadValue`."""
    name, _, word = text.partition("/")
    module = tx.schema.modules.get(name)
    if module is None or word.isdigit():
        return text
    if (id := tx.find(module, word)) is None:
        raise BadValue(f"there is no single record `{word}` in {module.label}.", "Give its number.")
    return f"{name}/{id}"
