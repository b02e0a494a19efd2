"""The third reading of a condition: as a sentence, and for one record with what it really has."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.conditions import ALWAYS, AllOf, AnyOf, Binder, Compare, Condition, NotOf, Related, bind
from engine.conditions.bound import Relation, Total
from engine.conditions.comparing import (
    compared,
    found,
    label,
    plain,
    plain_number,
    predicate,
    shown,
    word,
)
from engine.conditions.operators import denied
from engine.conditions.readings import Facts, added, holds
from engine.conditions.relations import relation
from engine.phrases import figure, listed, mark, say
from engine.problems import Invalid
from engine.schema.fields import Field
from engine.schema.modules import Module

__all__ = ["Reason", "belonging", "describe", "plain", "plain_number", "reasons"]

NUMBER = Field(name="number", type="decimal")
# Of records that are free of this one (those of the same account, say), and of its own.
ARE = {True: mark("there are {records}"), False: mark("it has {records}")}
SOME = {
    True: mark("there are one or more {records}"),
    False: mark("it has one or more {records}"),
}
NONE = {True: mark("there are no {records}"), False: mark("it has no {records}")}
ONLY = {
    True: mark("for the only {record} {condition}"),
    False: mark("for its only {record} {condition}"),
}
# Of records about which something is asked inside a condition, and of those of the record.
WHOSE = {
    True: mark("{records} whose {field} they are"),
    False: mark("{records} whose {field} it is"),
}


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
            return listed(_parts(_flat(parts, AllOf), binder, inside)) or say("always")
        case AnyOf(any=parts):
            return listed(_parts(_flat(parts, AnyOf), binder, inside), "or") or say("never")
        case NotOf(part=part):
            (said,) = _parts((part,), binder, inside)
            return say("it is not true that {condition}", condition=said)
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
        return say("its {records}", records=node.related)
    asked = _asked(node, there, binder)
    asked = f"({asked})" if among and _several(node.where) else asked
    these = _belonging(node, binder, there.label.lower(), inside=inside)
    free = inside or these != there.label.lower()
    those = belonging(node, binder, inside=inside)
    fitting = say("{records} for which {condition}", records=these, condition=asked)
    match node.match:
        case "some":
            return say(SOME[free], records=fitting if asked else these)
        case "none":
            return say(NONE[free], records=fitting if asked else these)
        case "every":
            told = mark("for all {records}, of which there is at least one, {condition}")
            return say(told, records=those, condition=asked or say("always"))
    if asked:
        those = say("{records} (for which {condition})", records=those, condition=asked)
    total, amount = _total_of(node, binder, those), _amount(node, binder)
    return say("{field} {comparison}", field=total, comparison=amount)


def belonging(node: Related, binder: Binder, *, inside: bool = False) -> str:
    """The related records: "its invoices", "the invoices of the same account"."""
    label = binder.schema.modules[node.related].label.lower()
    these = _belonging(node, binder, label, inside=inside)
    return say(_whose(node, binder, inside=inside), records=these)


def _asked(node: Related, there: Module, binder: Binder) -> str:
    """What is asked of each of the related records; "" for nothing."""
    where = node.where or ALWAYS
    return "" if where == ALWAYS else describe(where, binder.of(there), inside=True)


def _whose(node: Related, binder: Binder, *, inside: bool) -> str:
    """The records, as those of the record itself or by what they have in common."""
    if _shared(node, binder) or _lead(node, binder):
        return mark("the {records}")
    return mark("their {records}") if inside else mark("its {records}")


def _belonging(node: Related, binder: Binder, records: str, *, inside: bool = False) -> str:
    """The records, with what tells them apart from others of their module."""
    if shared := _shared(node, binder):
        return say("{records} of the same {shared}", records=records, shared=shared)
    if reference := _lead(node, binder):
        return say(WHOSE[inside], records=records, field=reference)
    return records


def _total_of(node: Related, binder: Binder, those: str) -> str:
    there = binder.schema.modules[node.related].by_name
    if not node.sum:
        return say("the number of {records}", records=those)
    what = there[node.sum].title.lower() if node.sum in there else node.sum
    return say("the {field} of all {records} together", field=what, records=those)


def _amount(node: Related, binder: Binder) -> str:
    said = {"equals": mark("is"), "not_equals": mark("is not")}
    verb = said.get(node.op or "", label(node.op or ""))
    return predicate(verb, word(node.value, NUMBER, binder, None))


def _shared(node: Related, binder: Binder) -> str:
    """The reference that both sides have in common; "" where the related refer to the record."""
    try:
        link = relation(binder, node.related, node.via, "")
    except Invalid:
        return ""
    return "" if link.anchor == "id" else binder.module.field(node.via).title.lower()


def _lead(node: Related, binder: Binder) -> str:
    """By which reference the related records belong to these, where it can be one of several."""
    there = binder.schema.modules[node.related]
    ways = there.references(binder.module.name)
    several = len(ways) > 1 or there is binder.module
    via = next((way for way in ways if way.name == node.via), None)
    return via.title.lower() if via and several else ""


def _counted(node: Related, link: Relation, binder: Binder, facts: Facts, true_of: bool) -> str:
    """What is true of how many related records: "for 1 of its 2 tasks the status is “Done”"."""
    there, children = link.module, facts.related(link)
    bound = bind(node.where or ALWAYS, binder.of(there))
    fitting = [child for child in children if holds(bound, child)]
    asked = _asked(node, there, binder)
    these = _belonging(node, binder, there.label.lower())
    free = these != there.label.lower()
    if node.match is None:
        return _measured(node, link, fitting, binder, facts, asked, true_of)
    if not children:
        return say(NONE[free], records=these)
    counted = _belonging(node, binder, _many(len(children), there))
    if not asked:
        return say(ARE[free], records=counted)
    if len(children) == 1:
        so = asked if fitting else say("it is not true that {condition}", condition=asked)
        only = _belonging(node, binder, there.singular.lower())
        return say(ONLY[free], record=only, condition=so)
    those = say(_whose(node, binder, inside=False), records=counted)
    if not fitting:
        return say("for none of {records} {condition}", records=those, condition=asked)
    number = figure(len(fitting))
    return say("for {count} of {records} {condition}", count=number, records=those, condition=asked)


def _measured(
    node: Related,
    link: Relation,
    fitting: Sequence[Facts],
    binder: Binder,
    facts: Facts,
    asked: str,
    true_of: bool,
) -> str:
    """What the related records come to, and what that is held against."""
    these = _belonging(node, binder, link.module.label.lower())
    those = say(_whose(node, binder, inside=False), records=these)
    if asked:
        those = say("{records} (for which {condition})", records=those, condition=asked)
    measure = bind(node, binder)
    have = plain(added(fitting, link, measure.sum if isinstance(measure, Total) else None))
    total, wanted = _total_of(node, binder, those), word(node.value, NUMBER, binder, facts)
    if node.op in ("equals", "not_equals"):
        if (node.op == "equals") is true_of:
            return say("{field} is {value}", field=total, value=have)
        return say("{field} is {value}, not {wanted}", field=total, value=have, wanted=wanted)
    op = node.op or ""
    told = predicate(label(op) if true_of else denied(op), wanted)
    return say("{field} is {value}, which {comparison}", field=total, value=have, comparison=told)


def _many(number: int, module: Module) -> str:
    what = (module.singular if number == 1 else module.label).lower()
    return say("{count} {things}", count=figure(number), things=what)
