"""Stand-ins for what a test cannot have for real: time, Claude, and a network of phones."""

import hmac
import itertools
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs

from engine.outside.texting import Twilio
from tests.servers import Answer, Request, http_server

Body = dict[str, Any]

API_VERSION = "2026-10-21"
NEEDED = {
    "/v1/messages": ("model", "max_tokens", "messages"),
    "/v1/messages/count_tokens": ("model", "messages"),
}
FORCED_TOOLS_REFUSED = ("claude-sonnet-5-5",)
SCHEMA_WORDS_REFUSED = (
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"{at}: the moment has no time zone")
        self._at = at.astimezone(UTC)

    def advance(self, **delta: float) -> datetime:
        """Move by a timedelta in its own words (`days=1, hours=-2`); gives the new moment."""
        self._at += timedelta(**delta)
        return self._at


@dataclass(frozen=True)
class Reply:
    """A message of Claude's."""

    blocks: tuple[Body, ...]
    stop_reason: str = "end_turn"
    stop_details: Body | None = None


@dataclass(frozen=True)
class Failure:
    """An error the API answers with instead."""

    status: int
    type: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Sequence[Reply | Failure] | Callable[[Body], Reply | Failure]


def text(words: str) -> Reply:
    """Plain words."""
    return Reply(({"type": "text", "text": words},))


def as_json(value: object) -> Reply:
    """What a structured output answers: the value, as JSON text."""
    return text(json.dumps(value))


def tool_use(name: str, settings: Body, *, id: str = "toolu_fake") -> Reply:
    """A wish to use a tool."""
    block = {"type": "tool_use", "id": id, "name": name, "input": settings}
    return Reply((block,), stop_reason="tool_use")


def refusal(category: str = "general_harms") -> Reply:
    """An answer withheld."""
    details = {"type": "refusal", "category": category, "explanation": None}
    return Reply((), stop_reason="refusal", stop_details=details)


def error(status: int, type: str, message: str = "scripted", **headers: str) -> Failure:
    """An error of the API (`error(429, "rate_limit_error", retry_after_ms="1")`)."""
    return Failure(status, type, message, {k.replace("_", "-"): v for k, v in headers.items()})


