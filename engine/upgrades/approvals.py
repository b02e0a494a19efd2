"""Approved versions stay approved if nobody changed them since: their hash is worked out anew.

A release may put more into the hash than the one before. Where a hash is what the earlier release
would have made of that very document and those very fields, it becomes the one of this release. Any
other stays as it is, so that the version is told to have changed and waits for a person, as it did
before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import column, select, table, update

from engine.schema.modules import Schema
from engine.schema.sql_types import Json
from engine.templates.wording import loaded
from engine.upgrades.changing import Changing
from engine.upgrades.hash_1 import Document
from engine.workflows.workflow import Workflow

VERSIONS = table(
    "sayso_versions",
    *(column(name) for name in ("id", "workflow", "version", "state", "hash")),
    *(column("document", Json), column("texts", Json)),
)


@dataclass(frozen=True)
class Approvals:
    """The versions whose hash is right before the upgrade, as they are read now."""

    sound: Mapping[int, tuple[Document, Workflow]]

    @classmethod
    def before(
        cls, changing: Changing, *rules: Callable[[Document, Workflow, Schema], str]
    ) -> "Approvals":
        """Ask before anything else is changed that the hash rests on, as made by these rules."""
        schema = changing.transaction().schema
        sound = {}
        for row in changing.db.execute(select(VERSIONS)).all():
            try:
                read = Workflow.model_validate(row.document).with_texts(loaded(row.texts))
            except ValidationError:
                continue
            if row.hash in (rule(row.document, read, schema) for rule in rules):
                sound[row.id] = (row.document, read)
        return cls(sound)

    def keep(self, changing: Changing, rule: Callable[[Document, Workflow], str]) -> None:
        """Give each of them the hash of this rule."""
        for id, (document, read) in self.sound.items():
            hash = rule(document, read)
            changing.db.execute(update(VERSIONS).where(VERSIONS.c.id == id).values(hash=hash))

    def tell_others(self, changing: Changing) -> None:
        """Tell which approved versions are not among them."""
        others = (VERSIONS.c.state == "approved", VERSIONS.c.id.not_in(self.sound))
        for row in changing.db.execute(select(VERSIONS).where(*others)).all():
            told = f"workflow {row.workflow}, version {row.version}"
            changing.say(f"{told}: it is not what was approved, so it has to be approved again")
