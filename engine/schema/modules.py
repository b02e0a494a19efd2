"""Modules: record types, their fields, the SQL table each one is, and the paths that join them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy import Column, Index, Integer, MetaData, Table

from engine.phrases import say
from engine.problems import Invalid, Problem, refuse, suggest
from engine.schema.field_names import field_meant
from engine.schema.fields import FIELD_TYPES, NAME, Field
from engine.schema.own_modules import USERS
from engine.schema.purposes import CAME_AS, Purpose
from engine.schema.sql_types import Key, Moment

SOURCES = ("user", "api", "import", "sync", "workflow", "form")

BUILTIN = tuple(
    Field(builtin=True, **entry)
    for entry in (
        {"name": "id", "type": "int", "label": "Id"},
        {"name": "number", "type": "text", "label": "Number"},
        {"name": "created_at", "type": "datetime", "label": "Created"},
        {"name": "modified_at", "type": "datetime", "label": "Modified"},
        {"name": "created_by", "type": "owner", "label": "Created by"},
        {"name": "modified_by", "type": "owner", "label": "Modified by"},
        {"name": "owner", "type": "owner", "label": "Owner"},
        {"name": "tags", "type": "multipicklist", "label": "Tags"},
        {"name": "source", "type": "picklist", "label": "Source", "options": SOURCES},
        {"name": "locked", "type": "bool", "label": "Locked", "default": False},
    )
)
KEPT_BY_US = {"id", "created_at", "modified_at", "created_by", "modified_by", "source"}
HIDDEN = {"deleted_at", "revision"}
Fits = Callable[[Field], bool]
HOW_TO_NAME = "Use a-z, 0-9 and _, a letter first."
# Two underscores keep them apart from each other and from modules; long ones are shortened.
INDEX_NAMES = {"ix": "ix__%(table_name)s__%(column_0_name)s"}


class LinesOf(BaseModel):
    """The parent of a line module, and the reference that leads to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str
    field: str


