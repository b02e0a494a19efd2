"""Functions of installed packages that workflows may call, as far as the operator lists them.

A package offers them as entry points of the group `sayso.functions`. A parameter of a function is
its setting, a type hint its type, the docstring its words.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError, create_model

from engine.problems import BadValue

GROUP = "sayso.functions"
LARGEST = 16_384
ANY: TypeAdapter[Any] = TypeAdapter(Any)
F = TypeVar("F", bound=Callable[..., Any])


def function(*, idempotent: bool) -> Callable[[F], F]:
    """Say of a function whether it may be called again after a call whose end was lost.

    One that does not say so is taken to be idempotent.
    """

    def marked(call: F) -> F:
        call.__dict__["idempotent"] = idempotent
        return call

    return marked


@dataclass(frozen=True)
class Function:
    """One that workflows may call. `source` is the hash of the file it is written in."""

    name: str
    words: str
    version: str
    source: str
    idempotent: bool
    parameters: type[BaseModel]
    call: Callable[..., Any]

    @property
    def identity(self) -> dict[str, str]:
        """What a person approves when a workflow that calls it is approved."""
        return {"name": self.name, "version": self.version, "source": self.source}

    def checked(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with their types. Raises `ValidationError`."""
        given = self.parameters.model_validate(dict(settings))
        return {name: getattr(given, name) for name in self.parameters.model_fields}

    def result(self, settings: Mapping[str, Any]) -> JsonValue:
        """What it returns, as JSON. Raises what it raises, and `BadValue` for what is no JSON."""
        made = self.call(**self.checked(settings))
        try:
            text = ANY.dump_json(made)
        except (ValueError, TypeError) as error:
            raise BadValue(f"what it returned is not JSON ({error})") from None
        if len(text) > LARGEST:
            raise BadValue(f"what it returned is larger than {LARGEST // 1024} kB")
        found: JsonValue = ANY.validate_json(text)
        return found


class Registry:
    """The functions of this process. Nothing of a package is loaded that is not listed."""

    def __init__(self) -> None:
        self.known: dict[str, Function] = {}
        self.failed: dict[str, str] = {}

    def load(self, listed: str) -> None:
        """Take the functions of these names (parted by commas), and no others."""
        offered = {point.name: point for point in entry_points(group=GROUP)}
        self.known, self.failed = {}, {}
        for name in filter(None, (part.strip() for part in listed.split(","))):
            if name not in offered:
                self.failed[name] = "no installed package offers it"
                continue
            try:
                self.known[name] = _loaded(offered[name])
            except Exception as error:  # a foreign package may break in any way
                self.failed[name] = f"it cannot be loaded: {error}"

    def identities(self, names: Iterable[str]) -> list[dict[str, str]]:
        """What is approved of the functions of these names; of one that is gone, its name."""
        gone = {"version": "missing", "source": ""}
        found = (self.known.get(name) for name in sorted(set(names)))
        pairs = zip(sorted(set(names)), found, strict=True)
        return [one.identity if one else {"name": name, **gone} for name, one in pairs]


FUNCTIONS = Registry()


def _loaded(point: EntryPoint) -> Function:
    call = point.load()
    if not callable(call):
        raise TypeError("it is no function")
    file = inspect.getsourcefile(inspect.unwrap(call))
    with open(file or "", "rb") as source:  # noqa: PTH123 - a path as inspect gives it
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    version = point.dist.version if point.dist else ""
    words = inspect.cleandoc(call.__doc__ or "").strip()
    idempotent = bool(getattr(call, "idempotent", True))
    return Function(point.name, words, version, digest, idempotent, _parameters(call), call)


def _parameters(call: Callable[..., Any]) -> type[BaseModel]:
    """The parameters of a function as a model; those without a default are needed."""
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(call, eval_str=True).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"`*{name}` is no parameter that can be set")
        if parameter.annotation is parameter.empty:
            raise TypeError(f"its parameter `{name}` has no type")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (parameter.annotation, default)
    return create_model("Parameters", __config__=ConfigDict(extra="forbid"), **fields)


def faults(invalid: ValidationError) -> list[tuple[str, str]]:
    """What is wrong with settings: where, and what it should be, in words."""
    return [
        (".".join(map(str, error["loc"])), _said(error["type"], error["msg"]))
        for error in invalid.errors(include_url=False)
    ]


def _said(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "it is needed"
        case "extra_forbidden":
            return "there is no such parameter"
    return message[:1].lower() + message[1:]
