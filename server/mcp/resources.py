"""What clients may read or be started with: resources, prompts, and the names they can complete."""

import json
from collections.abc import Callable
from typing import Any

from anyio import to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp_types import Completion, PromptReference, ResourceTemplateReference

from engine.problems import Invalid
from prompts import rendered
from server.access.desk import Desk
from server.access.rights import Refused
from server.operations.queries import workflows
from server.operations.registry import OPERATIONS, Answer, Missing

MOST = 100


def install(server: MCPServer[Any], desk: Callable[[], Desk]) -> None:
    """Give the server its resources, prompts and completions; `desk` is that of the request."""
    _resources(server, desk)
    _prompts(server)
    _completions(server, desk)


def _resources(server: MCPServer[Any], desk: Callable[[], Desk]) -> None:
    @server.resource("sayso://guide", title="How to work with Sayso", mime_type="text/markdown")
    def guide() -> str:
        """From a wish to a submitted workflow, with a whole document."""
        return rendered("guide")

    @server.resource("sayso://modules/{name}", title="A module", mime_type="application/json")
    def module(name: str) -> str:
        """The fields, choices and links of a module."""
        return _read(desk(), "describe_modules", {"modules": [name]})

    @server.resource("sayso://workflows/{id}", title="A workflow", mime_type="application/json")
    def workflow(id: str) -> str:
        """A workflow: its document, words, state and versions."""
        return _read(desk(), "get_workflow", {"workflow": id})


def _read(desk: Desk, operation: str, given: Answer) -> str:
    try:
        return json.dumps(OPERATIONS[operation].call(desk, given), ensure_ascii=False)
    except Missing as gone:
        raise ResourceNotFoundError(str(gone)) from None
    except (Refused, Invalid) as error:
        raise ResourceError(str(error)) from None


def _prompts(server: MCPServer[Any]) -> None:
    @server.prompt(title="Automate something")
    def automate(wish: str, module: str = "") -> list[UserMessage]:
        """From a wish in plain words to a workflow that waits for review."""
        return [UserMessage(rendered("automate", wish=wish, module=module))]

    @server.prompt(title="Review a workflow")
    def review_workflow(workflow: str) -> list[UserMessage]:
        """What a person should know before they decide."""
        return [UserMessage(rendered("review_workflow", workflow=workflow))]

    @server.prompt(title="Why did it not run?")
    def why_did_it_not_run(workflow: str, record: str = "") -> list[UserMessage]:
        """Find the cause, with the real values."""
        return [UserMessage(rendered("why_did_it_not_run", workflow=workflow, record=record))]

    @server.prompt(title="Tidy up")
    def tidy_up(module: str = "") -> list[UserMessage]:
        """What fails, overlaps, lies about or is badly named."""
        return [UserMessage(rendered("tidy_up", module=module))]


def _completions(server: MCPServer[Any], desk: Callable[[], Desk]) -> None:
    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # the SDK's has no types
    async def complete(
        ref: PromptReference | ResourceTemplateReference, argument: Any, context: Any
    ) -> Completion:
        kind, here = _asked(ref, argument.name), desk()
        found = await to_thread.run_sync(names, here, kind, argument.value)
        return Completion(values=found[:MOST], total=len(found), has_more=len(found) > MOST)


def _asked(ref: PromptReference | ResourceTemplateReference, argument: str) -> str:
    """What a name that is being typed belongs to: module, field or workflow."""
    if isinstance(ref, PromptReference):
        return argument
    return {"name": "module", "id": "workflow"}.get(argument, argument)


def names(desk: Desk, kind: str, typed: str) -> list[str]:
    """The names that begin with, or hold, what was typed so far."""
    try:
        desk.need("workflows:read" if kind == "workflow" else "records:read")
    except Refused:
        return []
    with desk.read() as tx:
        match kind:
            case "module":
                known = list(tx.schema.modules)
            case "field":
                known = [field for module in tx.schema for field in module.by_name]
            case "workflow":
                return [
                    str(id)
                    for id, name in sorted(workflows.named(tx))
                    if str(id).startswith(typed) or typed.casefold() in name.casefold()
                ]
            case _:
                return []
    fitting = dict.fromkeys(name for name in known if typed.casefold() in name)
    return sorted(fitting, key=lambda name: (not name.startswith(typed.casefold()), name))