class Module(BaseModel):
    """A record type: what a person sees as a list, and the database as a table of the same name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    purpose: Purpose | None = None
    label: str
    singular: str
    group: str = ""
    numbering: str
    name_field: str = "number"
    email_field: str | None = None
    lines_of: LinesOf | None = None
    paused_by: tuple[str, ...] = ()
    opt_out: dict[str, str] = {}
    sensitive: bool = False
    system: bool = False
    fields: tuple[Field, ...]

    @model_validator(mode="before")
    @classmethod
    def _came_as(cls, given: Any) -> Any:
        """A definition of before purposes were said has that of the name it came with."""
        if not isinstance(given, dict) or "purpose" in given:
            return given
        return {**given, "purpose": CAME_AS.get(given.get("name", ""))}

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {field.name: field for field in (*BUILTIN, *self.fields)}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, whose `by_name` is that of its own fields."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("by_name", None)
        return copied

    def field(self, name: str, path: str = "", fits: Fits = lambda field: True) -> Field:
        """The field of this name. Raises `Invalid` with the nearest one that fits there."""
        if found := self.by_name.get(name):
            return found
        message = f"there is no field `{name}` in {self.label}."
        raise refuse(path or name, message, self.instead_of(name, fits))

    def meant(self, word: str) -> str | None:
        """The field that somebody meant who wrote it as elsewhere; None where that is not clear."""
        titles = {name: field.title for name, field in self.by_name.items()}
        return field_meant(word, titles, self.singular)

    def instead_of(self, name: str, fits: Fits = lambda field: True) -> str:
        """What to write instead of a field that there is not: the nearest one that fits, or all."""
        known = self.meant(name)
        meant = {name.casefold(): known} if known else {}
        by_name = self.by_name
        return suggest(name, by_name, "Fields", meant, lambda found: fits(by_name[found]))

    @property
    def writable(self) -> list[Field]:
        return [
            field
            for field in self.by_name.values()
            if field.name not in KEPT_BY_US and not field.computed
        ]

    def references(self, module: str) -> list[Field]:
        return [
            field for field in self.fields if field.type == "reference" and field.module == module
        ]


@dataclass(frozen=True)
class Hop:
    """One step of a path: through this field to a record of that module.

    A field that may hold any record is followed to one module by naming it: `record.invoices`.
    """

    field: Field
    module: Module

    def __str__(self) -> str:
        named = f".{self.module.name}" if self.field.type == "record" else ""
        return f"{self.field.name}{named}"

    @property
    def title(self) -> str:
        called = self.field.title.lower()
        if self.field.type != "record":
            return called
        return f"{called.removesuffix('record').strip()} {self.module.singular.lower()}".strip()


@dataclass(frozen=True)
class Path:
    """A field, seen from a module, through any number of references."""

    module: Module
    hops: tuple[Hop, ...]
    field: Field

    def __str__(self) -> str:
        return ".".join([*map(str, self.hops), self.field.name])

    @property
    def title(self) -> str:
        return self.called(self.field.title.lower())

    def called(self, field: str) -> str:
        """The field by this name, of the records that lead to it: "account's owner's name"."""
        for hop in reversed(self.hops):
            field = say("{owner}'s {field}", owner=hop.title, field=field)
        return field


class Schema:
    """All modules as they are now, with their tables.

    `tables` are read from, and may hold less than there is; `homes` are written to.
    """

    def __init__(self, modules: Iterable[Module]) -> None:
        self.modules = {module.name: module for module in modules}
        self.purposes = {module.purpose: module for module in self if module.purpose}
        self.metadata = MetaData(naming_convention=INDEX_NAMES)
        self.homes = {module.name: _table(module, self.metadata) for module in self}
        self.tables = self.homes

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules.values())

    def module(self, name: str, path: str = "module") -> Module:
        """The module of this name. Raises `Invalid` with the nearest one."""
        if found := self.modules.get(name):
            return found
        message = f"there is no module `{name}`."
        raise refuse(path, message, suggest(name, self.modules, "Modules"))

    def find(self, purpose: Purpose) -> Module | None:
        """The module for this purpose, if there is one."""
        return self.purposes.get(purpose)

    def of(self, purpose: Purpose) -> Module:
        """The module for this purpose. Raises `Invalid` where there is none."""
        if found := self.find(purpose):
            return found
        message = f"no module is for {purpose.replace('_', ' ')}s."
        raise refuse("module", message, "Say which is, as its purpose.")

    def target(self, field: Field) -> Module | None:
        """Where a reference leads: users for an owner, nowhere for anything else."""
        leads = {"owner": USERS, "reference": field.module}.get(field.type)
        return self.modules.get(leads) if leads else None

    def path(
        self,
        module: Module,
        dotted: str,
        where: str = "field",
        fits: Fits = lambda field: True,
    ) -> Path:
        """The field at the end of a dotted path. Raises `Invalid` with the nearest that fits."""
        *through, last = dotted.split(".")
        here, hops, names = module, [], iter(through)
        for name in names:
            field = here.field(name, where)
            there = self.target(field)
            if field.type == "record":
                there = self.module(next(names, last), where)
            if not there:
                message = f"`{name}` of {here.label} does not lead to another record."
                raise refuse(where, message, suggest(name, self._links(here), "References"))
            hops.append(Hop(field, there))
            here = there
        return Path(module, tuple(hops), here.field(last, where, fits))

    def owner_path(self, module: Module, dotted: str) -> Path | None:
        """The path to a field that holds a user or group, such as `account.owner`, if it is one."""
        if dotted.partition(".")[0] not in module.by_name:
            return None
        try:
            path = self.path(module, dotted)
        except Invalid:
            return None
        return path if path.field.type == "owner" else None

    def _links(self, module: Module) -> list[str]:
        fields = module.by_name.values()
        return [field.name for field in fields if field.type == "record" or self.target(field)]

    def children(self, module: Module) -> list[tuple[Module, Field]]:
        """The modules whose records refer to this one, each with the field that does."""
        return [(child, field) for child in self for field in child.references(module.name)]

    def links(self, module: Module) -> list[tuple[Module, str]]:
        """The modules that records of a link module join with this one, and by which `via`."""
        return [
            (self.modules[onward.module or ""], f"{link.name}.{field.name}")
            for link, field in self.children(module)
            if len(ends := [each for each in link.fields if each.type == "reference"]) == 2
            if all(each.required for each in ends)
            for onward in ends
            if onward.name != field.name
        ]

    def lines(self, module: Module) -> tuple[Module, Field] | None:
        """The line module of this one, if it has lines."""
        for child in self:
            if child.lines_of and child.lines_of.module == module.name:
                return child, child.field(child.lines_of.field)
        return None


def check_module(module: Module, schema: Schema) -> Iterator[Problem]:
    """Everything that keeps this definition from becoming a table."""
    if not NAME.fullmatch(module.name) or module.name.startswith("sayso"):
        yield Problem("name", f"`{module.name}` cannot name a module.", HOW_TO_NAME)
    if module.purpose and (other := schema.find(module.purpose)) and other.name != module.name:
        message = f"{other.label} are the {module.purpose.replace('_', ' ')}s already."
        yield Problem("purpose", message, "Leave it out: a purpose is that of one module.")
    if "{n}" not in module.numbering:
        message = "the number of a record needs a place."
        yield Problem("numbering", message, "Write it like INV-{n}.")
    for position, field in enumerate(module.fields):
        for problem in check_field(field, schema, module):
            yield problem.under(f"fields.{position}")
    if module.name_field not in module.by_name:
        message = f"there is no field `{module.name_field}`."
        yield Problem("name_field", message, suggest(module.name_field, module.by_name))


def check_field(field: Field, schema: Schema, module: Module) -> Iterator[Problem]:
    """Everything that keeps this definition from becoming a column."""
    yield from _check_name(field, module)
    yield from _check_type(field)
    if field.type == "picklist" and not field.options:
        yield Problem("options", f"{field.title} has no choices.", "List them under `options`.")
    if field.type == "reference" and field.module not in {*schema.modules, module.name}:
        message = f"there is no module `{field.module}`."
        yield Problem("module", message, suggest(field.module or "", schema.modules))
    if field.yearly and field.kind != "date":
        yield Problem("yearly", f"{field.title} is not a date.", "Only a date recurs every year.")


def _check_name(field: Field, module: Module) -> Iterator[Problem]:
    if not NAME.fullmatch(field.name):
        yield Problem("name", f"`{field.name}` cannot name a field.", HOW_TO_NAME)
    elif field.name in HIDDEN or any(known.name == field.name for known in BUILTIN):
        message = f"every module has a field `{field.name}` already."
        yield Problem("name", message, "Choose another name.")
    elif sum(known.name == field.name for known in module.fields) > 1:
        yield Problem("name", f"there are two fields `{field.name}`.", "Choose another name.")


def _check_type(field: Field) -> Iterator[Problem]:
    if field.type not in {*FIELD_TYPES, "computed"}:
        message = f"there is no field type `{field.type}`."
        yield Problem("type", message, suggest(field.type, [*FIELD_TYPES, "computed"]))
    if not field.computed:
        return
    if field.of is not None and field.of not in FIELD_TYPES:
        yield Problem("of", f"there is no field type `{field.of}`.", suggest(field.of, FIELD_TYPES))
    if not field.formula:
        remedy = 'Write one, like {"sum": "total", "of": "invoices", "via": "account"}.'
        yield Problem("formula", f"{field.title} has no formula.", remedy)


def _table(module: Module, metadata: MetaData) -> Table:
    fields = [
        field
        for name, field in module.by_name.items()
        if not field.computed and name not in {"id", *HIDDEN}
    ]
    table = Table(
        module.name,
        metadata,
        Column("id", Key, primary_key=True),
        *map(column, fields),
        Column("deleted_at", Moment),
        Column("revision", Integer, nullable=False, default=1),
        sqlite_autoincrement=True,
    )
    Index(None, table.c.number, unique=True)
    for field in fields:
        if field.type in ("reference", "record") or field.indexed:
            Index(None, table.c[field.name])
    return table


def column(field: Field) -> Column[Any]:
    return Column(field.name, field.kept.sql(), nullable=True)
