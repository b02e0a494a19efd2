"""All that a workflow may do, also through those it starts, and what of it is new."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from engine.blocks.disclosures import disclosed, template
from engine.blocks.rights import Right
from engine.blocks.step import Step
from engine.company.company import Company
from engine.conditions import Binder
from engine.phrases import mark, say
from engine.templates.wording import Wording
from engine.workflows.surroundings import Surroundings
from engine.workflows.workflow import Workflow

Texts = Mapping[str, tuple[Wording, ...]]


def rights(workflow: Workflow, around: Surroundings) -> list[Right]:
    """What it may do, each once, in the order of its steps; then what it may do through others."""
    return list({right.key: right for right in _followed(workflow, around, frozenset())}.values())


def of_steps(steps: Iterable[Step], binder: Binder, texts: Texts) -> Iterator[Right]:
    """What these steps may do by themselves, with what templates of the library say in them."""
    for step in steps:
        yield from step.rights(binder)
        named = step.template_named
        for wording in texts.get(named, ()):
            yield from disclosed(wording.parts, template(named), binder)


def fresh(now: Iterable[Right], before: Iterable[Right]) -> list[Right]:
    """The rights that there were not before."""
    had = {right.key for right in before}
    return [right for right in now if right.key not in had]


def to_be_seen(now: Iterable[Right], before: Iterable[Right]) -> list[Right]:
    """What is new and grave: a person must have seen it to approve it."""
    return [right for right in fresh(now, before) if right.risk]


def risks(now: Iterable[Right], before: Iterable[Right]) -> list[str]:
    """What is new and grave, in a few words each."""
    return list(dict.fromkeys(right.risk for right in to_be_seen(now, before)))


def hosts(found: Iterable[Right]) -> list[str]:
    """The machines outside that may be called, by name."""
    return sorted({right.detail for right in found if right.kind == "call"})


def _followed(workflow: Workflow, around: Surroundings, seen: frozenset[int]) -> Iterator[Right]:
    home = around.schema.modules.get(workflow.module)
    if home is None:
        return
    yield from of_steps(workflow.every_step, around.binder(home), workflow.texts)
    for name in _each(step.senders() for step in workflow.every_step):
        yield _in_name_of(name, around.company)
    for named in _each(step.starts() for step in workflow.every_step):
        for other in around.started(named):
            if other.id not in seen:
                for right in _followed(other.parsed, around, seen | {other.id}):
                    yield replace(right, through=right.through or other.name)


def _each(found: Iterable[Iterable[int | str]]) -> list[int | str]:
    return list(dict.fromkeys(one for several in found for one in several))


def _in_name_of(name: int | str, company: Company) -> Right:
    """The right to write in a sender's name, with the address behind it."""
    sender = company.sender_named(str(name))
    if sender is None:
        return Right("send as", str(name), str(name))
    told = mark("{sender} ({address})")
    if sender.reply_to:
        told = mark("{sender} ({address}, answers go to {answers})")
    words = say(told, sender=sender.name, address=sender.address, answers=sender.reply_to)
    detail = " ".join(filter(None, [sender.address, sender.reply_to, sender.connection]))
    return Right("send as", detail, words)
