"""What a step of a run may know when it decides."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.blocks.context import Context, Person
from engine.company.message_limits import Channel
from engine.records.reader import line_data, paused, subject
from engine.runs.addressees import described, refusal
from engine.runs.entry import Entry
from engine.runs.message_attachments import attached_files
from engine.runs.recipients import Recipients
from engine.runs.subjects import Subjects
from engine.runs.template_data import TemplateData
from engine.schema.stored_files import AttachedFiles


@dataclass(frozen=True)
class Standing:
    """What is the same for all records of a run: its records, who started it, what steps gave.

    `fitting` still belong to it; `taken` are those of them that are written about now. `customers`
    tells whether that is read by customers, so that nothing paused may be in it.
    """

    run: int
    subjects: Subjects
    entries: Mapping[str, Entry]
    actor: str
    fitting: Sequence[int]
    taken: Sequence[int]
    customers: Callable[[], bool]


@dataclass(kw_only=True)
class StepView(Context):
    """The context of a real or rehearsed run, seen from one of its records."""

    standing: Standing
    recipients: Recipients
    roots: TemplateData

    def people(self, word: str, by: Channel = "email") -> list[Person]:
        return self.recipients.people(word, by)

    def refuses(self, person: Person) -> str | None:
        return refusal(self.standing.subjects.reader, person)

    def paused(self) -> str | None:
        return paused(self.recipients.facts)

    def lines(self) -> list[dict[str, Any]]:
        return line_data(self.recipients.facts)

    def each(self) -> "list[Context]":
        return [view(self.standing, id) for id in self.standing.fitting]

    def unsubscribe(self, address: str) -> str:
        return self.standing.subjects.reader.tx.links.unsubscribe(address)

    def look(self, key: str) -> Mapping[str, Any] | None:
        reader = self.standing.subjects.reader
        module, _, id = key.partition("/")
        return reader.row(reader.tx.schema.module(module), int(id))

    def described(self, person: Person) -> Mapping[str, Any]:
        return described(self.standing.subjects.reader, person, self.roots.below("contact"))

    def attached_files(self, words: Iterable[str]) -> AttachedFiles:
        facts, beside = self.recipients.facts, self.recipients.beside
        given = {id: entry.seen() for id, entry in self.standing.entries.items()}
        return attached_files(words, facts, beside, given)


def view(standing: Standing, id: int) -> StepView:
    """The view from one record of a run, which there must be."""
    subjects = standing.subjects
    facts, reader = subjects.facts(id), subjects.reader
    assert facts is not None
    together = standing.taken if subjects.members else ()
    beside = [row for each in together if each != id and (row := subjects.facts(each))]
    recipients = Recipients(facts, beside)
    known = (standing.taken, standing.entries, standing.actor, standing.customers)
    roots = TemplateData(subjects, facts, *known)
    return StepView(
        binder=reader.binder(subjects.module),
        facts=facts,
        record=subject(subjects.module, facts.values),
        data=roots,
        around=reader,
        workflow=subjects.live.name,
        run=standing.run or None,
        texts=subjects.live.parsed.texts,
        company=reader.tx.company,
        warnings=recipients.warnings,
        standing=standing,
        recipients=recipients,
        roots=roots,
    )
