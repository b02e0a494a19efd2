"""The third reading of a condition: as a sentence, and for one record with what it really has."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.conditions import ALWAYS, AllOf, AnyOf, Binder, Compare, Condition, NotOf, Related, bind
from engine.conditions.bound import Relation, Total
from engine.conditions.comparing import (
    compared,
    found,
    joined,
    label,
    plain,
    plain_number,
    shown,
    word,
)
from engine.conditions.operators import denied
from engine.conditions.readings import Facts, added, holds
from engine.conditions.relations import relation
from engine.problems import Invalid
from engine.schema.english import listed
from engine.schema.fields import Field

__all__ = ["Reason", "describe", "plain", "plain_number", "reasons"]

NUMBER = Field(name="number", type="decimal")


@dataclass(frozen=True)
class Reason:
    """Why a condition holds of a record or not.

    The sentence, the value the record really has, and the reasons inside.
    """

    words: str
    holds: bool
    have: str = ""
    parts: tuple["Reason", ...] = ()

    @property
    def said(self) -> str:
        """One sentence: "due date 2026-03-17 is not before today (2026-03-10)"."""
        decisive = [part for part in self.parts if part.holds == self.holds] or self.parts
        return "; ".join(part.said for part in decisive) or self.words


def describe(condition: Condition, binder: Binder, *, inside: bool = False) -> str:
    """The condition as part of a sentence; "always" where there is none.

    `inside` is what is asked of related records: there "it" would be the wrong one.
    """
    match condition:
        case AllOf(all=parts):
            return listed(_parts(_flat(parts, AllOf), binder, inside)) or "always"
        case AnyOf(any=parts):
            return listed(_parts(_flat(parts, AnyOf), binder, inside), "or") or "never"
        case NotOf(part=part):
            (said,) = _parts((part,), binder, inside)
            return f"it is not true that {said}"
        case Related():
            return _related(condition, binder, inside=inside)
        case Compare():
            return compared(condition, binder)


def reasons(condition: Condition, binder: Binder, facts: Facts) -> Reason:
    """The condition, part by part, with what this record really has. It must be sound."""
    words = describe(condition, binder)
    match condition:
        case AllOf(all=parts):
            inside = tuple(reasons(part, binder, facts) for part in parts)
            return Reason(words, all(part.holds for part in inside), parts=inside)
        case AnyOf(any=parts):
            inside = tuple(reasons(part, binder, facts) for part in parts)
            return Reason(words, any(part.holds for part in inside), parts=inside)
        case NotOf(part=part):
            denied = reasons(part, binder, facts)
            return Reason(words, not denied.holds, parts=(denied,))
    bound = bind(condition, binder)
    true_of = holds(bound, facts)
    if isinstance(condition, Related):
        link = relation(binder, condition.related, condition.via, "")
        number = str(len(facts.related(link)))
        return Reason(_counted(condition, link, binder, facts, true_of), true_of, number)
    path = binder.schema.path(binder.module, condition.field)
    have = shown(path.field, facts.value(path), binder)
    return Reason(found(condition, path, binder, facts, true_of), true_of, have)


def _flat(parts: Sequence[Condition], kind: type[AllOf] | type[AnyOf]) -> list[Condition]:
    """The parts, those of a group of the same kind in its place: (a and b) and c are three."""
    flat: list[Condition] = []
    for part in parts:
        match part:
            case AllOf(all=inner) | AnyOf(any=inner) if inner and isinstance(part, kind):
                flat += _flat(inner, kind)
            case _:
                flat.append(part)
    return flat


def _parts(parts: Sequence[Condition], binder: Binder, inside: bool) -> list[str]:
    """Each part so that it cannot be read together with the one beside it."""
    said = []
    for part in parts:
        told = describe(part, binder, inside=inside)
        if isinstance(part, Related) and len(parts) > 1:
            told = _related(part, binder, inside=inside, among=True)
        said.append(f"({told})" if _several(part) else told)
    return said


def _several(condition: Condition | None) -> bool:
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            return len(parts) > 1
    return False


def _related(node: Related, binder: Binder, *, inside: bool = False, among: bool = False) -> str:
    there = binder.schema.modules.get(node.related)
    if not there:
        return f"its {node.related}"
    asked = describe(node.where, binder.of(there), inside=True) if node.where else "always"
    asked = f"({asked})" if among and _several(node.where) else asked
    shared, these = _shared(node, binder), there.label.lower()
    mine = _lead(node, binder, "they are" if inside else "it is")
    of_them = f"{these} of the same {shared}" if shared else f"{these}{mine}"
    those = f"{'the' if shared or mine else 'their' if inside else 'its'} {of_them}"
    there_are = "there are" if shared or inside or mine else "it has"
    which = "" if asked == "always" else f" for which {asked}"
    match node.match:
        case "some":
            return f"{there_are} one or more {of_them}{which}"
        case "none":
            return f"{there_are} no {of_them}{which}"
        case "every":
            return f"for all {those}, of which there is at least one, {asked}"
    those += f" ({which.strip()})" if which else ""
    return joined(_total_of(node, binder, those), _amount(node, binder))


def _total_of(node: Related, binder: Binder, those: str) -> str:
    there = binder.schema.modules[node.related].by_name
    if not node.sum:
        return f"the number of {those}"
    what = there[node.sum].title.lower() if node.sum in there else node.sum
    return f"the {what} of all {those} together"


def _amount(node: Related, binder: Binder) -> str:
    said = {"equals": "is", "not_equals": "is not"}.get(node.op or "", label(node.op or ""))
    return joined(said, word(node.value, NUMBER, binder, None))


def _shared(node: Related, binder: Binder) -> str:
    """The reference that both sides have in common; "" where the related refer to the record."""
    try:
        link = relation(binder, node.related, node.via, "")
    except Invalid:
        return ""
    return "" if link.anchor == "id" else binder.module.field(node.via).title.lower()


def _lead(node: Related, binder: Binder, they_are: str) -> str:
    """By which reference the related records belong to these, where it can be one of several."""
    there = binder.schema.modules[node.related]
    ways = there.references(binder.module.name)
    several = len(ways) > 1 or there is binder.module
    via = next((way for way in ways if way.name == node.via), None)
    return f" whose {via.title.lower()} {they_are}" if via and several else ""


def _counted(node: Related, link: Relation, binder: Binder, facts: Facts, true_of: bool) -> str:
    """What is true of how many related records: "for 1 of its 2 tasks the status is “Done”"."""
    there, shared = link.module, _shared(node, binder)
    bound, children = bind(node.where or ALWAYS, binder.of(there)), facts.related(link)
    fitting = [child for child in children if holds(bound, child)]
    asked = describe(node.where or ALWAYS, binder.of(there), inside=True)
    ours = f" of the same {shared}" if shared else _lead(node, binder, "it is")
    its, has = ("the", "there are") if ours else ("its", "it has")
    if node.match is None:
        which = "" if asked == "always" else f" (for which {asked})"
        total = _total_of(node, binder, f"{its} {there.label.lower()}{ours}{which}")
        measure = bind(node, binder)
        summed = measure.sum if isinstance(measure, Total) else None
        have = plain(added(fitting, link, summed))
        return f"{total} is {have}{_against(node, binder, facts, true_of)}"
    if not children:
        return f"{has} no {there.label.lower()}{ours}"
    if asked == "always":
        return f"{has} {_many(len(children), there.singular, there.label)}{ours}"
    if len(children) == 1:
        so = "" if fitting else "it is not true that "
        return f"for {its} only {there.singular.lower()}{ours} {so}{asked}"
    number = len(fitting) or "none"
    return f"for {number} of {its} {len(children):,} {there.label.lower()}{ours} {asked}"


def _against(node: Related, binder: Binder, facts: Facts, true_of: bool) -> str:
    """What a total is held against: ", which is not at least 2"."""
    wanted = word(node.value, NUMBER, binder, facts)
    if node.op in ("equals", "not_equals"):
        return "" if (node.op == "equals") is true_of else f", not {wanted}"
    op = node.op or ""
    return f", which {label(op) if true_of else denied(op)} {wanted}"


def _many(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {(singular if number == 1 else plural).lower()}"
