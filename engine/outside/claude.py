"""The Messages API, asked through Anthropic's SDK for one JSON object of a given shape."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.outside.files_for_model import Block

if TYPE_CHECKING:
    from anthropic.types import Message

MOST_TOKENS = 1024
ONCE_MORE = "That was not the JSON object asked for. Answer with that object, and nothing else."


class ModelFailed(Exception):
    """The model gave no usable answer; `again` tells whether asking later may help."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.reason, self.again = reason, again


@dataclass
class Claude:
    """The Messages API, asked for JSON of one given shape.

    `reads_files` tells that scans and pictures can be sent as they are.
    """

    api_key: str
    base_url: str
    model: str
    reads_files: bool = False

    def ask(self, system: str, content: Sequence[Block], schema: dict[str, Any]) -> dict[str, Any]:
        """The answer as an object; asked for once more if it was none. Raises `ModelFailed`."""
        asked: list[Block] = [{"role": "user", "content": list(content)}]
        text = self._text(system, asked, schema)
        if (found := _answer(text)) is None and text.strip():
            again = [{"role": "assistant", "content": text}, {"role": "user", "content": ONCE_MORE}]
            found = _answer(self._text(system, [*asked, *again], schema))
        if found is None:
            raise ModelFailed("the model's answer was not JSON", again=False)
        return found

    def _text(self, system: str, messages: list[Block], schema: dict[str, Any]) -> str:
        import anthropic  # it takes half a second, which only those who ask a model should wait

        try:
            message = self._message(system, messages, schema)
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
        return "".join(block.text for block in message.content if block.type == "text")

    def _message(self, system: str, messages: list[Any], schema: dict[str, Any]) -> "Message":
        from anthropic import Anthropic

        base_url = self.base_url or None
        with Anthropic(
            api_key=self.api_key, base_url=base_url, max_retries=0, timeout=60
        ) as client:
            return client.messages.create(
                model=self.model,
                max_tokens=MOST_TOKENS,
                system=system,
                messages=messages,
                output_config={"format": {"type": "json_schema", "schema": schema}},
            )


def _answer(text: str) -> dict[str, Any] | None:
    """The object in the answer, also where it stands in other text; None if there is none."""
    try:
        found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
