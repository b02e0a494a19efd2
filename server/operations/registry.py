"""Operations: one plain function each, of which the doors make a REST route and an MCP tool."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, cleandoc, signature
from math import isfinite
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model
from pydantic import Field as Bound
from pydantic_core import PydanticCustomError
from typing_extensions import is_typeddict

from engine.problems import Invalid, Problem, suggest
from server.access.desk import Desk

Answer = dict[str, Any]
Kind = Literal["read", "write", "switch", "send"]
# On the way from a wish to a workflow that runs, in this order.
Stage = Literal["learn", "records", "workflows", "draft", "try", "decide", "run", "watch"]
F = TypeVar("F", bound=Callable[..., Mapping[str, Any]])
DEEPEST = 64
LARGEST = 2**63 - 1


class Missing(Invalid):
    """What was asked for is not there, or not for whoever asks."""


def missing(path: str, message: str, remedy: str = "") -> Missing:
    """A `Missing` with a single problem, to be raised."""
    return Missing(Problem(path, message, remedy))


# --- what parameters can be ---


def opened(given: Any) -> Any:
    """An object or a list, also where a client sent it as JSON text."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as bad:
            raise PydanticCustomError(
                "json", "this is not JSON ({why}); send the object itself", {"why": f"{bad}"}
            ) from None
    if why := unkeepable(given):
        raise PydanticCustomError("kept", "{why}", {"why": why})
    return given


def unkeepable(given: Any, left: int = DEEPEST) -> str | None:
    """Why something cannot be kept, if so: no database takes all that JSON can say."""
    match given:
        case dict():
            inside: Iterator[Any] = (part for pair in given.items() for part in pair)
        case list():
            inside = iter(given)
        case str() if "\x00" in given or any("\ud800" <= char <= "\udfff" for char in given):
            return "a text holds a sign that cannot be kept (a null, or half of a character)"
        case float() if not isfinite(given):
            return "a number is not finite"
        case int() if not -LARGEST <= given <= LARGEST:
            return "a number is too large to be kept"
        case _:
            return None
    if left == 0:
        return "it is nested too deeply to be read"
    return next((why for part in inside if (why := unkeepable(part, left - 1))), None)


Plain = Annotated[dict[str, Any], BeforeValidator(opened)]
Several = Annotated[list[dict[str, Any]], BeforeValidator(opened)]
Ref = int | str
Number = Annotated[int, Bound(ge=0, le=2**31 - 1)]


def _listed(given: Any) -> Any:
    """A list, also where it was sent as JSON text or as one item alone."""
    if isinstance(given, str) and given.strip().startswith("["):
        return opened(given)
    return [given] if isinstance(given, (str, int)) else given


Names = Annotated[list[str], BeforeValidator(_listed)]
Refs = Annotated[list[Ref], BeforeValidator(_listed)]


# --- operations ---


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked for.

    `stage` is where agents come upon it as a tool, None where they are not offered it; `untrusted`
    tells that its answer holds text which people outside may have written; `answer` is the type of
    its answer, a TypedDict; `body` the parameter that a REST request may give as its whole body;
    `status` what HTTP answers when it is done.
    """

    name: str
    function: Callable[..., Mapping[str, Any]]
    method: str
    path: str
    scope: str
    kind: Kind
    stage: Stage | None
    untrusted: bool
    answer: Any
    body: str
    status: int
    settings: type[BaseModel] = field(repr=False)

    @property
    def words(self) -> str:
        return cleandoc(self.function.__doc__ or "")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.settings.model_fields)

    @property
    def always(self) -> list[str]:
        """The keys that every answer has."""
        required = self.answer.__required_keys__
        return [name for name in get_type_hints(self.answer) if name in required]

    def call(self, desk: Desk, given: Mapping[str, Any]) -> Answer:
        """Do it, if it may be done. Raises `Refused`, and `Invalid` with all problems at once."""
        if self.scope:
            desk.need(self.scope)
        return dict(self.function(desk, **self.checked(given)))

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them. Raises `Invalid`."""
        if why := unkeepable(dict(given)):
            raise Invalid(Problem("", f"{why}.", "Send what people can read."))
        try:
            settings = self.settings.model_validate(dict(given))
        except ValidationError as invalid:
            faults = invalid.errors(include_url=False)
            taught = (self._teach(fault) for fault in faults)
            raise Invalid(*{problem.path: problem for problem in taught}.values()) from None
        return {name: getattr(settings, name) for name in settings.model_fields_set}

    def _teach(self, fault: Any) -> Problem:
        first, *inner = fault["loc"]
        # Beside positions in lists, a location holds names that pydantic has for members of unions.
        path = ".".join([str(first), *(str(part) for part in inner if isinstance(part, int))])
        match fault["type"]:
            case "extra_forbidden":
                message = f"{self.name} has no parameter `{first}`."
                return Problem(path, message, suggest(str(first), self.names, "Parameters"))
            case "missing":
                every = ", ".join(f"`{name}`" for name in self.names)
                return Problem(path, f"`{first}` is missing.", f"Parameters: {every}.")
            case "literal_error":
                known = [word.strip(" '") for word in _choices(fault["ctx"]["expected"])]
                message = f"`{fault['input']}` is not possible here."
                return Problem(path, message, suggest(str(fault["input"]), known, "Possible"))
        said = fault["msg"][:1].lower() + fault["msg"][1:]
        return Problem(path, f"{said}.", f"It is {fault.get('input')!r:.80} now.")


def _choices(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(",")


OPERATIONS: dict[str, Operation] = {}


def operation(
    route: str,
    *,
    scope: str,
    kind: Kind = "read",
    stage: Stage | None = None,
    untrusted: bool = False,
    body: str = "",
    status: Literal[200, 201] = 200,
    name: str = "",
) -> Callable[[F], F]:
    """Register a function `(desk, ...) -> TypedDict` under its name (or `name`).

    `route` is like "GET /workflows/{workflow}"; `scope` is checked before the function is called;
    with a `stage` it is a tool as well, among those of that stage. Parameters and answer are what
    the function says: OpenAPI, the schemas of tools and the checks come from its annotations.
    """

    def register(function: F) -> F:
        method, path = route.split()
        called = name or function.__name__
        OPERATIONS[called] = Operation(
            called,
            function,
            method,
            path,
            scope,
            kind,
            stage,
            untrusted,
            _answer(function),
            body,
            status,
            _settings(function),
        )
        return function

    return register


def _settings(function: Callable[..., Any]) -> type[BaseModel]:
    """The parameters of an operation, beside the desk, as a model that knows them and no others."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints[name], ... if given.default is Parameter.empty else given.default)
        for name, given in list(signature(function).parameters.items())[1:]
    }
    return create_model(
        f"{function.__name__}_settings", __config__=ConfigDict(extra="forbid"), **fields
    )


def _answer(function: Callable[..., Any]) -> Any:
    """What the function says that it answers. Raises `TypeError` where that says nothing."""
    answer = get_type_hints(function, include_extras=True).get("return")
    if not is_typeddict(answer):
        message = f"{function.__name__} returns no TypedDict: nobody could tell what it answers"
        raise TypeError(message)
    return answer
