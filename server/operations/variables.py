"""The variables of templates, told to whoever writes one."""

from itertools import groupby
from typing import NotRequired

from typing_extensions import TypedDict

from engine.templates.listing import Insert, inserts
from server.access.desk import Desk
from server.operations.modules import found
from server.operations.registry import operation


class Variable(TypedDict):
    """What a text may insert: what it is, how it is written, and how other products write it."""

    title: str
    type: str
    insert: str
    also: NotRequired[str]


class VariableGroup(TypedDict):
    """Variables that belong together."""

    title: str
    variables: list[Variable]


class Variables(TypedDict):
    """All that texts about records of a module may insert."""

    module: str
    groups: list[VariableGroup]


@operation(
    "GET /modules/{module}/variables",
    scope="records:read",
)
def list_variables(desk: Desk, module: str) -> Variables:
    """List all that a text about records of a module may insert, ready to be pasted.

    `also` is how other products write the same; both mean the same here.
    """
    with desk.read() as tx:
        every = list(inserts(found(tx, module), tx.schema))
    groups: list[VariableGroup] = [
        {"title": title, "variables": [_told(each) for each in part]}
        for title, part in groupby(every, lambda each: each.group)
    ]
    return {"module": module, "groups": groups}


def _told(insert: Insert) -> Variable:
    told: Variable = {"title": insert.title, "type": insert.type, "insert": insert.written}
    return {**told, "also": insert.elsewhere} if insert.elsewhere else told
