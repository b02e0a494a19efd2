"""Templates of the library as one document each: to be shared, kept elsewhere, and taken in."""

from typing import Any, NotRequired

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypedDict

from engine.problems import Invalid, Problem, refuse
from engine.records.text_library import TEXT_MESSAGE, wording_of
from engine.records.writer import Records, Saved
from engine.schema.own_modules import TEMPLATES
from engine.templates.sms_length import told as length
from engine.templates.wording import Wording
from server.access.desk import Desk
from server.operations.queries import templates as queries
from server.operations.queries.template_uses import uses
from server.operations.registry import Plain, missing, operation


class Document(BaseModel):
    """A template with all its languages, as it is shared."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    schema_: int = Field(1, alias="schema", ge=1, le=1)
    name: str = Field(min_length=1, max_length=200)
    kind: str = "E-mail"
    description: str = ""
    wordings: list[Wording] = Field(min_length=1)


class TemplateWording(TypedDict):
    """A template in one language; "" is for all other readers."""

    language: str
    subject: str
    body: str
    html: str


class SharedTemplate(TypedDict):
    """A template as it is shared, which put_template takes in elsewhere."""

    schema: int
    name: str
    kind: str
    description: str
    wordings: list[TemplateWording]


class Template(TypedDict):
    """A template, the workflows that use it and, of a text message, its length by language."""

    template: SharedTemplate
    used_by: list[str]
    lengths: NotRequired[dict[str, str]]


class SavedTemplate(TypedDict):
    """The name of a template that was taken in, and the numbers of its records."""

    template: str
    records: list[str]


@operation(
    "GET /templates/{template}",
    scope="workflows:read",
)
def get_template(desk: Desk, template: str) -> Template:
    """A template with all its languages, ready to be shared, and which workflows use it.

    Of a text message `lengths` tells, by language, in how many parts it is sent.
    """
    with desk.read() as tx:
        rows = queries.called(tx, template)
        if not rows:
            raise missing("template", f"there is no template `{template}`.", "List the templates.")
        wordings = [wording_of(row) for row in rows]
        document = Document(
            name=template,
            kind=rows[0].kind or "E-mail",
            description=rows[0].description or "",
            wordings=wordings,
        )
        told: Any = document.model_dump(mode="json", by_alias=True)
        used_by = [each.name for each in uses(tx).get(template, ())]
        answer: Template = {"template": told, "used_by": used_by}
        if document.kind == TEXT_MESSAGE:
            answer["lengths"] = {each.language: length(each.body) for each in wordings}
        return answer


@operation(
    "POST /templates",
    scope="workflows:write",
    kind="write",
    body="document",
)
def put_template(desk: Desk, document: Plain) -> SavedTemplate:
    """Take in a shared template. Languages it has replace ours; those it does not have stay."""
    given = _read(document)
    languages = [wording.language for wording in given.wordings]
    if len(set(languages)) < len(languages):
        raise refuse("wordings", "a language is there twice.", "Leave one of the two out.")
    with desk.begin() as tx:
        records = Records(tx, desk.author())
        known = {row.language or "": row.id for row in queries.called(tx, given.name)}
        saved = [_save(records, given, wording, known) for wording in given.wordings]
    desk.installation.changed()
    return {"template": given.name, "records": [each.number for each in saved]}


def _read(document: Any) -> Document:
    try:
        return Document.model_validate(document)
    except ValidationError as invalid:
        problems = [
            Problem(".".join(map(str, error["loc"])), f"{error['msg'].lower()}.", "Correct it.")
            for error in invalid.errors(include_url=False)
        ]
        raise Invalid(*problems) from None


def _save(records: Records, given: Document, wording: Wording, known: dict[str, int]) -> Saved:
    head = {"name": given.name, "kind": given.kind, "description": given.description}
    values = {**head, **wording.model_dump()}
    if id := known.get(wording.language):
        return records.update(TEMPLATES, id, values)
    return records.create(TEMPLATES, values)
