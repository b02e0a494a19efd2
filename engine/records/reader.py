"""What can be known of a record in one transaction: values, what is joined to it, its people."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import RowMapping, or_, select

from engine.company.message_limits import NAMES, Channel
from engine.conditions import Binder, Condition, Relation, bound
from engine.conditions.readings import Columns, where
from engine.problems import BadValue
from engine.records import rota
from engine.records.named import ActiveWorkflow, Subject
from engine.records.suppression import suppressed
from engine.records.tables import WORKFLOWS
from engine.records.transaction import Transaction
from engine.schema.english import listed
from engine.schema.fields import Field
from engine.schema.modules import Hop, Module, Path, Schema
from engine.schema.own_modules import GROUPS, TAG_CATEGORIES, USERS
from engine.schema.phones import e164
from engine.schema.purposes import Purpose
from engine.schema.sql_types import Fold
from engine.templates.filters import Named, Row, Unusable
from engine.templates.variables import way_to

Values = Mapping[str, Any]
CURRENCY = "currency"


class Reader:
    """Rows of modules, each read once."""

    def __init__(self, tx: Transaction, at: datetime | None = None) -> None:
        self.tx, self.at = tx, at or tx.now
        self._rows: dict[tuple[str, int], Values | None] = {}
        self._users: dict[str, Values | None] = {}
        self._refused: dict[str, str | None] = {}
        self._labelled: dict[str, Collection[str]] = {}

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

    def seen(self, module: str, id: int) -> Values | None:
        """What is known of a record without looking again."""
        return self._rows.get((module, id))

    def keep(self, module: str, id: int, values: Values | None) -> None:
        """Take these as the values of a record; None says that there is no such record any more."""
        self._rows[(module, id)] = values

    def known(self) -> dict[tuple[str, int], Values | None]:
        """All that has been read so far."""
        return dict(self._rows)

    def forget_all_but(self, known: Mapping[tuple[str, int], Values | None]) -> None:
        """Read again whatever is not as it was then."""
        self._rows = {key: row for key, row in self._rows.items() if known.get(key) is row}

    def user(self, handle: str) -> Values | None:
        if handle not in self._users:
            users = self.tx.schema.tables[USERS]
            where = (users.c.username == handle, users.c.deleted_at.is_(None))
            row = self.tx.db.execute(select(users).where(*where)).mappings().first()
            self._users[handle] = dict(row) if row else None
        return self._users[handle]

    def group(self, name: str) -> Values | None:
        groups = self.tx.schema.tables[GROUPS]
        where = (groups.c.name == name, groups.c.deleted_at.is_(None))
        row = self.tx.db.execute(select(groups).where(*where)).mappings().first()
        return dict(row) if row else None

    def members(self, group: str) -> list[str] | None:
        """The users of a group; None if there is no such group."""
        found = self.group(group)
        return (found["members"] or []) if found else None

    def next_in_turn(self, group: str) -> str | None:
        """The member of a group whose turn it would be now."""
        return rota.expected(self.tx, group)

    def workflow(self, known: int | str) -> ActiveWorkflow | None:
        """The one active workflow with this number or name."""
        found = [each for each in active(self.tx) if known in (each.id, each.name)]
        return found[0] if len(found) == 1 else None

    def chosen(self, module: Module, condition: Condition, most: int) -> list[Subject]:
        """The first records of a module that fit, as far as `most`. Raises `Invalid`."""
        table = self.tx.schema.tables[module.name]
        binder = self.binder(module)
        fits = where(bound(condition, binder), Columns(binder, table))
        query = select(table.c.id).where(table.c.deleted_at.is_(None), fits)
        ids = self.tx.db.scalars(query.order_by(table.c.id).limit(most)).all()
        self.load(module, ids)
        return [subject(module, self.row(module, id) or {"id": id}) for id in ids]

    def computed(self, module: Module, id: int, field: Field) -> Any:
        table = self.tx.schema.tables[module.name]
        columns = Columns(self.binder(module), table)
        return self.tx.db.scalar(select(columns.field(field)).where(table.c.id == id))

    def currencies(self, module: Module, id: int, field: Field) -> list[str]:
        """The currencies that a computed amount takes together: one, as a rule.

        Of more than two the first and the last, by name.
        """
        formula = dict(field.formula or {})
        how = next((name for name in ("sum", "avg") if name in formula), "")
        there = self.tx.schema.modules.get(str(formula.get("of")))
        measured = there.by_name.get(str(formula.pop(how, ""))) if there else None
        if not (there and measured and measured.kept.name == "money" and CURRENCY in there.by_name):
            return []
        asked: list[JsonValue] = [{"field": measured.name, "op": "not_equals", "value": 0}]
        formula["where"] = {"all": [*asked, *([formula["where"]] if "where" in formula else [])]}
        columns = Columns(self.binder(module), table := self.tx.schema.tables[module.name])
        ends = [columns.formula(field, {end: CURRENCY, **formula}) for end in ("min", "max")]
        found = self.tx.db.execute(select(*ends).where(table.c.id == id)).one()
        return sorted({name for name in found if name})

    def belonging(self, relation: Relation, anchor: int | None) -> list[Values]:
        """The records that belong with the one that has this anchor, by id."""
        home = relation.link.module if relation.link else relation.module
        ids = self.related(home, relation.via.name, relation.key(anchor))
        if relation.link:
            between = (self.row(home, id) or {} for id in ids)
            onward = {row.get(relation.link.onward.name) for row in between}
            ids = sorted(id for id in onward if id is not None)
            self.load(relation.module, ids)
        return [row for id in ids if (row := self.row(relation.module, id)) is not None]

    def labelled(self, category: str) -> Collection[str]:
        """The tags of a category, all folded."""
        if category not in self._labelled:
            tags = self.tx.schema.tables[TAG_CATEGORIES]
            where = (Fold(tags.c.category) == category, tags.c.deleted_at.is_(None))
            names = self.tx.db.scalars(select(tags.c.name).where(*where))
            self._labelled[category] = {name.casefold() for name in names if name}
        return self._labelled[category]

    def related(self, module: Module, field: str, value: Any) -> list[int]:
        """The ids of the records whose reference has this value."""
        if value is None:
            return []
        table = self.tx.schema.tables[module.name]
        where = (table.c[field] == value, table.c.deleted_at.is_(None))
        rows = self.tx.db.execute(select(table).where(*where).order_by(table.c.id)).mappings().all()
        for row in rows:
            self._rows.setdefault((module.name, row["id"]), dict(row))
        return [row["id"] for row in rows]

    def refused(self, address: str, channel: Channel = "email") -> str | None:
        """Why nobody may write to this address or number automatically; None if they may."""
        key = f"{channel} {address}"
        if key not in self._refused:
            self._refused[key] = next(self._refusals(address, channel), None)
        return self._refused[key]

    def _refusals(self, address: str, channel: Channel) -> Iterator[str]:
        for module in self.tx.schema:
            if channel not in module.opt_out:
                continue
            table = self.tx.schema.tables[module.name]
            opted = table.c[module.opt_out[channel]]
            asked = [opted.is_(True)]
            if channel == "email" and "bounce_status" in table.c:
                asked.append(table.c.bounce_status.in_(("bounce", "complaint")))
            columns = [table.c[field.name] for field in reached_by(module, channel)]
            theirs = [Fold(column) == address.casefold() for column in columns]
            if channel == "sms":  # people write numbers in many ways
                theirs = [column.is_not(None) for column in columns]
            where = (or_(*theirs), table.c.deleted_at.is_(None), or_(*asked))
            for out, *found in self.tx.db.execute(select(opted, *columns).where(*where)):
                if channel == "email" or self._same_number(address, found):
                    told = f"has opted out of {NAMES[channel]}"
                    yield f"{address} {told if out else 'does not take our mail (bounced)'}"
        yield from suppressed(self.tx, channel, [address]).values()

    def _same_number(self, number: str, found: Iterable[str | None]) -> bool:
        """Whether a number is one of those found, however they are written."""
        return number in {self._number(one) for one in found if one} | {*found}

    def _number(self, written: str) -> str:
        try:
            return e164(written, self.tx.company.country)
        except BadValue:
            return written


def reached_by(module: Module, channel: Channel) -> list[Field]:
    """The fields of a module that hold where its records are written to through a channel."""
    if channel == "email":
        return [module.by_name[module.email_field]] if module.email_field else []
    return [field for field in module.fields if field.type == "phone"]


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

    def holder(self, path: Path) -> tuple[Module, Values | None]:
        """The record at the end of a path, the one that has its last field."""
        return self._follow(path)

    def reached(self, path: Path) -> bool:
        return self._follow(path)[1] is not None

    def _follow(self, path: Path) -> tuple[Module, Values | None]:
        module, values = self.module, self.values
        for hop in path.hops:
            link = values.get(hop.field.name)
            there = None if link is None else self._there(hop, link)
            if there is None:
                return hop.module, None
            module, values = hop.module, there
        return module, values

    def _there(self, hop: Hop, link: Any) -> Values | None:
        match hop.field.type:
            case "owner":
                return self.reader.user(link)
            case "record":
                module, _, id = str(link).partition("/")
                return self.reader.row(hop.module, int(id)) if module == hop.module.name else None
        return self.reader.row(hop.module, link)

    def change(self, field: Field) -> tuple[Any, Any] | None:
        return self.changes.get(field.name)

    def related(self, relation: Relation) -> list["RecordFacts"]:
        rows = self.reader.belonging(relation, self.values.get(relation.anchor))
        return [RecordFacts(self.reader, relation.module, row) for row in rows]

    def labelled(self, category: str) -> Collection[str]:
        return self.reader.labelled(category)


def active(tx: Transaction) -> list[ActiveWorkflow]:
    """The workflows that are active."""
    query = select(WORKFLOWS.c.id, WORKFLOWS.c.name, WORKFLOWS.c.module).where(
        WORKFLOWS.c.state == "active", WORKFLOWS.c.active_version.is_not(None)
    )
    return [ActiveWorkflow(*row) for row in tx.db.execute(query.order_by(WORKFLOWS.c.id))]


def subject(module: Module, values: Values) -> Subject:
    return Subject(module, values["id"], values.get("number") or "", name_of(module, values))


def name_of(module: Module, values: Values) -> str:
    """What people call a record: its name, or its number."""
    return str(values.get(module.name_field) or values.get("number") or "")


def template_data(facts: RecordFacts, paths: Iterable[str]) -> Row:
    """A record as plain data for templates: its values, and of others just what `paths` ask for."""
    module, reader = facts.module, facts.reader
    inside: dict[str, set[str]] = {}
    for path in paths:
        head, _, rest = path.partition(".")
        inside.setdefault(head, set()).update([rest] if rest else [])
    meant = {word: module.meant(word) for word in inside.keys() - module.by_name - {""}}
    for word, name in meant.items():
        inside.setdefault(name or word, set()).update(inside[word])
    data: dict[str, Any] = {}
    # An amount is written with its currency.
    asked = module.by_name if "" in inside else (inside.keys() | {CURRENCY}) & module.by_name.keys()
    for name in asked:
        field, value = module.by_name[name], facts.values.get(name)
        if field.computed:
            data |= {name: _computed(facts, field)} if name in inside else {}
        elif value is not None and name in inside and (target := reader.tx.schema.target(field)):
            data[name] = _named(reader, field, target, value, inside[name])
        elif field.type == "record" and value and inside.get(name):
            data[name] = _any(reader, field, value, inside[name])
        elif field.kind != "json" or inside.get(name):
            data[name] = value
    if "lines" in inside and reader.tx.schema.lines(module):
        data["lines"] = line_data(facts)
    data |= {word: data[name] for word, name in meant.items() if name in data}
    return Row(data, module)


def _computed(facts: RecordFacts, field: Field) -> Any:
    currencies = facts.reader.currencies(facts.module, facts.values["id"], field)
    if len(currencies) > 1:
        return added_up(currencies)
    return facts.value(Path(facts.module, (), field))


def added_up(currencies: Iterable[str]) -> Unusable:
    """What stands for a sum of amounts in several currencies."""
    remedy = "Write `customer.balances`, or `|totals` over the items: both keep currencies apart."
    return Unusable(f"would add up {listed(sorted(currencies))}.", remedy)


def _named(
    reader: Reader, field: Field, target: Module, value: Any, paths: set[str]
) -> Named | None:
    """The record that a field leads to; a group of users has a name only."""
    there = reader.user(value) if field.type == "owner" else reader.row(target, value)
    if there is None:
        return Named(value, str(value), {}) if field.type == "owner" else None
    inside = template_data(RecordFacts(reader, target, there), paths) if paths else {}
    return Named(value, name_of(target, there), inside)


def _any(reader: Reader, field: Field, value: str, paths: set[str]) -> Named:
    """The record that a field of any module leads to, under the name of its module."""
    name, _, id = value.partition("/")
    target = reader.tx.schema.modules.get(name)
    split = (path.partition(".") for path in paths)
    below = {rest for module, _, rest in split if module == name and rest}
    there = _named(reader, field, target, int(id), below) if target else None
    return Named(value, value, {name: there} if there else {})


def line_data(facts: RecordFacts) -> list[dict[str, Any]]:
    """The lines of a record, as plain data."""
    lines = facts.reader.tx.schema.lines(facts.module)
    if not lines:
        return []
    child, field = lines
    ids = facts.reader.related(child, field.name, facts.values["id"])
    rows = [facts.reader.row(child, id) or {} for id in ids]
    own = [field.name for field in child.fields if not field.computed]
    return [Row({name: row.get(name) for name in own}, child) for row in rows]


def pauses(schema: Schema, module: Module) -> tuple[str, ...]:
    """The fields that pause messages about a record: those its module names, or its customer's."""
    way, customers = (
        way_to(schema, module, Purpose.CUSTOMER),
        schema.find(Purpose.CUSTOMER),
    )
    if module.paused_by or way is None or customers is None:
        return module.paused_by
    return tuple(f"{way}.{field}" for field in customers.paused_by)


def paused(facts: RecordFacts) -> str | None:
    """Why customers are not to be reminded of this record now; None if they may be."""
    for dotted in pauses(facts.reader.tx.schema, facts.module):
        path = facts.reader.tx.schema.path(facts.module, dotted)
        if facts.value(path) is True:
            whose = (
                f" of its {' '.join(hop.field.title.lower() for hop in path.hops)}"
                if path.hops
                else ""
            )
            return f"chasing{whose} is paused for {facts.values.get('number')}"
    return None
