"""The statement of a customer: what their open invoices come to, for whoever holds its link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from engine.people import audit
from engine.records.reader import Reader, name_of, template_data
from engine.records.signed_links import Claim, Links
from engine.records.transaction import Transaction
from engine.runs.customer_data import open_invoices
from engine.schema.purposes import Purpose
from engine.templates.filters import Setting
from engine.templates.filters.headings import heading
from engine.templates.filters.lists import totals
from engine.templates.filters.tables import cell
from engine.templates.filters.values import shown

COLUMNS = ("number", "issue_date", "due_date", "total", "balance")
EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Statement:
    """The open invoices of one customer as of a moment, in words of their language."""

    account: int
    name: str
    company: str
    language: str
    day: str
    until: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    late: Sequence[bool]
    totals: Sequence[str]

    def word(self, name: str) -> str:
        """One of our own words, in the language of the statement."""
        return heading(name, self.language)


@dataclass(frozen=True)
class Opening:
    """What came of opening a link: a statement; or none, because it is over or never was one."""

    state: Literal["open", "over", "unknown"]
    statement: Statement | None = None
    language: str = "en"


def claimed(links: Links, token: str) -> Claim | None:
    """What a link to a statement stands for, be it over or not; None if it is none of ours."""
    claim = links.read(token, EVER)
    return claim if claim and claim.purpose == "statement" and claim.until else None


def opened(tx: Transaction, token: str) -> Opening:
    """What a link shows now. Every opening of a link of ours is noted."""
    claim = claimed(tx.links, token)
    if claim is None or claim.until is None:
        return Opening("unknown")
    reader, module = Reader(tx), tx.schema.find(Purpose.CUSTOMER)
    row = reader.row(module, int(claim.subject)) if module else None
    if module is None or row is None:
        return Opening("unknown")
    language = str(row.get("language") or tx.company.language)
    state: Literal["open", "over"] = "open" if tx.now < claim.until else "over"
    detail = {"link": state, "until": claim.until.isoformat()}
    audit.record(tx, "customer", "open_statement", f"{module.name}/{row['id']}", detail)
    if state == "over":
        return Opening("over", None, language)
    setting = Setting(language, tx.company.calendar.timezone, tx.now, tx.company.calendar)
    named = name_of(module, row)
    return Opening("open", _statement(reader, row["id"], named, claim.until, setting), language)


def _statement(
    reader: Reader, account: int, name: str, until: datetime, setting: Setting
) -> Statement:
    company = reader.tx.company
    items = [template_data(row, {"", *COLUMNS}) for row in open_invoices(reader, account)]
    today = setting.moment.date()
    return Statement(
        account,
        name,
        company.name,
        setting.language,
        _day(today, setting),
        _day(company.calendar.today(until), setting),
        [heading(column, setting.language) for column in COLUMNS],
        [[cell(item, column, setting) for column in COLUMNS] for item in items],
        [(item.get("due_date") or today) < today for item in items],
        [shown(total, setting) for total in totals(items, "balance", setting=setting)],
    )


def _day(day: date, setting: Setting) -> str:
    return cell({"day": day}, "day", setting)
