"""What OpenAPI says of each operation, from its types."""

from typing import Any

from server.operations.registry import Operation


def described(operation: Operation, path: str = "") -> dict[str, Any]:
    """Parameters, body and answer of a route."""
    schema = operation.settings.model_json_schema(ref_template="#/components/schemas/{model}")
    known, needed = schema["properties"], schema.get("required", [])
    where = path or operation.path
    inside = [name for name in known if f"{{{name}}}" in where]
    rest = [name for name in known if name not in inside]
    status = "200" if path else f"{operation.status}"
    told: dict[str, Any] = {
        "parameters": [_parameter(name, known[name], "path", True) for name in inside],
        "responses": {status: _answer(operation), **_FAULTS},
    }
    if operation.method == "GET":
        told["parameters"] += [
            _parameter(name, known[name], "query", name in needed) for name in rest
        ]
    elif operation.method != "DELETE":
        body = {
            "type": "object",
            "properties": {name: known[name] for name in rest},
            "required": [name for name in rest if name in needed],
        }
        content = {"application/json": {"schema": body}}
        told["requestBody"] = {"content": content, "required": bool(body["required"])}
    return told


def _parameter(name: str, schema: Any, place: str, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _answer(operation: Operation) -> dict[str, Any]:
    schema = answer_schema(operation)
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def answer_schema(operation: Operation) -> dict[str, Any]:
    """The keys of an answer, and which are always there."""
    keys = {name.removesuffix("?"): kind for name, kind in operation.gives.items()}
    always = [name for name in operation.gives if not name.endswith("?")]
    shown = {name: {"type": kind} for name, kind in keys.items()}
    return {"type": "object", "properties": shown, "required": always}


_PROBLEMS = {
    "type": "object",
    "properties": {
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {key: {"type": "string"} for key in ("path", "message", "remedy")},
            },
        }
    },
    "required": ["problems"],
}
_FAULTS = {
    status: {"description": words, "content": {"application/json": {"schema": _PROBLEMS}}}
    for status, words in {
        "400": "Not JSON.",
        "401": "No token that is good.",
        "403": "The token or its user may not do this.",
        "404": "Not there.",
        "409": "Somebody else was quicker.",
        "413": "Too large.",
        "422": "Cannot be done as it stands: every problem, with its remedy.",
    }.items()
}
ATTACHING: dict[str, Any] = {
    "parameters": [_parameter(n, {"type": "string"}, "path", True) for n in ("module", "record")],
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            }
        },
        "required": True,
    },
    "responses": {
        "201": {
            "description": "Attached: its document, and where its bytes are.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "id": {"type": "integer"},
                            "number": {"type": "string"},
                            "file": {"type": "string"},
                        },
                        "required": ["id", "number", "file"],
                    }
                }
            },
        },
        **_FAULTS,
    },
}
HANDING_OUT: dict[str, Any] = {
    "parameters": [_parameter("document", {"type": "integer"}, "path", True)],
    "responses": {
        "200": {
            "description": "The file.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        **_FAULTS,
    },
}
