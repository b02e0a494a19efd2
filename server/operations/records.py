"""Records: found, read, written, deleted; and which workflows each change starts."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from engine.problems import Invalid, Problem, refuse, suggest
from engine.records.reader import Reader, name_of
from engine.records.search import read_record, search
from engine.records.transaction import Transaction
from engine.records.writer import Records, Saved
from engine.review import deactivated_users
from engine.runs.audience import NamedRecord
from engine.runs.would_start import would_start
from engine.schema.modules import Module, Path
from engine.workflows.reading import read_condition
from server.access.desk import Desk
from server.access.rights import Refused
from server.operations import answers
from server.operations.modules import found
from server.operations.queries import Stored, runs
from server.operations.queries import records as queries
from server.operations.queries.runs import Wanted
from server.operations.registry import Names, Plain, Ref, operation

PARTS = ("history", "related", "runs")
SHOWN, CHANGES = 10, 30


class FoundRecord(TypedDict):
    """A record with the fields that were asked for, and what people call those it refers to."""

    id: int
    number: str
    values: answers.Values
    names: dict[str, str]


class FoundRecords(TypedDict):
    """One page of records, how many there are in all, and where the next page begins."""

    records: list[FoundRecord]
    total: int
    cursor: str | None


class Record(NamedRecord):
    """A record with all its fields, the computed ones too."""

    values: answers.Values
    names: dict[str, str]


class MadeRecord(NamedRecord):
    """A record, and its module."""

    module: str


class Change(TypedDict):
    """A change of a record: each field with what it was and what it became.

    Or that something about it was made: `made` is that note, task, event, message or document.
    """

    at: str
    by: str
    source: str
    did: str
    changes: answers.Values
    made: NotRequired[MadeRecord]
    run: NotRequired[int]
    workflow: NotRequired[int | None]


class RelatedRecords(TypedDict):
    """Records of another module that refer to this one: how many, and the newest."""

    module: str
    via: str
    count: int
    records: list[NamedRecord]


class RunOfRecord(TypedDict):
    """A run about a record, and where it stands."""

    run: int
    workflow: int
    version: int
    state: str
    standing: str
    step: str | None
    started_at: str
    reason: str


class RecordInFull(Record):
    """A record with what else was asked for."""

    history: NotRequired[list[Change]]
    related: NotRequired[list[RelatedRecords]]
    runs: NotRequired[list[RunOfRecord]]


class StartedWorkflow(TypedDict):
    """A workflow that a change starts."""

    workflow: int
    name: str


class ChangedRecord(Record):
    """A record as it is after a change, or was before it went; and what the change starts.

    `named_in`: the workflows that name a user who was just switched off.
    """

    started: list[StartedWorkflow]
    named_in: NotRequired[list[str]]


@operation(
    "GET /records/{module}",
    scope="records:read",
    untrusted=True,
    stage="records",
)
def search_records(
    desk: Desk,
    module: str,
    where: Plain | None = None,
    fields: Names | None = None,
    order_by: str = "id",
    limit: int = 20,
    cursor: str | None = None,
    text: str = "",
) -> FoundRecords:
    """Find records by a condition (as in workflows), or by words in it. `fields` may be paths
    (account.email); `order_by`: - for descending; at most 100."""
    with desk.read() as tx:
        home = found(tx, module)
        shown = fields or [name for name in home.by_name if name not in ("id", "number")]
        asked = read_condition(module, where)
        page = search(tx, home, asked, shown, order_by, limit, cursor, text)
        paths = {name: tx.schema.path(home, name, "fields") for name in shown}
        links = {name: path.field for name, path in paths.items() if path.field.module}
        called = answers.names(tx, links, page.rows)
        rows: list[FoundRecord] = [
            {
                "id": row["id"],
                "number": row["number"],
                "values": _dumped(paths, row),
                "names": names,
            }
            for row, names in zip(page.rows, called, strict=True)
        ]
        return {"records": rows, "total": page.total, "cursor": page.cursor}


def _dumped(paths: dict[str, Path], row: Any) -> answers.Values:
    return {name: path.field.dump(row[name]) for name, path in paths.items()}


@operation(
    "GET /records/{module}/{record}",
    scope="records:read",
    untrusted=True,
    stage="records",
)
def get_record(desk: Desk, module: str, record: Ref, include: Names | None = None) -> RecordInFull:
    """Read one record by id, number or name. `include`: history, related, runs."""
    wanted = include or []
    if unknown := [part for part in wanted if part not in PARTS]:
        problems = (
            Problem("include", f"there is no part `{part}`.", suggest(part, PARTS, "Parts"))
            for part in unknown
        )
        raise Invalid(*problems)
    with desk.read() as tx:
        home = found(tx, module)
        id = answers.id_of(tx, home, record)
        answer = _whole(tx, home, id)
        if "history" in wanted:
            answer["history"] = _history(tx, home, id)
        if "related" in wanted:
            answer["related"] = _related(tx, home, id)
        if "runs" in wanted and desk.may("runs:read"):
            answer["runs"] = _runs(tx, home, id)
        return answer


def _whole(tx: Transaction, module: Module, id: int) -> RecordInFull:
    """A record with all its fields, the computed ones too."""
    row = read_record(tx, module, id)
    if row is None:
        message = f"this {module.singular.lower()} would belong to what is not there for you."
        raise refuse("values", message, "Let it belong to a record that you can see.")
    (names,) = answers.names(tx, module.by_name, [row])
    return {
        "id": id,
        "number": row["number"],
        "name": name_of(module, row),
        "values": answers.values(module, row),
        "names": names,
    }


def _history(tx: Transaction, module: Module, id: int) -> list[Change]:
    reader = Reader(tx)
    return [
        _change(tx, reader, row, (module.name, id))
        for row in queries.timeline(tx, module, id, CHANGES)
    ]


def _change(tx: Transaction, reader: Reader, row: Stored, about: tuple[str, int]) -> Change:
    own = (row.module, row.record) == about
    change: Change = {
        "at": answers.iso(row.at),
        "by": row.actor,
        "source": row.source,
        "did": row.kind,
        "changes": row.changes if own else {},
    }
    if not own:
        change["made"] = _made(reader, tx.schema.module(row.module), row.record)
    return {**change, "run": row.run, "workflow": row.workflow} if row.run else change


def _made(reader: Reader, module: Module, id: int) -> MadeRecord:
    values = reader.row(module, id) or {}
    name = name_of(module, values)
    return {"module": module.name, "id": id, "number": str(values.get("number")), "name": name}


def _related(tx: Transaction, module: Module, id: int) -> list[RelatedRecords]:
    """Of each module that refers to this record, how many do, and the newest of them."""
    return [
        {
            "module": child.name,
            "via": field.name,
            "count": count,
            "records": _newest(tx, child, field.name, queries.reference(field, module, id)),
        }
        for child, field, count in queries.referring(tx, module, id)
    ]


def _newest(tx: Transaction, module: Module, via: str, leads_to: str) -> list[NamedRecord]:
    named = [module.by_name[module.name_field]]
    rows = queries.listed(tx, module, named, queries.Wanted(equal={via: leads_to}), SHOWN)
    return [
        {"id": row["id"], "number": row["number"], "name": name_of(module, row)} for row in rows
    ]


def _runs(tx: Transaction, module: Module, id: int) -> list[RunOfRecord]:
    rows = runs.newest(tx, Wanted(record=(module.name, id)), SHOWN)
    return [
        {
            "run": row.id,
            "workflow": row.workflow,
            "version": row.version,
            "state": row.state,
            "standing": runs.standing(row),
            "step": row.step,
            "started_at": answers.iso(row.started_at),
            "reason": runs.reason(row),
        }
        for row in rows
    ]


@operation(
    "POST /records/{module}",
    scope="records:write",
    kind="write",
    untrusted=True,
    stage="records",
    status=201,
)
def write_record(
    desk: Desk,
    module: str,
    values: Plain,
    record: Ref | None = None,
    force_event: bool = False,
    sync: bool = False,
) -> ChangedRecord:
    """Create a record, or with `record` change fields of one. References take id, number or name;
    owners a user name. Tells which workflows this starts; `force_event`: even if nothing changes.
    `sync`: from another system."""
    with desk.installation.database.begin() as whole:
        tx = desk.view(whole)
        home = _writable(desk, found(tx, module))
        records = Records(tx, desk.author("sync" if sync else ""))
        if record is None:
            saved = records.create(module, values)
        else:
            id = answers.id_of(tx, home, record)
            saved = records.update(module, id, values, force=force_event)
        answer = _changed(_whole(tx, home, saved.id), _started(desk, whole, saved))
        if home.name == "users" and saved.changes.get("active", [None, None])[1] is False:
            gone = deactivated_users.tell(whole, str(answer["values"]["username"]))
            answer["named_in"] = [live.name for live in gone]
    desk.installation.changed()
    return answer


@operation(
    "DELETE /records/{module}/{record}",
    scope="records:write",
    kind="write",
)
def delete_record(desk: Desk, module: str, record: Ref) -> ChangedRecord:
    """Take a record out of every list; its history stays."""
    with desk.installation.database.begin() as whole:
        tx = desk.view(whole)
        home = _writable(desk, found(tx, module))
        last = _whole(tx, home, answers.id_of(tx, home, record))
        saved = Records(tx, desk.author()).delete(module, last["id"])
        answer = _changed(last, _started(desk, whole, saved))
    desk.installation.changed()
    return answer


def _changed(record: Record, started: list[StartedWorkflow]) -> ChangedRecord:
    return {
        "id": record["id"],
        "number": record["number"],
        "name": record["name"],
        "values": record["values"],
        "names": record["names"],
        "started": started,
    }


def _writable(desk: Desk, module: Module) -> Module:
    """The module, if its records may be changed from here. Raises `Refused`."""
    if module.system:
        if desk.who.agent:
            message = f"No token may change {module.label.lower()}."
            raise Refused("people:write", message, "An admin does it in the web page.")
        desk.need("people:write")
    return module


def _started(desk: Desk, whole: Transaction, saved: Saved) -> list[StartedWorkflow]:
    """What a change starts. Workflows see more modules than whoever starts them."""
    if saved.event is None:
        return []
    lives = would_start(whole, desk.installation.worker.matcher, saved.event)
    return [{"workflow": live.workflow, "name": live.name} for live in lives]
