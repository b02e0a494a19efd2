"""What a template is previewed with: the module, the record, the language."""

from babel import Locale

from engine.problems import Invalid
from engine.schema.modules import Module
from server.access.session import Visit
from server.operations.answers import id_of
from server.operations.queries import records
from server.operations.template_preview import Template
from server.pages.frame.lists import choice
from server.pages.frame.names import Names
from server.pages.frame.views import Choice
from server.pages.records.form import few

OTHER = "other"


def language_word(code: str | None, *, several: bool) -> str:
    """A language by its name; without one, it is for all readers that no other wording is for."""
    if not code:
        return "All other languages" if several else "All languages"
    return str(Locale("en").languages.get(code, code))


def pick_module(
    visit: Visit, fits: list[Module], used: list[str]
) -> tuple[Module | None, list[Choice]]:
    """The module whose records fill it in: the one asked for, else that of a workflow it is in."""
    by_name = {module.name: module for module in fits}
    wanted = next((name for name in (visit.asked("module"), *used) if name in by_name), None)
    module = by_name[wanted] if wanted else (fits[0] if fits else None)
    return module, [choice(each.name, each.label, each is module) for each in fits]


def pick_record(
    visit: Visit, names: Names, module: Module, used: list[int]
) -> tuple[int | None, str, list[Choice]]:
    """The record asked for, else one that these workflows ran for, else the newest: its id, its
    number, and all to choose from if they are few."""
    tx, asked = names.tx, visit.asked("record")
    try:
        id = id_of(tx, module, asked) if asked else None
    except Invalid:
        id = None
    id = id or records.newest(tx, module, used) or records.newest(tx, module)
    number = names.record(module.name, id)[0]["text"] if id else ""
    known = [choice(value, label, value == number) for value, label in few(names, module.name)]
    return id, number, known


def pick_language(visit: Visit, template: Template) -> list[Choice]:
    """The languages it can be shown in; nothing to choose where there is only one."""
    if len(template.wordings) < 2:
        return []
    asked = visit.asked("language")
    known = [
        choice(each.language or OTHER, language_word(each.language, several=True),
               (each.language or OTHER) == asked)
        for each in template.wordings
    ]  # fmt: skip
    return [choice("", "In the reader's language", not asked), *known]
