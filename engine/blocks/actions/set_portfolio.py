"""The action of putting a customer into a portfolio, or taking it out."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks import target_record
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Text, Write
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.portfolio import PlaceInPortfolio
from engine.phrases import mark, say
from engine.problems import Problem
from engine.records.states import Result
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import PORTFOLIO_LINES, PORTFOLIOS
from engine.schema.purposes import Purpose


class SetPortfolio(Action):
    """Add a customer to a portfolio, or remove it. This decides which users may see it."""

    type: Literal["set_portfolio"] = "set_portfolio"
    portfolio: Text = Field(description="The portfolio, by name or number.", min_length=1)
    change: Literal["add", "remove"] = "add"
    record: str = Field(
        "account", description="The reference that leads to the customer; empty for the record."
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "hand_to_legal",
        "type": "set_portfolio",
        "portfolio": "Legal",
        "change": "add",
    }
    icon: ClassVar[str] = "users"
    gives: ClassVar[tuple[str, ...]] = ("count", "records")
    for_all: ClassVar[bool] = True

    def _path(self, module: Module) -> str:
        """Where the customer is; the record itself, if that is one."""
        return (
            "" if self.record == "account" and module.purpose == Purpose.CUSTOMER else self.record
        )

    def say(self, binder: Binder) -> str:
        whose = target_record.whose(self._path(binder.module), binder)
        told = mark("add {record} to the portfolio “{portfolio}”")
        if self.change == "remove":
            told = mark("remove {record} from the portfolio “{portfolio}”")
        return say(told, record=whose, portfolio=self.portfolio)

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(PORTFOLIO_LINES, "*")

    def check(self, checking: Checking) -> Iterator[Problem]:
        path = self._path(checking.module)
        yield from target_record.problems(path, checking)
        schema = checking.binder.schema
        there = target_record.module_at(path, checking.module, schema)
        if there and there.purpose != Purpose.CUSTOMER:
            told = f"portfolios hold customers, not {there.label.lower()}."
            yield Problem("record", told, "Name the reference that leads to the customer.")
        if PORTFOLIOS not in schema.modules or "{{" in self.portfolio:
            return
        if checking.binder.lookup(schema.module(PORTFOLIOS), self.portfolio) is None:
            told = f"there is no single portfolio `{self.portfolio}`."
            yield Problem("portfolio", told, "Give its name or number, or create it first.")

    def advise(self) -> Iterator[Problem]:
        told = "it changes who may see a customer: restricted users see their portfolios alone."
        yield Problem("portfolio", told, "Approve it as you would approve a change of rights.")

    def plan(self, ctx: Context) -> PlaceInPortfolio:
        schema = ctx.binder.schema
        portfolio = ctx.binder.lookup(schema.module(PORTFOLIOS), self.portfolio)
        if portfolio is None:
            told = f"there is no single portfolio “{self.portfolio}”."
            raise Unplanned(Outcome(Result.FAILED, f"{told} Give its name or number."))
        path = self._path(ctx.binder.module)
        found = [target_record.target(path, one) for one in ctx.each()]
        customers = {target.id: target.title for target in found}
        row = ctx.around.row(schema.module(PORTFOLIOS), portfolio) or {}
        return PlaceInPortfolio(
            portfolio=portfolio,
            name=str(row.get("name") or self.portfolio),
            customers=tuple(customers.items()),
            inside=self.change == "add",
        )
