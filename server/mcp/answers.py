"""How agents are told: slim schemas, compact answers, harmless text, faults that teach."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations

from engine.problems import Problem
from server.access.rights import Refused
from server.operations.registry import Operation

MOST = 32_000
# Keys of an answer that the list of tools names; OpenAPI tells the whole type.
TOLD = 4
MOST_TEXT = 4_000
# What draws nothing or turns the reading direction: it can hide words from people who look on.
UNSEEN = dict.fromkeys(
    [
        *range(0x00, 0x09),
        *range(0x0B, 0x20),
        *range(0x7F, 0xA0),
        0xAD,
        0x061C,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        *range(0xE0000, 0xE0080),
    ]
)
HINTS = {
    "read": ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
    "write": ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
    ),
    "switch": ToolAnnotations(
        read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
    ),
    "send": ToolAnnotations(
        read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
    ),
}
NEXT = {
    "module": "describe_modules lists the modules and their fields.",
    "field": "describe_modules(modules=[...]) lists the fields.",
    "where": "describe_modules(modules=[...]) lists the fields; describe_blocks the operators.",
    "document": "Correct it with edit_workflow; describe_blocks tells each block.",
    "values": "describe_modules(modules=[...]) lists the fields and their choices.",
    "revision": "get_workflow gives the draft as it is now, with its revision.",
    "workflow": "list_workflows tells which there are, and their states.",
    "record": "search_records finds records.",
    "records": "search_records finds records.",
    "run": "list_runs finds runs.",
    "types": "describe_blocks without `types` lists all.",
}


# --- what is offered ---


def tool(operation: Operation) -> Tool:
    """An operation as the list of tools shows it."""
    return Tool(
        name=operation.name,
        description=" ".join(operation.words.split()),
        input_schema=slim(operation),
        output_schema=output_schema(operation),
        annotations=HINTS[operation.kind],
    )


def slim(operation: Operation) -> dict[str, Any]:
    """The parameters and no more than a model needs: their types and the choices there are."""
    schema = operation.settings.model_json_schema()
    shown = {name: _type(part) for name, part in schema["properties"].items()}
    told: dict[str, Any] = {"type": "object", "properties": shown, "additionalProperties": False}
    if needed := schema.get("required"):
        told["required"] = needed
    return told


def _type(schema: Mapping[str, Any]) -> dict[str, Any]:
    parts = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
    if len(parts) == 1:
        return _type(parts[0])
    if parts:
        return {"type": [part["type"] for part in parts]}
    if "enum" in schema:
        return {"enum": schema["enum"]}
    told = {"type": schema["type"]}
    if items := _type(schema["items"]) if "items" in schema else {}:
        told["items"] = items
    return told


def output_schema(operation: Operation) -> dict[str, Any]:
    """The first keys that every answer has: models read answers, and each word of a list costs."""
    return {"type": "object", "required": operation.always[:TOLD]}


# --- what is answered ---


def told(operation: Operation, answer: Mapping[str, Any]) -> CallToolResult:
    """An answer, with what people outside may have written marked and made harmless."""
    shown = {"untrusted": True, **harmless(answer)} if operation.untrusted else dict(answer)
    fitting = fit(shown)
    return CallToolResult(
        content=[TextContent(type="text", text=_json(fitting))], structured_content=fitting
    )


def harmless(value: Any, *, sparse: bool = False) -> Any:
    """Text without what cannot be seen, no longer than anybody reads; records without gaps."""
    match value:
        case str():
            text = value.translate(UNSEEN)
            over = len(text) - MOST_TEXT
            return f"{text[:MOST_TEXT]}... ({over} more characters)" if over > 0 else text
        case dict():
            return {
                key: harmless(part, sparse=key in ("values", "before"))
                for key, part in value.items()
                if part is not None or not sparse
            }
        case list():
            return [harmless(part) for part in value]
    return value


def fit(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer within what a client takes: the longest list cut, and a word on the rest."""
    cut = dict(answer)
    notes: dict[str, str] = {}
    while len(_json(cut)) > MOST:
        lists = {key: part for key, part in cut.items() if isinstance(part, list) and len(part) > 1}
        if not lists:
            return _shortened(cut)
        key = max(lists, key=lambda name: len(_json(lists[name])))
        cut[key] = lists[key][: len(lists[key]) // 2]
        notes[key] = _note(key, len(cut[key]), len(answer[key]))
        cut["cut"] = " ".join(notes.values())
    return cut


def _note(key: str, shown: int, there: int) -> str:
    how = "Ask for fewer at a time (`limit`), for fewer `fields`, or for single ones."
    return f"Only {shown} of {there} `{key}` fit here. {how}"


def _shortened(answer: dict[str, Any]) -> dict[str, Any]:
    """The last resort: what is large inside is left out by name."""
    kept = {key: part for key, part in answer.items() if len(_json(part)) < MOST // 8}
    gone = ", ".join(f"`{key}`" for key in answer if key not in kept)
    short = {
        key: type(part)() if isinstance(part, (list, dict)) else "" for key, part in answer.items()
    }
    return {
        **short,
        **kept,
        "cut": f"Too large to show: {gone}. Ask for less, or open the web page.",
    }


def faulty(operation: str, problems: Sequence[Problem]) -> CallToolResult:
    """What is wrong, all at once: where, what, what to do; and what to call next."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    steps = dict.fromkeys(NEXT[word] for p in problems for word in _words(p) if word in NEXT)
    lines = [f"{operation}: {count}.", *(f"- {problem}" for problem in problems)]
    text = "\n".join([*lines, *(f"Next: {step}" for step in list(steps)[:2])])
    shown = [{"path": p.path, "message": p.message, "remedy": p.remedy} for p in problems]
    return CallToolResult(
        content=[TextContent(type="text", text=text[:MOST])],
        structured_content={"problems": shown},
        is_error=True,
    )


def _words(problem: Problem) -> list[str]:
    parts = problem.path.split(".")
    return [parts[0], *(["field"] if parts[-1] == "field" else [])]


def not_allowed(operation: str, refused: Refused) -> CallToolResult:
    return faulty(operation, [Problem("", refused.message, refused.remedy)])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
