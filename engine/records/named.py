"""Records and workflows as steps of a workflow name them: their number, their name, no values."""

from dataclasses import dataclass

from engine.schema.modules import Module


@dataclass(frozen=True)
class Subject:
    """A record as steps name it."""

    module: Module
    id: int
    number: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.module.name}/{self.id}"


@dataclass(frozen=True)
class ActiveWorkflow:
    """A workflow that is active, as steps of another one name it."""

    id: int
    name: str
    module: str
