"""The effect of putting a customer into a portfolio, or taking it out: who may see it changes."""

from typing import Literal

from pydantic import JsonValue

from engine.effects import Outcome, RecordEffect, Store
from engine.problems import Invalid
from engine.records.states import Result
from engine.schema.own_modules import PORTFOLIO_LINES

PORTFOLIO, CUSTOMER = "portfolio", "account"  # the fields of a line


class PlaceInPortfolio(RecordEffect):
    """A customer is in the portfolio, once, or it is not."""

    kind: Literal["place_in_portfolio"] = "place_in_portfolio"
    portfolio: int
    name: str
    customers: tuple[tuple[int, str], ...]
    inside: bool

    def say(self) -> str:
        named = ", ".join(title for _, title in self.customers)
        way = "add {} to" if self.inside else "remove {} from"
        return f"{way.format(named)} the portfolio {self.name}"

    def apply(self, store: Store) -> Outcome:
        store.alone(f"portfolio {self.portfolio}")
        try:
            with store.whole():
                moved = [title for id, title in self.customers if self._place(store, id)]
        except Invalid as invalid:
            return Outcome(Result.FAILED, f"the portfolio {self.name} stays as it is: {invalid}")
        if not moved:
            named = ", ".join(title for _, title in self.customers)
            where = "in" if self.inside else "not in"
            return Outcome(Result.UNCHANGED, f"{named}: already {where} the portfolio {self.name}")
        way = "added {} to" if self.inside else "removed {} from"
        gives: dict[str, JsonValue] = {"count": len(moved), "records": [*moved]}
        return Outcome(
            Result.DONE, f"{way.format(', '.join(moved))} the portfolio {self.name}", gives
        )

    def _place(self, store: Store, customer: int) -> bool:
        """Whether anything had to be changed."""
        pair = {PORTFOLIO: self.portfolio, CUSTOMER: customer}
        known = store.ids(PORTFOLIO_LINES, pair)
        if self.inside and not known:
            store.create(PORTFOLIO_LINES, pair)
            return True
        if not self.inside:
            for line in known:
                store.delete(PORTFOLIO_LINES, line)
            return bool(known)
        return False
