"""What people call things: users, workflows, records. Each is looked up once a page."""

from collections.abc import Iterable

from engine.records.reader import Reader, name_of
from engine.records.transaction import Transaction
from server.operations.queries import workflows
from server.pages.frame.views import Link


class Names:
    """Names for what the tables know by id or handle."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.reader = Reader(tx)
        self._workflows: dict[int, str] = {}

    def person(self, handle: str | None) -> str:
        """A user by name, a group as it is, a workflow by its title, anything else as it is."""
        if not handle:
            return ""
        kind, _, id = handle.partition(":")
        if kind == "workflow" and id.isdigit():
            return self.workflow(int(id))
        user = self.reader.user(handle)
        return str(user["name"] or handle) if user else handle

    def author(self, handle: str, by_agent: bool) -> str:
        """Who wrote something, a person or what acts for one."""
        return f"Assistant for {self.person(handle)}" if by_agent else self.person(handle)

    def workflow(self, id: int) -> str:
        if id not in self._workflows:
            self._workflows[id] = workflows.called(self.tx, id) or f"Workflow {id}"
        return self._workflows[id]

    def record(self, module: str, id: int) -> tuple[Link, str]:
        """A record as a link by its number, and whom or what it is about."""
        known = self.tx.schema.modules.get(module)
        row = self.reader.row(known, id) if known else None
        if known is None or row is None:
            return {"text": f"{module} {id} (deleted)", "href": ""}, ""
        number, name = str(row["number"]), name_of(known, row)
        about = name if name != number else self._about(module, id)
        return {"text": number, "href": f"/records/{module}/{id}"}, about

    def load(self, module: str, ids: Iterable[int]) -> None:
        """Read many records at once, before each is named."""
        if known := self.tx.schema.modules.get(module):
            self.reader.load(known, ids)

    def _about(self, module: str, id: int) -> str:
        """The name of what a record without a name of its own belongs to, such as its account."""
        known = self.tx.schema.modules[module]
        row = self.reader.row(known, id) or {}
        for field in known.fields:
            target = self.tx.schema.modules.get(field.module or "")
            if field.type == "reference" and target and row.get(field.name):
                there = self.reader.row(target, row[field.name])
                return name_of(target, there) if there else ""
        return ""
