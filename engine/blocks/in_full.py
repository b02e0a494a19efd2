"""Every text of a step word by word: what its sentence only begins to quote, or does not tell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.blocks.step import Step
from engine.blocks.words import lines, value
from engine.conditions import Binder
from engine.phrases import say
from engine.templates.passages import Line, Piece
from engine.templates.wording import Wording


@dataclass(frozen=True)
class InFull:
    """One text of a step, with what people call it: "Body", "Text in fr of the template “Hi”"."""

    name: str
    lines: Sequence[Line]

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))


def in_full(
    step: Step, binder: Binder, library: Mapping[str, Sequence[Wording]]
) -> Iterator[InFull]:
    """The texts of a step that its sentence leaves out or says without what is reckoned in them,
    its own before those of the template of the library that it names."""
    said = step.say(binder)
    for name, source in step.templates().items():
        told = _told(source, binder)
        if told and not all(_plain(line) and str(line) in said for line in told):
            title = (type(step).model_fields[name].alias or name).replace("_", " ")
            yield InFull(title[:1].upper() + title[1:], told)
    named = step.template_named
    for wording in library.get(named, ()):
        for part in ("subject", "body", "html"):
            if text := getattr(wording, part):
                called = wording.called(part)
                title = say(
                    "{part} of the template “{template}”",
                    part=f"{called[:1].upper()}{called[1:]}",
                    template=named,
                )
                yield InFull(title, lines(text, binder))


def _plain(line: Line) -> bool:
    return all(piece.kind in ("", "filled") for piece in line.pieces)


def _told(source: Any, binder: Binder) -> list[Line]:
    match source:
        case str():
            return lines(source, binder)
        case Mapping():
            return [line for name, raw in source.items() for line in _setting(name, raw, binder)]
    return []


def _setting(name: str, raw: Any, binder: Binder) -> list[Line]:
    """One value that is given under a name; what takes several lines stands below the name."""
    if not (isinstance(raw, str) and "{" in raw):
        return [Line((Piece(f"{name}: {value(raw, binder)}"),))]
    match lines(raw, binder):
        case [only]:
            return [Line((Piece(f"{name}: "), *only.pieces))]
        case several:
            return [Line((Piece(f"{name}:"),)), *several]
