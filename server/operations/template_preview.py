"""How a template reads for one record: a dry run of a workflow that does nothing but send it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.blocks.actions.send_email import SendEmail
from engine.blocks.step import Step
from engine.records.text_library import TEXT_MESSAGE
from engine.records.transaction import Transaction
from engine.runs.rehearsal import Told, rehearse
from engine.schema.modules import Module
from engine.schema.purposes import Purpose
from engine.templates.variables import way_to
from engine.templates.wording import Wording
from engine.workflows.checks import check
from engine.workflows.library import checking
from engine.workflows.workflow import Workflow

# A number of those that France keeps for films: it rings nowhere.
NOBODY = "+33199001234"
Words = Sequence[str]


@dataclass(frozen=True)
class Template:
    """A template of the library: its kind, and what it says in each of its languages."""

    name: str
    kind: str
    wordings: tuple[Wording, ...]

    @property
    def step(self) -> type[Step]:
        """The step that sends such a template: a mail where there is none for its kind."""
        return next((e for e in Step.types.values() if e.template_kind == self.kind), SendEmail)


def fitting(tx: Transaction, template: Template, somebody: str) -> list[Module]:
    """The modules whose records have all that the template asks for."""
    trials = [(module, _trial(template, module, [somebody])) for module in tx.schema]
    # Read once for all modules: only what a text may name is another in each.
    against = checking(tx, trials[0][1], lambda url: None)
    return [
        module
        for module, trial in trials
        if not list(check(trial, replace(against, binder=tx.binder(module))))
    ]


def written(
    tx: Transaction, template: Template, module: Module, id: int, readers: Iterable[Words]
) -> tuple[Told | None, str]:
    """What would go out about this record to the first of these readers whom it would reach, and
    why not to those before. Nothing is done."""
    why = ""
    for to in readers:
        (one,) = rehearse(tx, _trial(template, module, to), [id])
        found = next((told for told in one.effects if told.effect), None)
        if found:
            return found, why
        why = why or one.ends.partition(": ")[2]
    return None, why


def readers(
    tx: Transaction, template: Template, module: Module, used: Iterable[Words], somebody: str
) -> list[Words]:
    """Whom it may be written to: as its workflows do, else the customer, else who looks at it."""
    customer = (
        [["primary_contact"]] if way_to(tx.schema, module, Purpose.CUSTOMER) is not None else []
    )
    nobody = [[NOBODY]] if template.kind == TEXT_MESSAGE else []
    return [*used, *customer, [somebody], *nobody]


def _trial(template: Template, module: Module, to: Words) -> Workflow:
    settings = template.step.model_fields
    kind = settings["type"].default
    step: dict[str, object] = {"id": "preview", "type": kind, "template": template.name}
    if "to" in settings:
        step["to"] = list(to)
    if "subject" in settings and not any(each.subject for each in template.wordings):
        step["subject"] = template.name
    return Workflow.model_validate(
        {
            "name": "Preview",
            "module": module.name,
            "trigger": {"type": "manual"},
            "steps": [step],
        }
    ).with_texts({template.name: template.wordings})
