"""The one door through which records change: checked, kept in history, and raising its event."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue
from sqlalchemy import func, insert, select, update

from engine.problems import BadValue, Invalid, Problem, refuse, suggest
from engine.records import events, numbers
from engine.records.text_library import refuse_loss, refuse_unfit
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import KEPT_BY_US, Module
from engine.schema.own_modules import TEMPLATES

Values = Mapping[str, Any]
UNLOCK = "Unlock it first."


@dataclass(frozen=True)
class Author:
    """Who makes a change, in which chain of causes: (workflow, record) of all that led here."""

    name: str
    source: str = "user"
    token: str | None = None
    workflow: int | None = None
    run: int | None = None
    depth: int = 0
    chain: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Saved:
    """One record after a change: field -> [before, after]. No event where nothing was changed."""

    id: int
    number: str
    event: int | None
    changes: Mapping[str, list[JsonValue]]


class Records:
    """Creates, changes and deletes records on behalf of one author."""

    def __init__(self, tx: Transaction, author: Author, *, starts: bool = True) -> None:
        self.tx, self.author, self.starts = tx, author, starts
        self.zone = tx.company.calendar.timezone

    def create(self, module: str, values: Values, stamps: Values | None = None) -> Saved:
        """A new record. `stamps` sets what is otherwise kept by us, like created_at.

        Raises `Invalid` with every fault; nothing is written then.
        """
        return self.create_all(module, [values], [stamps or {}])[0]

    def create_all(
        self, module: str, many: Iterable[Values], stamps: Iterable[Values] = ()
    ) -> list[Saved]:
        """Many new records, in a handful of statements."""
        home = self.tx.schema.module(module)
        table = self.tx.schema.homes[module]
        rows = [self._checked(home, values, new=True) for values in many]
        if module == TEMPLATES:
            for place, row in enumerate(rows):
                refuse_unfit(self.tx, row, beside=rows[:place])
        for row, number in zip(rows, self._numbers(home, rows), strict=True):
            row["number"] = number
            row.update(self._stamp(created=True))
        for row, stamp in zip(rows, stamps, strict=False):
            row.update(
                {name: home.field(name).parse(value, self.zone) for name, value in stamp.items()}
            )
        every = [
            {
                column: row.get(column)
                for column in table.columns.keys()  # noqa: SIM118 - a collection of columns, not a dict
                if column not in ("id", "revision")
            }
            for row in rows
        ]
        ids = self._insert(home, every) if every else []
        snapshots = [_dump(home, row) for row in rows]
        events = self._events(
            home, ids, "created", [_born(snapshot) for snapshot in snapshots], snapshots
        )
        return [
            Saved(id, row["number"], event, _born(snapshot))
            for id, row, event, snapshot in zip(ids, rows, events, snapshots, strict=True)
        ]

    def update(self, module: str, id: int, values: Values, *, force: bool = False) -> Saved:
        """Change fields of a record. What changes nothing raises no event, unless by `force`.

        Raises `Invalid`.
        """
        home = self.tx.schema.module(module)
        row = self.row(home, id)
        parsed = self._checked(home, values, new=False)
        number = row["number"]
        if row["locked"] and parsed.get("locked") is not False:
            raise Invalid(Problem("", f"{number} is locked and cannot be changed.", UNLOCK))
        changed = {name: value for name, value in parsed.items() if row[name] != value}
        if not changed:
            return Saved(id, number, self._untouched(home, row) if force else None, {})
        if "number" in changed:
            self._renumber(home, changed)
        if module == TEMPLATES:
            refuse_unfit(self.tx, {**row, **changed}, id)
            if "name" in changed:
                refuse_loss(self.tx, row)
        stamped = {**changed, **self._stamp(created=False)}
        self._change(home, id, stamped)
        changes = {
            name: [home.field(name).dump(row[name]), home.field(name).dump(value)]
            for name, value in changed.items()
        }
        snapshot = _dump(home, {**row, **stamped})
        (event,) = self._events(home, [id], "modified", [changes], [snapshot])
        return Saved(id, str(stamped.get("number", number)), event, changes)

    def note(self, module: str, id: int, values: Values) -> bool:
        """Change it as far as it takes a change; False where somebody has locked it, say.

        For what is also kept elsewhere, and must be, whatever people have done to the record.
        """
        try:
            with self.tx.db.begin_nested():
                self.update(module, id, values)
        except Invalid:
            return False
        return True

    def _untouched(self, module: Module, row: Values) -> int:
        """The event of a save that changed nothing."""
        (event,) = self._events(module, [row["id"]], "modified", [{}], [_dump(module, row)])
        return event

    def delete(self, module: str, id: int) -> Saved:
        """Take a record out of every list; its history stays."""
        home = self.tx.schema.module(module)
        row = self.row(home, id)
        if row["locked"]:
            raise Invalid(Problem("", f"{row['number']} is locked and cannot be deleted.", UNLOCK))
        if module == TEMPLATES:
            refuse_loss(self.tx, row)
        self._change(home, id, {"deleted_at": self.tx.now})
        (event,) = self._events(home, [id], "deleted", [{}], [_dump(home, row)])
        return Saved(id, row["number"], event, {})

    def ids(self, module: str, values: Values) -> list[int]:
        """The records whose fields have exactly these values, the oldest first.

        None where the module does not have these fields.
        """
        table = self.tx.schema.tables[module]
        if not values.keys() <= set(table.c.keys()):
            return []
        alike = (table.c[name] == value for name, value in values.items())
        query = select(table.c.id).where(table.c.deleted_at.is_(None), *alike)
        return list(self.tx.db.scalars(query.order_by(table.c.id)))

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All that is done inside or, should it raise, nothing of it."""
        with self.tx.db.begin_nested():
            yield

    def alone(self, word: str) -> None:
        """Let nobody else do what goes by this word until all is done; SQLite has one writer."""
        if self.tx.db.dialect.name == "postgresql":
            self.tx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext(word))))

    def row(self, module: Module, id: int) -> Values:
        """The stored row, held against other writers until all is done. Raises `Invalid`."""
        table, seen = self.tx.schema.homes[module.name], self.tx.schema.tables[module.name]
        here = select(table).where(table.c.id == id, table.c.deleted_at.is_(None))
        if seen is not table:
            here = here.where(table.c.id.in_(select(seen.c.id).where(seen.c.id == id)))
        found = self.tx.db.execute(here.with_for_update()).mappings().first()
        if found is None:
            raise missing(module, id)
        return dict(found)

    def _checked(self, module: Module, values: Values, *, new: bool) -> dict[str, Any]:
        """The values as they are kept; raises `Invalid` with all faults at once."""
        problems: list[Problem] = []
        parsed: dict[str, Any] = {}
        for name, raw in values.items():
            try:
                parsed[name] = self._parse(module, name, raw)
            except BadValue as bad:
                problems.append(Problem(f"values.{name}", bad.message, bad.remedy))
        asked = module.by_name if new else parsed
        for field in map(module.field, asked):
            if (
                new
                and field.name not in parsed
                and field.default is not None
                and not field.computed
            ):
                parsed[field.name] = field.parse(field.default, self.zone)
            if new and field.type == "bool" and parsed.get(field.name) is None:
                parsed[field.name] = False
            path = f"values.{field.name}"
            if not field.required or any(problem.path == path for problem in problems):
                continue
            if parsed.get(field.name, None if new else "kept") is None:
                told = f"{module.singular} needs {field.title}."
                remedy = (
                    suggest("", field.options, "Choices") if field.options else "Give it a value."
                )
                problems.append(Problem(path, told, remedy))
        if problems:
            raise Invalid(*problems)
        return parsed

    def _parse(self, module: Module, name: str, raw: Any) -> Any:
        if name not in module.by_name:
            raise BadValue(
                f"there is no field `{name}` in {module.label}.",
                module.instead_of(name),
            )
        field = module.by_name[name]
        if field.computed or name in KEPT_BY_US:
            why = "is computed" if field.computed else "is kept by Sayso"
            raise BadValue(f"{field.title} {why} and cannot be set.", "Leave it out.")
        value = field.parse(self.reference(field, raw), self.zone)
        if field.type == "owner" and value is not None and value not in self.tx.handles:
            raise BadValue(
                f"there is no user or group `{value}`.",
                suggest(value, self.tx.handles, "There are"),
            )
        return value

    def reference(self, field: Field, raw: Any) -> Any:
        """A reference by number or name (`INV-3`, `ACME`) becomes its id. Raises `BadValue`."""
        if field.type != "reference" or raw is None or raw == "":
            return raw
        target = self.tx.schema.module(field.module or "")
        if isinstance(raw, str) and not raw.strip().isdigit():
            if (found := self.tx.find(target, raw)) is None:
                raise BadValue(
                    f"there is no single record `{raw}` in {target.label}.",
                    "Give its id, number or full name.",
                )
            return found
        id = field.parse(raw, self.zone)
        if not self._exists(target, id):
            raise BadValue(
                f"there is no record {id} in {target.label}.",
                "It may have been deleted.",
            )
        return id

    def _numbers(self, module: Module, rows: list[dict[str, Any]]) -> list[str]:
        """A readable number for each row; given ones are kept, and counted past."""
        given = [row.get("number") for row in rows]
        self._refuse_taken(module, [str(number) for number in given if number])
        counted = re.escape(module.numbering).replace(r"\{n\}", r"(\d{1,9})")
        pattern = re.compile(f"^{counted}$", re.ASCII)
        highest = max(
            (int(found[1]) for number in given if number and (found := pattern.match(number))),
            default=0,
        )
        wanted = sum(number is None for number in given)
        first = self._reserve(module, highest + 1, wanted)
        fresh = iter(range(first, first + wanted))
        return [number or module.numbering.replace("{n}", str(next(fresh))) for number in given]

    def _renumber(self, module: Module, changed: Values) -> None:
        """A record may get another number that nobody has; new ones are counted past it."""
        if changed["number"] is None:
            raise refuse("values.number", f"{module.singular} needs Number.", "Give it a value.")
        self._numbers(module, [dict(changed)])

    def _refuse_taken(self, module: Module, numbers: list[str]) -> None:
        """Raise `Invalid` if a number is given twice, or is that of a record, deleted or not."""
        taken = [number for number, times in Counter(numbers).items() if times > 1]
        column = self.tx.schema.homes[module.name].c.number
        for start in range(0, len(numbers), 500):
            part = numbers[start : start + 500]
            taken += self.tx.db.scalars(select(column).where(column.in_(part)))
        if taken:
            told = f"there is a record {taken[0]} already."
            raise refuse("values.number", told, "Leave the number out.")

    def _stamp(self, *, created: bool) -> dict[str, Any]:
        stamp: dict[str, Any] = {
            "modified_at": self.tx.now,
            "modified_by": self.author.name,
        }
        if created:
            stamp |= {
                "created_at": self.tx.now,
                "created_by": self.author.name,
                "source": self.author.source,
            }
        return stamp

    def _events(
        self,
        module: Module,
        ids: list[int],
        kind: str,
        changes: list[dict[str, list[JsonValue]]],
        snapshots: list[dict[str, JsonValue]],
    ) -> list[int]:
        author = self.author
        common = {
            "module": module.name,
            "kind": kind,
            "at": self.tx.now,
            "actor": author.name,
            "source": author.source,
            "token": author.token,
            # What workflows say must be looked at whoever changed it, and whatever that may start.
            "pending": self.starts or module.name == TEMPLATES,
            "workflow": author.workflow,
            "run": author.run,
            "depth": author.depth,
            "chain": [list(link) for link in author.chain] or None,
        }
        rows = [
            {
                **common,
                "record": id,
                "changes": change,
                "snapshot": snapshot if self.starts else None,
            }
            for id, change, snapshot in zip(ids, changes, snapshots, strict=True)
        ]
        return self._raise(rows) if rows else []

    # --- what reaches the database ---

    def _insert(self, module: Module, rows: list[dict[str, Any]]) -> list[int]:
        table = self.tx.schema.homes[module.name]
        added = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        return list(self.tx.db.scalars(added, rows))

    def _change(self, module: Module, id: int, values: Values) -> None:
        table = self.tx.schema.homes[module.name]
        changed = update(table).where(table.c.id == id)
        self.tx.db.execute(changed.values(**values, revision=table.c.revision + 1))

    def _raise(self, rows: list[dict[str, Any]]) -> list[int]:
        return events.add(self.tx.db, rows)

    def _reserve(self, module: Module, least: int, wanted: int) -> int:
        """The first of so many numbers that nobody else will use."""
        first = max(numbers.next_free(self.tx.db, module.name), least)
        numbers.go_on_at(self.tx, module.name, first + wanted)
        return first

    def _exists(self, module: Module, id: int) -> bool:
        table = self.tx.schema.tables[module.name]
        here = select(table.c.id).where(table.c.id == id, table.c.deleted_at.is_(None))
        return self.tx.db.scalar(here) is not None


def missing(module: Module, id: int) -> Invalid:
    """What to say of a record that is not there."""
    told = f"there is no record {id} in {module.label}."
    return refuse("record", told, "It may have been deleted.")


def _dump(module: Module, row: Values) -> dict[str, JsonValue]:
    return {
        name: field.dump(row[name])
        for name, field in module.by_name.items()
        if row.get(name) is not None and not field.computed and name != "id"
    }


def _born(snapshot: Mapping[str, JsonValue]) -> dict[str, list[JsonValue]]:
    return {
        name: [None, value]
        for name, value in snapshot.items()
        if name not in KEPT_BY_US and name not in ("number", "locked")
    }
