"""Which files go with a message: words of `attach` as documents, and what must not leave."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Text, cast, or_, select

from engine.blocks.attach_words import ALL, EACH, EARLIER
from engine.records.reader import RecordFacts, Values
from engine.records.tables import EVENTS
from engine.records.transaction import Transaction
from engine.schema.modules import Module
from engine.schema.own_modules import DOCUMENTS
from engine.schema.stored_files import AttachedFiles, Attachment, named

NEW = "0"  # what a rehearsal says of a record that an earlier step would make


def attached_files(
    words: Iterable[str],
    facts: RecordFacts,
    beside: Sequence[RecordFacts],
    steps: Mapping[str, Any],
) -> AttachedFiles:
    """The files these words mean, each once, with what is missing and what may not be sent.

    A file of a sensitive module leaves only with workflows of that very module.
    """
    finder = _Finder(facts.reader.tx, facts.module)
    for word in words:
        finder.find(word.strip(), facts, beside, steps)
    return AttachedFiles(
        tuple(dict.fromkeys(finder.files)), tuple(finder.missing), tuple(finder.barred)
    )


class _Finder:
    def __init__(self, tx: Transaction, module: Module) -> None:
        self.tx, self.module = tx, module
        self.files: list[Attachment] = []
        self.missing: list[str] = []
        self.barred: list[str] = []

    def find(
        self,
        word: str,
        facts: RecordFacts,
        beside: Sequence[RecordFacts],
        steps: Mapping[str, Any],
    ) -> None:
        if word.startswith(EACH):
            for each in (facts, *beside):
                self.find(word.removeprefix(EACH), each, (), steps)
        elif word.startswith(EARLIER):
            step, _, key = word.removeprefix(EARLIER).partition(".")
            self._given((steps.get(step) or {}).get(key), f"step {step} gave no file")
        elif word == ALL:
            self._of_record(facts)
        elif word.partition(".")[0] in facts.module.by_name:
            self._at(word, facts)
        else:
            self._given(word, f"there is no document {word}")

    def _of_record(self, facts: RecordFacts) -> None:
        """All documents that belong to the record."""
        table = self.tx.schema.tables[DOCUMENTS]
        mine = table.c.record == f"{facts.module.name}/{facts.values['id']}"
        query = select(table).where(mine, table.c.deleted_at.is_(None)).order_by(table.c.id)
        rows = self.tx.db.execute(query).mappings().all()
        if not rows:
            self.missing.append(f"{facts.values.get('number')} has no documents")
        for row in rows:
            self._take(dict(row))

    def _at(self, word: str, facts: RecordFacts) -> None:
        """What a field of the record holds: a file, or a document."""
        path = self.tx.schema.path(facts.module, word)
        value = facts.value(path)
        if value is None:
            self.missing.append(f"{facts.values.get('number')} has no {path.title}")
        elif path.field.type == "file":
            module, row = facts.holder(path)
            document = row["id"] if row and module.name == DOCUMENTS else None
            about = row if row and module.name == DOCUMENTS else {"record": f"{module.name}/0"}
            self._keep(str(value), document, about, f"{facts.values.get('number')}")
        else:
            self._given(value, f"the {path.title} of {facts.values.get('number')} is gone")

    def _given(self, value: Any, otherwise: str) -> None:
        """Documents by id, number or key; a list of them; nothing."""
        values = value if isinstance(value, (list, tuple)) else [value]
        for one in values:
            word = str("" if one is None else one).removeprefix(f"{DOCUMENTS}/")
            row = self._row(word)
            if word == NEW:
                self.files.append(Attachment(None, "the file of an earlier step", ""))
            elif row is None:
                self.missing.append(otherwise)
            else:
                self._take(row)

    def _row(self, word: str) -> Values | None:
        table = self.tx.schema.tables[DOCUMENTS]
        same = table.c.id == int(word) if word.isdecimal() and len(word) < 19 else None
        where = table.c.number == word if same is None else same
        query = select(table).where(where, table.c.deleted_at.is_(None))
        found = self.tx.db.execute(query).mappings().first()
        return dict(found) if found else None

    def _take(self, row: Values) -> None:
        self._keep(row["file"], row["id"], row, f"{row['number']} ({row['title']})")

    def _keep(self, file: str | None, document: int | None, about: Values, called: str) -> None:
        digest, name = named(file)
        if not digest:
            self.missing.append(f"{called} has no file")
        elif told := next(self._secrets(digest, about), None):
            self.barred.append(f"{name} belongs to {told}, which this workflow is not about")
        else:
            self.files.append(Attachment(document, name, digest))

    def _secrets(self, digest: str, about: Values) -> Iterator[str]:
        """The sensitive modules, beside the workflow's own, whose records have had this file."""
        key = str(about.get("record") or "").partition("/")[0]
        for name in {key, *homes(self.tx, digest)}:
            module = self.tx.schema.modules.get(name)
            if module and module.sensitive and module.name != self.module.name:
                yield module.label


def homes(tx: Transaction, digest: str) -> set[str]:
    """The modules whose records these bytes belong to or ever did: no edit uncovers a file."""
    table = tx.schema.tables[DOCUMENTS]
    ours = EVENTS.c.module == DOCUMENTS
    held = select(EVENTS.c.record).where(ours, cast(EVENTS.c.changes, Text).contains(digest))
    holds = table.c.file.startswith(f"{digest}/")
    rows = tx.db.execute(select(table.c.id, table.c.record).where(or_(holds, table.c.id.in_(held))))
    found = rows.all()
    past = select(EVENTS.c.changes).where(ours, EVENTS.c.record.in_([row.id for row in found]))
    keys = [row.record for row in found]
    for changes in tx.db.scalars(past):
        keys += (changes or {}).get("record", [])
    return {str(key).partition("/")[0] for key in keys if key}
