"""The action of calling a function that a developer has installed."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, ValidationError

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Look, Values
from engine.blocks.words import value
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.function import RunFunction
from engine.effects.functions import ANY, FUNCTIONS, faults
from engine.phrases import say
from engine.problems import Problem, suggest
from engine.records.states import Result

HOW = "An operator installs a package that offers it, and lists it in SAYSO_FUNCTIONS."


class CallFunction(Action):
    """Call a function that a developer has registered. `describe_blocks` lists those there are."""

    type: Literal["call_function"] = "call_function"
    function: str = Field(description="The name of the function; kind function.", min_length=1)
    values: Values = Field({}, description="Its parameters by name; may have templates in them.")
    example: ClassVar[dict[str, Any]] = {
        "id": "score",
        "type": "call_function",
        "function": "credit_score",
        "values": {"name": "{{ record.account.name }}", "years": 3},
    }
    outward: ClassVar[bool] = True
    icon: ClassVar[str] = "square-function"
    look: ClassVar[Look] = "outside"
    gives: ClassVar[tuple[str, ...]] = ("result",)

    def say(self, binder: Binder) -> str:
        if not self.values:
            return say("call the function {function}", function=self.function)
        told = say(", ").join(
            say("{name}: {value}", name=name, value=value(raw, binder))
            for name, raw in self.values.items()
        )
        return say(
            "call the function {function} with {values}", function=self.function, values=told
        )

    def functions(self) -> Iterable[str]:
        return (self.function,)

    def check(self, checking: Checking) -> Iterator[Problem]:
        known = FUNCTIONS.known.get(self.function)
        if known is None:
            near = suggest(self.function, FUNCTIONS.known, "Functions")
            remedy = near if FUNCTIONS.known else f"No function is registered here. {HOW}"
            yield Problem("function", f"there is no function `{self.function}`.", remedy)
            return
        yield from checking.text(dict(self.values), "values")
        try:
            known.checked(self.values)
        except ValidationError as invalid:
            for place, what in faults(invalid):
                name = place.partition(".")[0]
                if name in self.values and "{{" in str(self.values[name]):
                    continue  # its type is only known when it is filled in
                fields = known.parameters.model_fields
                remedy = suggest(name, fields, "Parameters") if name not in fields else ""
                yield Problem(f"values.{place}", f"{what}.", remedy or "Give a value of its type.")

    def plan(self, ctx: Context) -> RunFunction:
        known = FUNCTIONS.known.get(self.function)
        if known is None:
            told = f"the function {self.function} is not there any more. {HOW}"
            raise Unplanned(Outcome(Result.FAILED, told))
        given: dict[str, JsonValue] = ANY.dump_python(self.values, mode="json")
        try:
            known.checked(given)
        except ValidationError as invalid:
            told = "; ".join(f"{place}: {what}" for place, what in faults(invalid))
            raise Unplanned(
                Outcome(Result.FAILED, f"{self.function} was not called: {told}")
            ) from None
        return RunFunction(name=self.function, settings=given, idempotent=known.idempotent)
