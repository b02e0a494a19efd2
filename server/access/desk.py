"""Where an operation works: the installation, on whose behalf, and what of it they may see."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from engine.installation import Installation
from engine.people.logins import Principal
from engine.records.transaction import Transaction
from engine.records.writer import Author
from engine.workflows.library import By
from server.access.rights import narrowed, need, rights, seen


@dataclass(frozen=True)
class Desk:
    """Where an operation works: the house, and on whose behalf."""

    installation: Installation
    who: Principal

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads, with the modules that this principal may see."""
        with self.installation.database.read() as whole:
            yield self.view(whole)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction that writes, with the modules that this principal may see."""
        with self.installation.database.begin() as whole:
            yield self.view(whole)

    def view(self, whole: Transaction) -> Transaction:
        """The same transaction without what is hidden from this principal: modules, records."""
        return narrowed(replace(whole, schema=seen(whole.schema, self.who)), self.who)

    @property
    def by(self) -> By:
        return By(self.who.name, self.who.agent)

    def author(self, source: str = "") -> Author:
        """Who a change of records made here is by."""
        known = source or ("api" if self.who.agent else "user")
        return Author(self.who.name, known, self.who.token)

    def may(self, right: str) -> bool:
        return right in rights(self.who)

    def need(self, right: str) -> None:
        """Raises `Refused`, in words that tell what is missing."""
        need(self.who, right)
