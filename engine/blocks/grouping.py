"""What is the same for all records that a run takes together, and what each has of its own."""

from engine.conditions import AllOf, AnyOf, Binder, Compare, Condition, NotOf, Related, results
from engine.conditions.relations import relation
from engine.problems import Invalid


def shared(dotted: str, group_by: str) -> bool:
    """Whether a path leads to the same from all of them: it begins with what they share."""
    return f"{dotted}.".startswith(f"{group_by}.")


def differs(condition: Condition, binder: Binder, group_by: str) -> bool:
    """Whether a condition may hold of some of the records taken together, and not of others."""
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            return any(differs(part, binder, group_by) for part in parts)
        case NotOf(part=part):
            return differs(part, binder, group_by)
        case Related(related=related, via=via):
            return not shared(_anchor(related, via, binder), group_by)
        case Compare(field=name, value=value):
            other = value.get("field") if isinstance(value, dict) else None
            paths = [name, *([other] if isinstance(other, str) else [])]
            mine = (path for path in paths if not path.startswith(results.ROOT))
            return not all(shared(path, group_by) for path in mine)


def _anchor(related: str, via: str, binder: Binder) -> str:
    """The field of the record by which others are related to it."""
    try:
        return relation(binder, related, via, "").anchor
    except Invalid:
        return "id"
