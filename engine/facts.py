"""What can be known of a record in one transaction: values, what is joined to it, its people."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, or_, select

from engine.columns import Fold
from engine.conditions import Binder, Relation
from engine.context import Person, Subject
from engine.fields import Field
from engine.filters import Named
from engine.modules import Module, Path
from engine.readings import Columns
from engine.transaction import Transaction

Values = Mapping[str, Any]


class Reader:
    """Rows of modules, each read once. With `overlay` a rehearsal sees changes never made."""

    def __init__(self, tx: Transaction, at: datetime | None = None) -> None:
        self.tx, self.at = tx, at or tx.now
        self._rows: dict[tuple[str, int], Values | None] = {}
        self._users: dict[str, Values | None] = {}
        self._refused: dict[str, str | None] = {}

    def binder(self, module: Module, *, event: bool = False) -> Binder:
        return self.tx.binder(module, event=event, at=self.at)

    def row(self, module: Module, id: int) -> Values | None:
        """The values of a record; None if there is none, or it was deleted."""
        key = (module.name, id)
        if key not in self._rows:
            self._load(module, [id])
        return self._rows[key]

    def load(self, module: Module, ids: Iterable[int]) -> None:
        """Read many records at once."""
        self._load(module, [id for id in ids if (module.name, id) not in self._rows])

    def _load(self, module: Module, ids: list[int]) -> None:
        table = self.tx.schema.tables[module.name]
        found: dict[int, RowMapping] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            rows = self.tx.db.execute(
                select(table).where(table.c.id.in_(part), table.c.deleted_at.is_(None))
            )
            found |= {row["id"]: row for row in rows.mappings()}
        for id in ids:
            self._rows[(module.name, id)] = dict(found[id]) if id in found else None

    def overlay(self, module: Module, id: int, values: Mapping[str, Any]) -> None:
        """Let this reader see other values than those stored."""
        self._rows[(module.name, id)] = {**(self.row(module, id) or {}), **values}

    def seen(self, module: str, id: int) -> Values | None:
        """What is known of a record without looking again."""
        return self._rows.get((module, id))

    def keep(self, module: str, id: int, values: Values | None) -> None:
        """Take these as the values of a record; None says that there is no such record any more."""
        self._rows[(module, id)] = values

    def user(self, handle: str) -> Values | None:
        if handle not in self._users:
            users = self.tx.schema.tables["users"]
            where = (users.c.username == handle, users.c.deleted_at.is_(None))
            row = self.tx.db.execute(select(users).where(*where)).mappings().first()
            self._users[handle] = dict(row) if row else None
        return self._users[handle]

    def members(self, group: str) -> list[str] | None:
        """The users of a group; None if there is no such group."""
        groups = self.tx.schema.tables["groups"]
        where = (groups.c.name == group, groups.c.deleted_at.is_(None))
        row = self.tx.db.execute(select(groups.c.members).where(*where)).first()
        return (row[0] or []) if row else None

    def computed(self, module: Module, id: int, field: Field) -> Any:
        table = self.tx.schema.tables[module.name]
        columns = Columns(self.binder(module), table)
        return self.tx.db.scalar(select(columns.field(field)).where(table.c.id == id))

    def related(self, module: Module, field: str, value: int | None) -> list[int]:
        """The ids of the records whose reference has this value."""
        if value is None:
            return []
        table = self.tx.schema.tables[module.name]
        where = (table.c[field] == value, table.c.deleted_at.is_(None))
        rows = self.tx.db.execute(select(table).where(*where).order_by(table.c.id)).mappings().all()
        for row in rows:
            self._rows.setdefault((module.name, row["id"]), dict(row))
        return [row["id"] for row in rows]

    def refused(self, address: str) -> str | None:
        """Why nobody may write to this address automatically; None if they may."""
        if address not in self._refused:
            self._refused[address] = next(self._refusals(address), None)
        return self._refused[address]

    def _refusals(self, address: str) -> Iterator[str]:
        for module in self.tx.schema:
            if not (module.email_field and "email" in module.opt_out):
                continue
            table = self.tx.schema.tables[module.name]
            opted = table.c[module.opt_out["email"]]
            bounced = table.c.bounce_status if "bounce_status" in table.c else None
            asked = [opted.is_(True)] + (
                [bounced.in_(("bounce", "complaint"))] if bounced is not None else []
            )
            where = (
                Fold(table.c[module.email_field]) == address.casefold(),
                table.c.deleted_at.is_(None),
                or_(*asked),
            )
            if row := self.tx.db.execute(select(opted).where(*where)).first():
                why = "has opted out of e-mail" if row[0] else "does not take our mail (bounced)"
                yield f"{address} {why}"


class RecordFacts:
    """One record as conditions see it, and the change that led here, if one did."""

    def __init__(
        self,
        reader: Reader,
        module: Module,
        values: Values,
        changes: Mapping[str, tuple[Any, Any]] | None = None,
        *,
        created: bool = False,
    ) -> None:
        self.reader, self.module, self.values = reader, module, values
        self.changes, self._created = changes or {}, created

    @property
    def created(self) -> bool:
        return self._created

    def value(self, path: Path) -> Any:
        module, values = self._follow(path)
        if values is None:
            return None
        if path.field.computed:
            return self.reader.computed(module, values["id"], path.field)
        return values.get(path.field.name)

    def reached(self, path: Path) -> bool:
        return self._follow(path)[1] is not None

    def _follow(self, path: Path) -> tuple[Module, Values | None]:
        module, values = self.module, self.values
        for hop in path.hops:
            link = values.get(hop.field.name)
            there = None
            if link is not None:
                there = (
                    self.reader.user(link)
                    if hop.field.type == "owner"
                    else self.reader.row(hop.module, link)
                )
            if there is None:
                return hop.module, None
            module, values = hop.module, there
        return module, values

    def change(self, field: Field) -> tuple[Any, Any] | None:
        return self.changes.get(field.name)

    def related(self, relation: Relation) -> list["RecordFacts"]:
        ids = self.reader.related(
            relation.module, relation.via.name, self.values.get(relation.anchor)
        )
        return [
            RecordFacts(self.reader, relation.module, self.reader.row(relation.module, id) or {})
            for id in ids
        ]


def subject(module: Module, values: Values) -> Subject:
    return Subject(module, values["id"], values.get("number") or "", name_of(module, values))


def name_of(module: Module, values: Values) -> str:
    """What people call a record: its name, or its number."""
    return str(values.get(module.name_field) or values.get("number") or "")


def template_data(facts: RecordFacts, paths: Iterable[str]) -> dict[str, Any]:
    """A record as plain data for templates: its values, and of others just what `paths` ask for."""
    module, reader = facts.module, facts.reader
    inside: dict[str, set[str]] = {}
    for path in paths:
        head, _, rest = path.partition(".")
        inside.setdefault(head, set()).update([rest] if rest else [])
    data: dict[str, Any] = {}
    asked = module.by_name if "" in inside else inside.keys() & module.by_name
    for name in asked:
        field, value = module.by_name[name], facts.values.get(name)
        if field.computed:
            data |= {name: facts.value(Path(module, (), field))} if name in inside else {}
        elif value is not None and name in inside and (target := reader.tx.schema.target(field)):
            data[name] = _named(reader, field, target, value, inside[name])
        elif field.kind != "json":
            data[name] = value
    if "lines" in inside and reader.tx.schema.lines(module):
        data["lines"] = line_data(facts)
    return data


def _named(
    reader: Reader, field: Field, target: Module, value: Any, paths: set[str]
) -> Named | None:
    """The record that a field leads to; a group of users has a name only."""
    there = reader.user(value) if field.type == "owner" else reader.row(target, value)
    if there is None:
        return Named(value, str(value), {}) if field.type == "owner" else None
    inside = template_data(RecordFacts(reader, target, there), paths) if paths else {}
    return Named(value, name_of(target, there), inside)


def line_data(facts: RecordFacts) -> list[dict[str, Any]]:
    """The lines of a record, as plain data."""
    lines = facts.reader.tx.schema.lines(facts.module)
    if not lines:
        return []
    child, field = lines
    ids = facts.reader.related(child, field.name, facts.values["id"])
    rows = [facts.reader.row(child, id) or {} for id in ids]
    own = [field.name for field in child.fields if not field.computed]
    return [{name: row.get(name) for name in own} for row in rows]


def people(facts: RecordFacts, word: str) -> list[Person]:
    """Whom a recipient word means: an address, a user, a group, or a field that leads there."""
    reader, name = facts.reader, word.strip().removeprefix("group:")
    if "@" in name:
        return [Person(name)]
    path = None
    if name.split(".")[0] in facts.module.by_name:
        path = reader.tx.schema.path(facts.module, name)
    if path is None:
        return handles(reader, [name])
    value = facts.value(path)
    if value is None:
        return []
    if path.field.type in ("owner", "owners"):
        return handles(reader, value if isinstance(value, list) else [value])
    target = reader.tx.schema.target(path.field)
    if target and target.email_field:
        row = reader.row(target, value) or {}
        address = row.get(target.email_field)
        return [Person(address, name_of(target, row))] if address else []
    return [Person(str(value))]


def handles(reader: Reader, names: Iterable[str]) -> list[Person]:
    """Users by name, and the members of groups; those who are switched off are left out."""
    found = []
    for name in names:
        for member in reader.members(name) or [name]:
            user = reader.user(member)
            if user and user.get("active") is not False:
                found.append(Person(user.get("email") or "", user.get("name") or member, member))
    return found


def paused(facts: RecordFacts) -> str | None:
    """Why customers are not to be reminded of this record now; None if they may be."""
    for dotted in facts.module.paused_by:
        path = facts.reader.tx.schema.path(facts.module, dotted)
        if facts.value(path) is True:
            whose = (
                f" of its {' '.join(hop.field.title.lower() for hop in path.hops)}"
                if path.hops
                else ""
            )
            return f"chasing{whose} is paused for {facts.values.get('number')}"
    return None