class FakeClaude:
    """The Messages API over real HTTP, with scripted replies or a function that makes them.

    It refuses what the API refuses, so wrong code fails here first:
    `with FakeClaude([text("Hi")]).serve() as url: Anthropic(api_key="test", base_url=url)`.
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[Body] = []
        self._reply = script if callable(script) else _in_turn(script)
        self._numbers = itertools.count(1)

    def serve(self) -> AbstractContextManager[str]:
        """Listen; the context gives the address."""
        return http_server(self._answer)

    def _answer(self, request: Request) -> Answer:
        body: Body = json.loads(request.body or b"{}")
        if failure := next(_refusals(request, body), None):
            return _failed(failure)
        if request.path.endswith("/count_tokens"):
            return _said({"input_tokens": _tokens(body)})
        self.requests.append(body)
        match self._reply(body):
            case Failure() as failure:
                return _failed(failure)
            case Reply() as reply:
                message = _message(body, _cut(reply, body["max_tokens"]), next(self._numbers))
                return _streamed(message) if body.get("stream") else _said(message)


def _in_turn(replies: Sequence[Reply | Failure]) -> Callable[[Body], Reply | Failure]:
    used_up = Failure(400, "invalid_request_error", "the script of this fake is used up")
    turns = iter(replies)
    return lambda _: next(turns, used_up)


def _refusals(request: Request, body: Body) -> Iterator[Failure]:
    """Everything the API would refuse this request for; what is malformed is read no further."""
    if not {"authorization", "x-api-key"} & set(request.headers):
        yield Failure(401, "authentication_error", "a key is missing")
    if request.path.partition("?")[0] not in NEEDED:
        yield Failure(404, "not_found_error", f"no such endpoint: {request.path}")
        return
    complaints = [*_missing(request, body)] or [
        *_settings(body),
        *_conversation(body["messages"]),
        *_tools(body),
    ]
    yield from (Failure(400, "invalid_request_error", complaint) for complaint in complaints)


def _missing(request: Request, body: Body) -> Iterator[str]:
    if request.headers.get("anthropic-version") != API_VERSION:
        yield f"anthropic-version: not {API_VERSION}"
    needed = NEEDED[request.path.partition("?")[0]]
    yield from (f"{key}: field required" for key in needed if key not in body)
    if not body.get("messages"):
        yield "messages: at least one is required"


def _settings(body: Body) -> Iterator[str]:
    for key in ("temperature", "top_p", "top_k", "thread"):
        if key in body:
            yield f"{key}: not accepted"
    thinking = body.get("thinking", {}).get("type")
    if thinking == "enabled":
        yield "thinking.type: use 'adaptive'"
    if thinking == "disabled" and body["model"] == "claude-sonnet-5-5":
        yield "thinking.type: use 'between_tools'"
    if json.dumps(body).count('"cache_control"') > 4:
        yield "cache_control: at most four marks"
    if shape := body.get("output_config", {}).get("format"):
        if shape.get("type") != "json_schema":
            yield "output_config.format.type: must be 'json_schema'"
        yield from _schema(shape.get("schema"), "output_config.format.schema")


def _conversation(messages: Sequence[Body]) -> Iterator[str]:
    if messages[-1]["role"] == "assistant":
        yield "messages: the last one must be the user's (no prefill)"
    asked: list[str] = []
    for message in messages:
        blocks = _blocks(message)
        if any(block["type"] == "text" and not block["text"] for block in blocks):
            yield "messages: text must not be empty"
        if message["role"] == "assistant" and any(b["type"] == "document" for b in blocks):
            yield "messages: no documents in an assistant's message"
        answered = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        if message["role"] == "user" and sorted(answered) != sorted(asked):
            yield f"messages: tools {asked} need their results next, found {answered}"
        asked = [b["id"] for b in blocks if b["type"] == "tool_use"]


def _tools(body: Body) -> Iterator[str]:
    tools: list[Body] = body.get("tools", [])
    choice = body.get("tool_choice", {}).get("type")
    if choice and not tools:
        yield "tool_choice: there are no tools"
    if choice in ("any", "tool") and body["model"] in FORCED_TOOLS_REFUSED:
        yield f"tool_choice: {body['model']} cannot be forced to use a tool"
    if len({tool["name"] for tool in tools}) < len(tools):
        yield "tools: names must be unique"
    for tool in tools:
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]):
            yield f"tools: {tool['name']!r} is not a name"
        if tool.get("strict"):
            yield from _schema(tool["input_schema"], f"tools.{tool['name']}.input_schema")


def _schema(schema: Any, path: str) -> Iterator[str]:
    """What structured outputs do not take; a schema is any JSON, wrong ones included."""
    if not isinstance(schema, dict):
        yield f"{path}: a schema is an object"
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield f"{path}: an object needs additionalProperties: false"
    yield from (f"{path}.{word}: not supported" for word in SCHEMA_WORDS_REFUSED if word in schema)
    for group in ("properties", "$defs"):
        for name, part in schema.get(group, {}).items():
            yield from _schema(part, f"{path}.{group}.{name}")
    parts = [*schema.get("anyOf", ()), *schema.get("allOf", ())]
    for part in [*parts, schema["items"]] if "items" in schema else parts:
        yield from _schema(part, path)


def _blocks(message: Body) -> list[Body]:
    content = message["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _tokens(value: object) -> int:
    return max(1, len(json.dumps(value)) // 4)


def _cut(reply: Reply, max_tokens: int) -> Reply:
    """The reply as far as the limit lets it go."""
    match reply.blocks:
        case ({"type": "text", "text": words},) if len(words) > max_tokens * 4:
            return Reply(text(words[: max_tokens * 4]).blocks, stop_reason="max_tokens")
    return reply


def _message(body: Body, reply: Reply, number: int) -> Body:
    usage = {"input_tokens": _tokens(body), "output_tokens": _tokens(reply.blocks)}
    return {
        "id": f"msg_fake_{number}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": list(reply.blocks),
        "stop_reason": reply.stop_reason,
        "stop_sequence": None,
        "stop_details": reply.stop_details,
        "usage": {**usage, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
    }


def _said(value: Body) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _failed(failure: Failure) -> Answer:
    words = {"type": "error", "error": {"type": failure.type, "message": failure.message}}
    headers = {"Content-Type": "application/json", **failure.headers}
    return Answer(failure.status, json.dumps(words).encode(), headers)


def _streamed(message: Body) -> Answer:
    """The same message, as the events of a stream."""
    lines = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in _events(message))
    return Answer(200, "".join(lines).encode(), {"Content-Type": "text/event-stream"})


def _events(message: Body) -> Iterator[Body]:
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    for index, block in enumerate(message["content"]):
        start, delta = _in_two(block)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    usage = {"output_tokens": message["usage"]["output_tokens"]}
    yield {"type": "message_delta", "delta": ending, "usage": usage}
    yield {"type": "message_stop"}


def _in_two(block: Body) -> tuple[Body, Body]:
    """A block before it has content, and the delta that brings all of it."""
    if block["type"] == "text":
        return {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return {**block, "input": {}}, delta


class FakeTwilio:
    """The Messages API of Twilio over real HTTP: it takes what Twilio takes, and refuses the rest.

    `refuses` gives, by number, the code of the error it answers (21610), or a bare HTTP status.
    """

    ACCOUNT, TOKEN, SENDER = (
        "AC00000000000000000000000000000001",
        "token of the tests",
        "+33644600000",
    )
    ERRORS: ClassVar[Mapping[int, str]] = {
        21211: "Invalid 'To' Phone Number: {to}",
        21610: "Attempt to send to unsubscribed recipient",
        20429: "Too Many Requests",
    }

    def __init__(self, refuses: Mapping[str, int] | None = None) -> None:
        self.messages: list[dict[str, str]] = []
        self.refuses = dict(refuses or {})

    def serve(self) -> AbstractContextManager[str]:
        """Listen; the context gives the address."""
        return http_server(self._answer)

    def provider(self, address: str, callback: str = "") -> Twilio:
        """Our side of it."""
        return Twilio(self.ACCOUNT, self.TOKEN, self.SENDER, callback, address)

    def signature(self, url: str, form: Mapping[str, str]) -> str:
        """What proves that Twilio posts this form to this address."""
        told = url + "".join(name + form[name] for name in sorted(form))
        return b64encode(hmac.digest(self.TOKEN.encode(), told.encode(), "sha1")).decode()

    def _answer(self, request: Request) -> Answer:
        proof = b64encode(f"{self.ACCOUNT}:{self.TOKEN}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {proof}":
            return self._error(401, 20003, "Authenticate")
        if request.path != f"/2010-04-01/Accounts/{self.ACCOUNT}/Messages.json":
            return self._error(404, 20404, f"The requested resource {request.path} was not found")
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if missing := [name for name in ("To", "From", "Body") if name not in form]:
            return self._error(400, 21602, f"{missing[0]} is required.")
        code = self.refuses.get(form["To"], 0 if form["To"].startswith("+") else 21211)
        if 0 < code < 1000:
            return Answer(code)
        if code:
            status = 429 if code == 20429 else 400
            return self._error(status, code, self.ERRORS[code].format(to=form["To"]))
        self.messages.append(form)
        made = {"sid": f"SM{len(self.messages):032}", "status": "queued", **form}
        return Answer(201, json.dumps(made).encode(), {"Content-Type": "application/json"})

    def _error(self, status: int, code: int, message: str) -> Answer:
        more = f"https://www.twilio.com/docs/errors/{code}"
        told = {"code": code, "message": message, "more_info": more, "status": status}
        return Answer(status, json.dumps(told).encode(), {"Content-Type": "application/json"})
