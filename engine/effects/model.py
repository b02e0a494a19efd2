"""The effect of asking a model to fill fields: one answer, of which sound values are kept."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from engine.effects import Outcome, OutwardEffect
from engine.effects.records import UpdateRecord
from engine.fields import Field
from engine.problems import BadValue

if TYPE_CHECKING:
    from anthropic.types import Message

    from engine.world import World

PAUSE, TRIES, MOST_TOKENS = timedelta(minutes=5), 4, 1024


class ModelFailed(Exception):
    """The model gave no usable answer; `again` tells whether asking later may help."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.reason, self.again = reason, again


@dataclass
class Claude:
    """The Messages API, asked for JSON of one given shape."""

    api_key: str
    base_url: str
    model: str

    def ask(self, system: str, prompt: str, schema: dict[str, Any]) -> dict[str, Any]:
        """The answer as an object. Raises `ModelFailed`."""
        import anthropic  # it takes half a second, which only those who ask a model should wait

        try:
            message = self._message(system, prompt, schema)
        except anthropic.APIStatusError as error:
            again = error.status_code in (408, 409, 429) or error.status_code >= 500
            raise ModelFailed(
                f"the model's service answered {error.status_code}", again=again
            ) from error
        except anthropic.APIConnectionError as error:
            raise ModelFailed("the model's service could not be reached", again=True) from error
        if message.stop_reason == "refusal":
            raise ModelFailed("the model refused to answer", again=False)
        if message.stop_reason == "max_tokens":
            raise ModelFailed("the model's answer was cut off", again=False)
        return _answer("".join(block.text for block in message.content if block.type == "text"))

    def _message(self, system: str, prompt: str, schema: dict[str, Any]) -> "Message":
        from anthropic import Anthropic

        base_url = self.base_url or None
        with Anthropic(
            api_key=self.api_key, base_url=base_url, max_retries=0, timeout=60
        ) as client:
            return client.messages.create(
                model=self.model,
                max_tokens=MOST_TOKENS,
                system=system,
                messages=[{"role": "user", "content": prompt}],
                output_config={"format": {"type": "json_schema", "schema": schema}},
            )


class AskModel(OutwardEffect):
    """Ask for values of some fields of one record, and write those that fit."""

    kind: Literal["ask_model"] = "ask_model"
    module: str
    id: int
    title: str
    system: str
    prompt: str
    fields: tuple[Field, ...]
    instructions: dict[str, str]

    def say(self) -> str:
        return (
            f"ask the model for {', '.join(field.title for field in self.fields)} of {self.title}"
        )

    def perform(self, world: "World", key: str, tries: int) -> Outcome:
        if world.model is None:
            remedy = "Set ANTHROPIC_API_KEY and try again."
            return Outcome("failed", f"No model is set up (ai_not_configured). {remedy}")
        try:
            answer = world.model.ask(self.system, self.prompt, self.answer_shape())
        except ModelFailed as failure:
            if failure.again and tries < TRIES:
                return Outcome(
                    "retry", f"try {tries}: {failure.reason}", again_at=world.now() + PAUSE
                )
            return Outcome("failed", f"{failure.reason}; no field was changed")
        return self.judged(answer)

    def preview(self) -> Outcome:
        shown: dict[str, JsonValue] = {
            field.name: f"({field.title}, by the model)" for field in self.fields
        }
        return Outcome("done", f"would {self.say()}", shown)

    def answer_shape(self) -> dict[str, Any]:
        """The shape of the answer: each field by its type and choices, or null."""
        shapes = {
            field.name: _shape(field, self.instructions.get(field.name, ""))
            for field in self.fields
        }
        return {
            "type": "object",
            "properties": shapes,
            "required": list(shapes),
            "additionalProperties": False,
        }

    def judged(self, answer: dict[str, Any]) -> Outcome:
        """Values that their fields can hold are written; others are told as a warning."""
        kept: dict[str, JsonValue] = {}
        warnings = []
        for field in self.fields:
            try:
                value = field.dump(field.parse(answer.get(field.name)))
            except BadValue as bad:
                warnings.append(f"{field.title} was left as it is: {bad.message}")
                continue
            if value is not None:
                kept[field.name] = value
        told = "; ".join([*(f"{name}: {value}" for name, value in kept.items()), *warnings])
        if not kept:
            return Outcome("unchanged", f"the model gave no usable value. {told}".strip())
        change = UpdateRecord(module=self.module, id=self.id, title=self.title, values=kept)
        return Outcome("done", told, kept, then=(change,))


def _answer(text: str) -> dict[str, Any]:
    """The object in the answer, also where a server wrapped it in other text."""
    try:
        found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        raise ModelFailed("the model's answer was not JSON", again=False) from None
    if not isinstance(found, dict):
        raise ModelFailed("the model's answer was not an object", again=False)
    return found


def _shape(field: Field, instruction: str) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        "number": {"type": "number"},
        "bool": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "datetime": {"type": "string", "format": "date-time"},
        "list": {"type": "array", "items": {"type": "string"}},
    }
    shape = kinds.get(field.kind, {"type": "string"})
    if field.options and field.kind == "text":
        shape = {"type": "string", "enum": list(field.options)}
    told = ". ".join(part for part in (field.title, field.help, instruction) if part)
    return {"anyOf": [shape, {"type": "null"}], "description": told}
