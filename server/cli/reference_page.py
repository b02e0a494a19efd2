"""docs/reference.md, made from the classes: what workflows are made of, and what can be asked."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.company.schedule import KEYS
from engine.settings import Settings
from engine.workflows.catalogue import Block, Kind, Setting, blocks
from server.operations import catalogue

WIDTH = 100
FILE = Path(__file__).parents[2] / "docs" / "reference.md"
OPENING = """\
# Reference

What workflows are made of, and what can be asked of Sayso. `sayso reference` writes this page from
the classes themselves, and a test fails while it is out of date: change the docstring or the
example of a class, not this page. The same words answer an AI client that calls `describe_blocks`.
"""


def reference() -> str:
    """The whole page."""
    parts = (
        OPENING,
        *_section("The workflow document", "document"),
        *_section("Triggers", "trigger"),
        *_schedules(),
        *_section("Steps", "step"),
        "## Operators\n",
        _table(("operator", "in words", "example"), map(_short, _of("operator"))),
        *_section("Values", "value"),
        "## Variables\n",
        "What templates may name.\n",
        _table(("variable", "in words", "example"), map(_short, _of("variable"))),
        "## Filters\n",
        "In templates, after a `|`: `{{ record.balance|money('EUR') }}`.\n",
        _table(("filter", "in words", "example"), map(_short, _of("filter"))),
        *_fields(),
        *_operations(),
        *_settings(),
    )
    return "\n".join(parts).rstrip() + "\n"


def _of(kind: Kind) -> list[Block]:
    return [block for block in blocks() if block.kind == kind]


def _section(title: str, kind: Kind) -> Iterator[str]:
    yield f"## {title}\n"
    for block in _of(kind):
        yield f"### {block.type}\n\n{block.words}\n"
        if block.settings:
            yield _table(
                ("setting", "takes", "default", "what it means"), map(_row, block.settings)
            )
        for example in block.examples:
            yield _code(example)
        yield from _allowed(block)
        if block.gives:
            names = ", ".join(f"`steps.ID.{name}`" for name in block.gives)
            yield f"Later steps can read {names}.\n"


def _allowed(block: Block) -> Iterator[str]:
    """What a step may do, by its example, what of it a reviewer is shown first, and its needs."""
    if block.may:
        first = f" The review shows first: {'; '.join(block.risks)}." if block.risks else ""
        yield f"This one may {'; '.join(block.may)}.{first}\n"
    if block.needs:
        yield f"It needs {'; '.join(block.needs)}.\n"


def _row(setting: Setting) -> tuple[str, ...]:
    default = "needed" if setting.needed else _default(setting.default)
    return f"`{setting.name}`", setting.takes, default, setting.words


def _default(value: Any) -> str:
    return "" if value in (None, "", [], {}) else f"`{json.dumps(value)}`"


def _short(block: Block) -> tuple[str, ...]:
    example = block.examples[0]
    shown = example if isinstance(example, str) else json.dumps(example)
    return f"`{block.type}`", block.words, f"`{shown}`"


def _schedules() -> Iterator[str]:
    yield "### Which key goes with which schedule\n"
    rows = (
        (f"`{every}`", ", ".join(f"`{key}`" for key in sorted(keys)) or "nothing else")
        for every, keys in KEYS.items()
    )
    yield _table(("`every`", "goes with"), rows)


def _fields() -> Iterator[str]:
    yield "## Field types\n"
    yield _table(("type", "holds", "example"), map(_short, _of("field")))
    yield (
        "A field of the type `computed` is worked out from the record or its related records, and\n"
        "compares as the type it names in `of`.\n"
    )


def _operations() -> Iterator[str]:
    yield "## Operations\n"
    yield (
        "Each is a REST route under `/api`; those marked so are tools of MCP too. A token needs\n"
        "the scope, and its user a role with it. None approves: a person does, in the browser.\n"
    )
    rows = (
        (
            f"`{each.name}`",
            "yes" if each.stage else "",
            f"`{each.method} {each.path}`",
            f"`{each.scope}`" if each.scope else "",
            " ".join(each.words.split()),
        )
        for _, each in sorted(catalogue.every().items())
    )
    yield _table(("operation", "tool", "route", "scope", "what it does"), rows)


def _settings() -> Iterator[str]:
    yield "## Settings\n"
    yield "From the environment, or from a file `.env` in the folder where Sayso is started.\n"
    rows = (
        (
            f"`{info.validation_alias or f'SAYSO_{name.upper()}'}`",
            f"`{info.default}`" if str(info.default) else "",
            info.description or "",
        )
        for name, info in Settings.model_fields.items()
    )
    secret = (
        "`SAYSO_SECRET_<NAME>`",
        "",
        "A secret that webhooks may name, and that no page shows.",
    )
    yield _table(("variable", "default", "what it is"), [*rows, secret])


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(map(_inside, cells))} |" for cells in lines) + "\n"


def _inside(cell: str) -> str:
    """Text that stays within its cell."""
    return cell.replace("|", "\\|").replace("\n", " ")


def _code(example: Any) -> str:
    short = json.dumps(example)
    shown = short if len(short) < WIDTH else json.dumps(example, indent=2)
    shown = example if isinstance(example, str) else shown
    return f"```{'jinja' if isinstance(example, str) else 'json'}\n{shown}\n```\n"
