"""The effect of asking a model to fill fields: one answer, of which sound values are kept."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from engine.effects import Outcome, OutwardEffect
from engine.effects.records import UpdateRecord
from engine.outside.claude import ModelFailed
from engine.outside.files_for_model import shown
from engine.outside.world import World
from engine.problems import BadValue
from engine.records.states import Result
from engine.schema.fields import Field
from engine.schema.stored_files import Attachment

SETTING = "ANTHROPIC_API_KEY"
PAUSE, TRIES = timedelta(minutes=5), 4
# 1 200,50 and 1.200,50 and 1,200.50: with three digits between marks, and two after the last.
AMOUNT = re.compile(r"(\d{1,3}(?:[\s.,']\d{3})+|\d+)[.,](\d{1,2})")


class AskModel(OutwardEffect):
    """Ask for values of some fields of one record, and write those that fit.

    Without `prompt_alone` the prompt tells nothing of the record: its files must. A time in the
    answer that names no zone is one of `timezone`, the company's.
    """

    counted: ClassVar[str] = "model answer"
    kind: Literal["ask_model"] = "ask_model"
    scope: ClassVar[str] = "model"
    module: str
    id: int
    title: str
    system: str
    prompt: str
    fields: tuple[Field, ...]
    instructions: dict[str, str]
    prompt_alone: bool = True
    timezone: str = "UTC"
    files: tuple[Attachment, ...] = ()

    def say(self) -> str:
        wanted = ", ".join(field.title for field in self.fields)
        names = ", ".join(file.name for file in self.files)
        showing = f", showing it {names}" if names else ""
        return f"ask the model for {wanted} of {self.title}{showing}"

    def barred(self, world: World) -> Outcome | None:
        return None if world.model else self._without_model()

    def perform(self, world: World, key: str, tries: int) -> Outcome:
        if world.model is None:
            return self._without_model()
        files = shown(self.files, world.file, whole=world.model.reads_files)
        if self.files and not files.blocks and not self.prompt_alone:
            told = f"nothing could be read: {'; '.join(files.left_out)}"
            return Outcome(Result.FAILED, f"{told}; no field was changed")
        content = [*files.blocks, {"type": "text", "text": self.prompt}]
        try:
            answer = world.model.ask(self.system, content, self.answer_shape())
        except ModelFailed as failure:
            if failure.again and tries < TRIES:
                return Outcome(
                    Result.RETRY, f"try {tries}: {failure.reason}", again_at=world.now() + PAUSE
                )
            return Outcome(Result.FAILED, f"{failure.reason}; no field was changed")
        return self.judged(answer, files.left_out)

    def _without_model(self) -> Outcome:
        told = f"No model is set up (ai_not_configured). Set {SETTING} and try again."
        return Outcome(Result.FAILED, told)

    def preview(self) -> Outcome:
        shown: dict[str, JsonValue] = {
            field.name: f"({field.title}, by the model)" for field in self.fields
        }
        return Outcome(Result.DONE, f"would {self.say()}", shown)

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

    def judged(self, answer: dict[str, Any], left_out: Sequence[str] = ()) -> Outcome:
        """Values that their fields can hold are written; others are told as a warning."""
        kept: dict[str, JsonValue] = {}
        warnings = [f"not read: {each}" for each in left_out]
        zone = ZoneInfo(self.timezone)
        for field in self.fields:
            try:
                value = field.dump(field.parse(_plain(field, answer.get(field.name)), zone))
            except BadValue as bad:
                warnings.append(f"{field.title} was left as it is: {bad.message}")
                continue
            if value is not None:
                kept[field.name] = value
        told = "; ".join([*(f"{name}: {value}" for name, value in kept.items()), *warnings])
        if not kept:
            return Outcome(Result.UNCHANGED, f"the model gave no usable value. {told}".strip())
        change = UpdateRecord(module=self.module, id=self.id, title=self.title, values=kept)
        return Outcome(Result.DONE, told, kept, then=(change,))


def _plain(field: Field, value: Any) -> Any:
    """An amount as people write it (1 200,50) as a number; all else as it is."""
    if field.kind != "number" or not isinstance(value, str):
        return value
    if re.fullmatch(r"\d{1,3}[.,]\d{3}", value.strip()):
        raise BadValue(f"whether `{value}` is thousands or a fraction cannot be told.")
    found = AMOUNT.fullmatch(value.strip(" \u00a0\u202f€$£"))
    return f"{re.sub(r'[^0-9]', '', found[1])}.{found[2]}" if found else value


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
