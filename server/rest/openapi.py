"""OpenAPI: every route with its parameters, its answer and its faults, as their types say."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from server.operations import answers, catalogue
from server.operations.files import AttachedFile
from server.operations.registry import Operation

Schema = dict[str, Any]
REF = "#/components/schemas/{model}"
FAULTS = {
    "400": "Not JSON.",
    "401": "No token that is good.",
    "403": "The token or its user may not do this.",
    "404": "Not there.",
    "409": "Somebody else was quicker.",
    "413": "Too large.",
    "422": "Cannot be done as it stands: every problem, with its remedy.",
}
FORM: Schema = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary"}},
    "required": ["file"],
}


class Problems(TypedDict):
    """Everything that is wrong, at once."""

    problems: list[answers.Fault]


class Told(FastAPI):
    """An application whose OpenAPI tells of the operations, and of files."""

    def openapi(self) -> Schema:
        if self.openapi_schema is None:
            head = {"title": self.title, "description": self.description, "version": self.version}
            self.openapi_schema = {"openapi": self.openapi_version, "info": head, **_contents()}
        return self.openapi_schema


def _contents() -> Schema:
    operations = sorted(catalogue.every().values(), key=lambda each: each.path)
    types = {each.name: each.answer for each in operations}
    shapes, components = _shapes({**types, "attach_file": AttachedFile, "problems": Problems})
    paths: dict[str, Schema] = {}
    for each in operations:
        paths.setdefault(f"/api{each.path}", {})[each.method.lower()] = _route(
            each.name, each.words, {f"{each.status}": shapes[each.name]}, **_asked(each, each.path)
        )
    change = catalogue.every()["write_record"]
    paths["/api/records/{module}/{record}"]["patch"] = _route(
        "change_record",
        "Change fields of a record.",
        {"200": shapes[change.name]},
        **_asked(change, "/records/{module}/{record}"),
    )
    paths["/api/records/{module}/{record}/files"] = {
        "post": _route(
            "attach_file",
            "Attach a file of at most 25 MB to a record.",
            {"201": shapes["attach_file"]},
            parameters=[_parameter(name, {"type": "string"}) for name in ("module", "record")],
            requestBody={"content": {"multipart/form-data": {"schema": FORM}}, "required": True},
        )
    }
    paths["/api/files/{document}"] = {
        "get": _route(
            "get_file",
            "The bytes of a file, by the id of its document.",
            {"200": {"type": "string", "format": "binary"}},
            "application/octet-stream",
            parameters=[_parameter("document", {"type": "integer"})],
        )
    }
    return {
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {
                status: _response(words, shapes["problems"]) for status, words in FAULTS.items()
            },
            "securitySchemes": {"HTTPBearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _shapes(types: Mapping[str, Any]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The schema of each type, and the components that these lead to."""
    asked: Iterable[Any] = [(name, "serialization", TypeAdapter(it)) for name, it in types.items()]
    shapes, whole = TypeAdapter.json_schemas(asked, ref_template=REF)
    return {name: shape for (name, _), shape in shapes.items()}, whole["$defs"]


def _route(
    name: str, words: str, done: dict[str, Schema], media: str = "application/json", **asked: Any
) -> Schema:
    faults = {status: {"$ref": f"#/components/responses/{status}"} for status in FAULTS}
    answered = {status: _response("Done.", shape, media) for status, shape in done.items()}
    return {
        "operationId": name,
        "summary": name.replace("_", " ").capitalize(),
        "description": words,
        "security": [{"HTTPBearer": []}],
        **asked,
        "responses": {**answered, **faults},
    }


def _response(words: str, shape: Schema, media: str = "application/json") -> Schema:
    return {"description": words, "content": {media: {"schema": shape}}}


def _asked(operation: Operation, path: str) -> Schema:
    """What a route takes in its address and in its body."""
    schema = operation.settings.model_json_schema()
    known, needed = schema["properties"], schema.get("required", [])
    inside = [name for name in known if f"{{{name}}}" in path]
    rest = {name: shape for name, shape in known.items() if name not in inside}
    parameters = [_parameter(name, known[name]) for name in inside]
    if operation.method == "GET":
        queried = [_parameter(name, rest[name], "query", name in needed) for name in rest]
        return {"parameters": parameters + queried}
    if operation.method == "DELETE":
        return {"parameters": parameters}
    required = [name for name in rest if name in needed]
    body = {"type": "object", "properties": rest, "required": required}
    content = {"application/json": {"schema": body}}
    return {
        "parameters": parameters,
        "requestBody": {"content": content, "required": bool(required)},
    }


def _parameter(name: str, shape: Schema, place: str = "path", required: bool = True) -> Schema:
    return {"name": name, "in": place, "required": required, "schema": shape}
