"""Records: found, read, written, deleted; and which workflows each change starts."""

from typing import Any

from engine.problems import Invalid, Problem, refuse, suggest
from engine.records.reader import name_of
from engine.records.search import read_record, search
from engine.records.transaction import Transaction
from engine.records.writer import Records, Saved
from engine.review import deactivated_users
from engine.runs.would_start import would_start
from engine.schema.modules import Module, Path
from engine.workflows.reading import read_condition
from server.access.desk import Desk
from server.access.rights import Refused
from server.operations import answers
from server.operations.modules import found
from server.operations.queries import records as queries
from server.operations.queries import runs
from server.operations.queries.runs import Wanted
from server.operations.registry import Answer, Names, Plain, Ref, operation

PARTS = ("history", "related", "runs")
SHOWN, CHANGES = 10, 30


@operation(
    "GET /records/{module}",
    scope="records:read",
    untrusted=True,
    gives="records:array total:integer cursor?:string",
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
) -> Answer:
    """Find records by a condition (as in workflows). `fields` may be paths (account.email);
    `order_by`: a field, - in front for descending; at most 100 a page."""
    with desk.read() as tx:
        home = found(tx, module)
        shown = fields or [name for name in home.by_name if name not in ("id", "number")]
        asked = read_condition(module, where)
        page = search(tx, home, asked, shown, order_by, limit, cursor)
        paths = {name: tx.schema.path(home, name, "fields") for name in shown}
        links = {name: path.field for name, path in paths.items() if path.field.module}
        called = answers.names(tx, links, page.rows)
        rows = [
            {
                "id": row["id"],
                "number": row["number"],
                "values": _dumped(paths, row),
                "names": names,
            }
            for row, names in zip(page.rows, called, strict=True)
        ]
        return {"records": rows, "total": page.total, "cursor": page.cursor}


def _dumped(paths: dict[str, Path], row: Any) -> Answer:
    return {name: path.field.dump(row[name]) for name, path in paths.items()}


@operation(
    "GET /records/{module}/{record}",
    scope="records:read",
    untrusted=True,
    gives="id:integer number:string name:string values:object names:object",
    stage="records",
)
def get_record(desk: Desk, module: str, record: Ref, include: Names | None = None) -> Answer:
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


def _whole(tx: Transaction, module: Module, id: int) -> Answer:
    """A record with all its fields, the computed ones too."""
    row = read_record(tx, module, id)
    if row is None:
        message = f"this {module.singular.lower()} would belong to what is not there for you."
        raise refuse("values", message, "Let it belong to a record that you can see.")
    (names,) = answers.names(tx, module.by_name, [row])
    head = {"id": id, "number": row["number"], "name": name_of(module, row)}
    return {**head, "values": answers.values(module, row), "names": names}


def _history(tx: Transaction, module: Module, id: int) -> list[Answer]:
    return [
        {
            "at": answers.iso(row.at),
            "by": row.actor,
            "source": row.source,
            "did": row.kind,
            "changes": row.changes,
            **({"run": row.run, "workflow": row.workflow} if row.run else {}),
        }
        for row in queries.history(tx, module, id, CHANGES)
    ]


def _related(tx: Transaction, module: Module, id: int) -> list[Answer]:
    """Of each module that refers to this record, how many do, and the newest of them."""
    return [
        {
            "module": child.name,
            "via": field.name,
            "count": count,
            "records": _newest(tx, child, field.name, id),
        }
        for child, field, count in queries.referring(tx, module, id)
    ]


def _newest(tx: Transaction, module: Module, via: str, id: int) -> list[Answer]:
    named = [module.by_name[module.name_field]]
    rows = queries.listed(tx, module, named, queries.Wanted(equal={via: str(id)}), SHOWN)
    return [
        {"id": row["id"], "number": row["number"], "name": name_of(module, row)} for row in rows
    ]


def _runs(tx: Transaction, module: Module, id: int) -> list[Answer]:
    rows = runs.newest(tx, Wanted(record=(module.name, id)), SHOWN)
    return [
        {
            "run": row.id,
            "workflow": row.workflow,
            "version": row.version,
            "state": row.state,
            "step": row.step,
            "started_at": answers.iso(row.started_at),
            "reason": row.reason,
        }
        for row in rows
    ]


@operation(
    "POST /records/{module}",
    scope="records:write",
    kind="write",
    untrusted=True,
    gives="id:integer number:string values:object started:array named_in?:array",
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
) -> Answer:
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
        answer = {**_whole(tx, home, saved.id), "started": _started(desk, whole, saved)}
        if home.name == "users" and saved.changes.get("active", [None, None])[1] is False:
            gone = deactivated_users.tell(whole, str(answer["values"]["username"]))
            answer["named_in"] = [live.name for live in gone]
    desk.installation.changed()
    return answer


@operation(
    "DELETE /records/{module}/{record}",
    scope="records:write",
    kind="write",
    gives="id:integer number:string values:object started:array",
)
def delete_record(desk: Desk, module: str, record: Ref) -> Answer:
    """Take a record out of every list; its history stays."""
    with desk.installation.database.begin() as whole:
        tx = desk.view(whole)
        home = _writable(desk, found(tx, module))
        last = _whole(tx, home, answers.id_of(tx, home, record))
        saved = Records(tx, desk.author()).delete(module, last["id"])
        answer = {**last, "started": _started(desk, whole, saved)}
    desk.installation.changed()
    return answer


def _writable(desk: Desk, module: Module) -> Module:
    """The module, if its records may be changed from here. Raises `Refused`."""
    if module.system:
        if desk.who.agent:
            message = f"No token may change {module.label.lower()}."
            raise Refused("people:write", message, "An admin does it in the web page.")
        desk.need("people:write")
    return module


def _started(desk: Desk, whole: Transaction, saved: Saved) -> list[Answer]:
    """What a change starts. Workflows see more modules than whoever starts them."""
    if saved.event is None:
        return []
    lives = would_start(whole, desk.installation.worker.matcher, saved.event)
    return [{"workflow": live.workflow, "name": live.name} for live in lives]
