"""The filters of templates (`{{ record.due_date|date('dd/MM/yyyy') }}`), one function each."""

from engine.templates.filters import (
    choices,
    dates,
    links,
    lists,
    maths,
    numbers,
    spans,
    tables,
    words,
)
from engine.templates.filters.maths import add, div, intdiv, mod, mul, power, sub
from engine.templates.filters.registry import AT, FILTERS, SAMPLE, Filter
from engine.templates.filters.values import (
    MAX_NUMBER,
    MAX_TEXT,
    Form,
    Named,
    Row,
    Setting,
    TextProblem,
    Unusable,
    fitted,
    joined,
    local,
    read_moment,
    read_number,
    shown,
)

KINDS = (choices, words, maths, numbers, dates, spans, lists, tables, links)

__all__ = [
    "AT", "FILTERS", "KINDS", "MAX_NUMBER", "MAX_TEXT", "SAMPLE", "Filter", "Form", "Named", "Row",
    "Setting", "TextProblem", "Unusable", "add", "div", "fitted", "intdiv", "joined", "local",
    "mod", "mul", "power", "read_moment", "read_number", "shown", "sub",
]  # fmt: skip
