"""Advice on texts that some of their readers would get in another language than their own."""

from collections import Counter
from collections.abc import Iterator, Mapping

from babel.core import Locale
from sqlalchemy import func, select

from engine.blocks.communication import Communication
from engine.phrases import listed
from engine.problems import Problem
from engine.records.transaction import Transaction
from engine.runs.overlaps import customers, of_record
from engine.schema.purposes import Purpose
from engine.templates import TextProblem, parse
from engine.templates.spoken import language_of
from engine.templates.wording import FOR_ALL
from engine.workflows.advice import placed
from engine.workflows.workflow import Workflow

TEXTS = ("subject", "body", "html")
REMEDY = "Write it in the library, with a wording for each language, or leave these out."


def foreign_texts(tx: Transaction, workflow: Workflow) -> Iterator[Problem]:
    """Advice on each message whose words are not in the language of some customers it means now."""
    readers = _readers(tx, workflow)
    for path, step in placed(workflow.steps, "steps"):
        if isinstance(step, Communication) and _to_customers(tx, step):
            given = {reader: _written(step, workflow, reader) for reader in readers}
            apart = {reader: written for reader, written in given.items() if written != reader}
            for written in dict.fromkeys(apart.values()):
                yield Problem(path, _told(written, apart, readers), REMEDY)


def _to_customers(tx: Transaction, step: Communication) -> bool:
    return any(of_record(word) and word not in tx.handles for word in step.to)


def _readers(tx: Transaction, workflow: Workflow) -> Counter[str]:
    """How many of the customers that it means now read which language."""
    home, chosen = tx.schema.find(Purpose.CUSTOMER), customers(tx, workflow)
    if home is None or chosen is None or "language" not in home.by_name:
        return Counter()
    table = tx.schema.tables[home.name]
    meant = (table.c.id.in_(chosen), table.c.language.is_not(None), table.c.deleted_at.is_(None))
    query = select(table.c.language, func.count()).where(*meant).group_by(table.c.language)
    return Counter({str(language): many for language, many in tx.db.execute(query)})


def _written(step: Communication, workflow: Workflow, reader: str) -> str:
    """The language in which this reader would get it; theirs where nothing tells another."""
    own = [text for name in TEXTS if (text := getattr(step, name, ""))]
    wordings = workflow.texts.get(getattr(step, "template", ""), ())
    by_language = {each.language: each for each in wordings}
    if reader in by_language:
        return reader
    wording = by_language.get(FOR_ALL) or next(iter(by_language.values()), None)
    if wording and wording.language:
        return wording.language
    return _of_words([*own, *(wording.parts if wording else ())], reader)


def _of_words(texts: list[str], reader: str) -> str:
    """The language of the words of these texts, as they choose them for this reader alone."""
    try:
        words = [parse(text).render({"language": reader}).words for text in texts]
    except TextProblem:
        return reader
    return language_of("\n".join(words), reader)


def _told(written: str, apart: Mapping[str, str], readers: Counter[str]) -> str:
    """What it is written in, and how many read what else."""
    theirs = sorted(reader for reader in apart if apart[reader] == written)
    who = listed(
        f"{readers[each]:,} read{'s' if readers[each] == 1 else ''} {_name(each)}"
        for each in theirs
    )
    return f"it is in {_name(written)}, and of the customers that it means now {who}."


def _name(language: str) -> str:
    try:
        return str(Locale.parse(language.replace("-", "_")).get_display_name("en"))
    except ValueError:
        return language
