"""Operations that are held to what they promise: no test sees an answer that its type denies."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, wraps
from typing import Any

from pydantic import TypeAdapter

from server.operations import catalogue
from server.operations.registry import Operation

adapter = cache(TypeAdapter)


@cache
def insist_on_types() -> None:
    """From now on an answer raises `ValidationError` if its JSON has other keys or types."""
    known = catalogue.every()
    known.update({name: replace(each, function=checked(each)) for name, each in known.items()})


def checked(operation: Operation) -> Callable[..., Mapping[str, Any]]:
    @wraps(operation.function)
    def answered(*given: Any, **named: Any) -> Mapping[str, Any]:
        answer = operation.function(*given, **named)
        holds = adapter(operation.answer).validate_json
        holds(json.dumps(answer), strict=True, extra="forbid")
        return answer

    return answered
