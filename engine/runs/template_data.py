"""What the templates of a step may use: each root put together when it is first asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.records.reader import RecordFacts, paused, template_data
from engine.runs.addressees import language_of
from engine.runs.customer_data import customer_parts
from engine.runs.entry import Entry
from engine.runs.related_selection import related_selection
from engine.runs.subjects import Subjects
from engine.schema.purposes import Purpose
from engine.templates.variables import meaning

OF_COMPANY = ("name", "timezone", "language", "currency", "sender")


class TemplateData(Mapping[str, Any]):
    """The roots of templates (`record`, `steps`, `customer` ...), seen from one record of a run.

    `taken` are the records that are written about together, `entries` what the steps before gave,
    `customers` whether customers will read it.
    """

    def __init__(
        self,
        subjects: Subjects,
        facts: RecordFacts,
        taken: Sequence[int],
        entries: Mapping[str, Entry],
        actor: str,
        customers: Callable[[], bool],
    ) -> None:
        self._subjects, self._facts, self._taken = subjects, facts, taken
        self._entries, self._actor_name, self._customers = entries, actor, customers
        self._made: dict[str, Any] = {}
        self._parts: dict[str, Callable[[], Any]] = {
            "record": self._record,
            "steps": self._steps,
            "actor": self._actor,
            "company": self._company,
            "today": self._today,
            "now": self._now,
            "language": self._language,
            "site": self._site,
            "related": self._related,
            **customer_parts(facts, self.below, self._invoices),
            **({"old": self._old} if subjects.before else {}),
            **({"records": self._records} if subjects.members else {}),
        }

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._parts[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def below(self, root: str) -> set[str]:
        """The paths that templates of this workflow read under a root."""
        module, schema = self._subjects.module, self._subjects.reader.tx.schema
        meant = (meaning(path, module, schema) for path in self._subjects.live.parsed.paths)
        split = (path.partition(".") for path in meant)
        return {rest for name, _, rest in split if name == root}

    # --- the roots ---

    def _record(self) -> dict[str, Any]:
        return template_data(self._facts, self.below("record"))

    def _old(self) -> dict[str, Any]:
        reader, module = self._subjects.reader, self._subjects.module
        old = RecordFacts(reader, module, {**self._facts.values, **self._subjects.before})
        return template_data(old, self.below("old"))

    def _records(self) -> list[dict[str, Any]]:
        inner = {path.partition(".")[2] for path in self.below("records")}
        return [template_data(row, inner) for row in self._rows()]

    def _related(self) -> dict[str, list[dict[str, Any]]]:
        below = self.below("related")
        return {
            module: [template_data(row, _inside(below, module)) for row in rows]
            for module, rows in self._chosen().items()
        }

    def _steps(self) -> dict[str, Any]:
        return {id: entry.seen() for id, entry in self._entries.items()}

    def _actor(self) -> dict[str, Any]:
        user = self._subjects.reader.user(self._actor_name) or {}
        return {"name": self._actor_name, "email": user.get("email")}

    def _company(self) -> dict[str, Any]:
        company = self._subjects.reader.tx.company
        return {name: getattr(company, name) for name in OF_COMPANY}

    def _today(self) -> Any:
        return self._subjects.reader.tx.company.calendar.today(self._subjects.reader.at)

    def _now(self) -> Any:
        return self._subjects.reader.at

    def _language(self) -> str:
        return language_of(self._facts) or self._subjects.reader.tx.company.language

    def _site(self) -> dict[str, str]:
        address = self._subjects.reader.tx.links.address
        place = f"{address}/records/{self._subjects.module.name}/{self._facts.values['id']}"
        return {"url": address, "record": place}

    # --- the records they are made of ---

    def _rows(self) -> list[RecordFacts]:
        return [row for id in self._taken if (row := self._subjects.facts(id))]

    def _invoices(self) -> list[RecordFacts] | None:
        """The invoices that the run is about; None if it is about records of another kind."""
        if self._subjects.module.purpose != Purpose.INVOICE:
            invoices = self._subjects.reader.tx.schema.find(Purpose.INVOICE)
            return self._chosen().get(invoices.name) if invoices else None
        return self._rows() if self._subjects.members else None

    def _chosen(self) -> dict[str, list[RecordFacts]]:
        """The related records that the conditions chose, by module; customers read of none that
        is paused, unless all are."""
        asked, since = self._subjects.live.parsed.entry, self._subjects.started_at
        found = related_selection(asked, self._rows(), since)
        going_on = {
            module: [row for row in rows if paused(row) is None] or rows
            for module, rows in found.items()
        }
        return going_on if going_on != found and self._customers() else found


def _inside(paths: set[str], module: str) -> set[str]:
    """What is read of each record of a list, of paths like `invoices.0.number`."""
    split = [path.split(".", 2) for path in paths]
    return {parts[2] for parts in split if parts[0] == module and len(parts) > 2}
