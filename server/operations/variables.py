"""The variables of templates, told to whoever writes one."""

from itertools import groupby

from engine.templates.listing import Insert, inserts
from server.access.desk import Desk
from server.operations.modules import found
from server.operations.registry import Answer, operation


@operation(
    "GET /modules/{module}/variables",
    scope="records:read",
    gives="module:string groups:array",
)
def list_variables(desk: Desk, module: str) -> Answer:
    """List all that a text about records of a module may insert, ready to be pasted.

    `also` is how other products write the same; both mean the same here.
    """
    with desk.read() as tx:
        every = list(inserts(found(tx, module), tx.schema))
    groups = [
        {"title": title, "variables": [_told(each) for each in part]}
        for title, part in groupby(every, lambda each: each.group)
    ]
    return {"module": module, "groups": groups}


def _told(insert: Insert) -> Answer:
    told: Answer = {"title": insert.title, "type": insert.type, "insert": insert.written}
    return {**told, "also": insert.elsewhere} if insert.elsewhere else told
