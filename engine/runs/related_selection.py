"""The related records that conditions choose: the invoices that a mail to a customer is about."""

from collections.abc import Sequence
from datetime import datetime

from engine.conditions import ALWAYS, Condition, bind, positive
from engine.conditions.readings import holds
from engine.conditions.relations import relation
from engine.records.reader import RecordFacts


def related_selection(
    entry: Condition, facts: Sequence[RecordFacts], at: datetime
) -> dict[str, list[RecordFacts]]:
    """By module, each record once and in the order of their ids; of several records those of all.

    Chosen is what fits a `related` condition, wherever it stands, but for those that must not be.
    Words for days mean those of `at`.
    """
    found: dict[str, dict[int, RecordFacts]] = {}
    for one in facts:
        binder = one.reader.tx.binder(one.module, at=at)
        for node in positive(entry):
            link = relation(binder, node.related, node.via, "")
            fits = bind(node.where or ALWAYS, binder.of(link.module))
            rows = found.setdefault(link.module.name, {})
            rows |= {row.values["id"]: row for row in one.related(link) if holds(fits, row)}
    return {module: [rows[id] for id in sorted(rows)] for module, rows in found.items()}
