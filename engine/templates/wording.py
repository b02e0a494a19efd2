"""What a template of the library says: its subject and its text, in one language or for all."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, JsonValue

from engine.phrases import mark, say

Wordings = Sequence["Wording"]
FOR_ALL = ""
PARTS = {"subject": mark("subject"), "body": mark("text"), "html": mark("HTML")}


class Wording(BaseModel):
    """One language of a template; without a language it is for every other reader."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str = ""
    subject: str = ""
    body: str = ""
    html: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The templates in it."""
        return (self.subject, self.body, self.html)

    @property
    def spoken(self) -> str:
        """Which language it is in, where it is in one: " in fr"."""
        return f" in {self.language}" if self.language else ""

    def called(self, part: str) -> str:
        """One of its parts as people say it: "text in fr"."""
        title = say(PARTS[part])
        if not self.language:
            return title
        return say("{part} in {language}", part=title, language=self.language)


def chosen(wordings: Wordings, languages: Iterable[str]) -> Wording:
    """The wording for a reader: in the first of these languages there is, else for all others."""
    known = {wording.language: wording for wording in wordings}
    wanted = next((language for language in (*languages, FOR_ALL) if language in known), None)
    return known[wanted] if wanted is not None else wordings[0]


def dumped(library: Mapping[str, Wordings]) -> dict[str, JsonValue]:
    """Templates as JSON, the same however they were ordered."""
    return {
        name: [
            wording.model_dump(mode="json")
            for wording in sorted(library[name], key=lambda wording: wording.language)
        ]
        for name in sorted(library)
    }


def loaded(raw: Mapping[str, JsonValue] | None) -> dict[str, tuple[Wording, ...]]:
    """Templates back from their JSON."""
    return {
        name: tuple(Wording.model_validate(part) for part in parts)
        for name, parts in (raw or {}).items()
        if isinstance(parts, list)
    }
