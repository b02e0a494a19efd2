"""Words for what goes with a message: `documents`, a field with a file, a step's file, a number."""

from collections.abc import Iterable, Iterator

from engine.blocks.checking import Checking
from engine.blocks.named_addresses import free_text
from engine.blocks.words import HOLE
from engine.conditions import Binder
from engine.phrases import listed, say
from engine.problems import Invalid, Problem, suggest
from engine.schema.modules import Path
from engine.schema.own_modules import DOCUMENTS

ALL, EACH, EARLIER = "documents", "records.", "steps."


def attachment(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    """What is wrong with a word of `attach`. Templates are checked as templates."""
    spoken = word if "{{" in word or not word.startswith(EARLIER) else f"{{{{ {word} }}}}"
    remedy = "Name a document, a field that holds one, or `documents`."
    yield from free_text(spoken, path, checking, "which file leaves", remedy)
    if "{{" in word:
        return
    schema = checking.binder.schema
    if DOCUMENTS not in schema.modules:
        yield Problem(path, "there is no module Documents that holds files.", "Leave `attach` out.")
    elif word.startswith(EARLIER):
        yield from checking.text(f"{{{{ {word} }}}}", path)
    elif word.startswith(EACH):
        yield from _of_each(word.removeprefix(EACH), path, checking)
    elif word != ALL and word.partition(".")[0] in checking.module.by_name:
        yield from _field(word, path, checking)
    elif word != ALL and checking.binder.lookup(schema.module(DOCUMENTS), word) is None:
        told = f"`{word}` is no document, and no field that holds one."
        yield Problem(path, told, suggest(word, [ALL, *_holders(checking)], "There are"))


def _of_each(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    if not checking.grouped:
        told = "`records` is only known with `group_by`."
        yield Problem(path, told, f"Use `{word}`, or add `group_by`.")
    elif word != ALL:
        yield from _field(word, path, checking)


def _field(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    try:
        field = checking.binder.schema.path(checking.module, word, path).field
    except Invalid as invalid:
        yield from invalid.problems
        return
    if field.type != "file" and (field.type, field.module) != ("reference", DOCUMENTS):
        told = f"{field.title} holds no file."
        yield Problem(path, told, suggest(word, [*_holders(checking), ALL], "There are"))


def _holders(checking: Checking) -> list[str]:
    """The fields of the record that hold a file, or a document."""
    fields = checking.module.by_name.values()
    kinds = (("file", None), ("reference", DOCUMENTS))
    return [field.name for field in fields if (field.type, field.module) in kinds]


def attached(words: Iterable[str], binder: Binder) -> str:
    """What goes with a message, as part of a sentence: "its PDF and its documents"."""
    return listed([_said(word.strip(), binder) for word in words])


def _said(word: str, binder: Binder) -> str:
    if found := HOLE.fullmatch(word):
        return _said(found[1].strip(), binder)
    if word.startswith(EARLIER):
        return say("the file of step “{step}”", step=word.split(".")[1].replace("_", " "))
    if word.startswith(EACH):
        what, records = word.removeprefix(EACH), binder.module.label.lower()
        if what == ALL:
            return say("the documents of each of the {records}", records=records)
        field = _title(what, binder)
        return say("the {field} of each of the {records}", field=field, records=records)
    if word == ALL:
        return say("its documents")
    own = word.removeprefix("record.")
    known = own.partition(".")[0] in binder.module.by_name
    return say("its {field}", field=_title(own, binder)) if known else word


def _title(dotted: str, binder: Binder) -> str:
    try:
        path: Path = binder.schema.path(binder.module, dotted)
    except Invalid:
        return dotted
    return path.called(path.field.title)
