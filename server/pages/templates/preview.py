"""How a template reads for one record, as its page shows it."""

from engine.records.text_library import PDF
from engine.runs.rehearsal import Told
from engine.templates.wording import Wording
from server.access.session import Visit
from server.operations.queries.template_uses import Use
from server.operations.template_preview import Template, fitting, readers, written
from server.pages.frame.effects import effect
from server.pages.frame.mail_html import safe_html
from server.pages.frame.names import Names
from server.pages.templates.choices import pick_language, pick_module, pick_record
from server.pages.templates.views import Preview


def preview(visit: Visit, names: Names, template: Template, used: list[Use]) -> Preview:
    """The record it is filled in with, and what it says then, or why it says nothing."""
    tx = names.tx
    fits = fitting(tx, template, visit.name)
    module, modules = pick_module(visit, fits, [each.module for each in used])
    languages = pick_language(visit, template)
    view: Preview = {
        "action": visit.request.url.path, "modules": modules, "records": [], "number": "",
        "languages": languages, "title": "", "note": "", "warned": "", "effect": None, "html": "",
    }  # fmt: skip
    if module is None:
        return {**view, "note": "It asks for something that no module has. Correct its text."}
    id, record, records = pick_record(visit, names, module, [each.workflow for each in used])
    if id is None:
        return {**view, "note": f"There is no record in {module.label} to fill it in with."}
    wanted = template.wordings
    if visit.asked("language"):
        wanted = tuple(each for each in wanted if _tag(each) == visit.asked("language")) or wanted
    to = [each.to for each in used if each.to and each.module == module.name]
    chosen = Template(template.name, template.kind, wanted)
    known = readers(tx, chosen, module, to, visit.name)
    told, why = written(tx, chosen, module, id, known)
    note = f"{why[:1].upper()}{why[1:]}"
    shown: Preview = {**view, "records": records, "number": record, "note": note}
    return _shown(shown, names, told, template) if told else shown


def _tag(wording: Wording) -> str:
    return wording.language or "other"


def _shown(view: Preview, names: Names, told: Told, template: Template) -> Preview:
    if template.kind == PDF:
        title, html = str(told.effect["title"]), safe_html(str(told.effect["html"]))
        return {**view, "title": title, "html": html, "warned": told.warned}
    seen = effect(told.effect, names, icon=template.step.icon, title=told.does)
    return {**view, "effect": seen, "warned": told.warned}
