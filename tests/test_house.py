"""The rules of the house, held by reading the source (CONTRIBUTING.md says them in words)."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent

# The packages of engine/ from the ground up: each imports itself and what stands before it.
# Beside them lie FLAT: what everybody may raise, what the environment says, the queue, and the
# composition root.
FLAT = ("problems", "settings", "queue", "installation")
ORDER = (
    *("problems", "settings", "phrases", "schema", "company", "conditions", "templates", "records"),
    *(
        "people",
        "outside",
        "effects",
        "blocks",
        "workflows",
        "runs",
        "review",
        "starter",
        "upgrades",
    ),
    *("queue", "installation"),
)

# The same for server/. Pages of one area may lead to another; the frame leads to none.
SERVER_ORDER = (
    *("version", "access", "operations", "rest", "mcp", "pages", "app", "serving", "cli"),
    "__main__",
)

# What pages know of the engine: the things that they show, by their types and words.
SHOWN_BY_PAGES = (
    *("problems", "settings", "schema.english", "schema.fields", "schema.modules"),
    *("schema.own_modules", "schema.stored_files"),
    *("company.company", "company.message_limits", "company.schedule", "conditions"),
    *(
        "conditions.words",
        "conditions.results",
        "templates.wording",
        "templates.sms_length",
        "blocks.step",
    ),
    *("templates.filters.headings", "records.transaction", "records.states", "records.reader"),
    *("records.schema_number", "records.text_library", "records.csv_import", "records.suppression"),
    *("records.signed_links", "blocks.control.if_", "blocks.control.stop", "outside.receipts"),
    *("workflows.workflow", "workflows.reading", "workflows.diff", "workflows.rights"),
    *("workflows.catalogue", "workflows.library", "review.decisions"),
    *("runs.audience", "runs.rehearsal"),
    *("runs.sending.outbox", "installation"),
)
# What they still call and operations could do for them. This list only gets shorter.
STILL_CALLED_BY_PAGES = (
    *("people.logins", "people.audit", "records.attachments", "runs.statement"),
    *("outside.smtp", "outside.subprocesses"),
)

DOORS = {
    "huey": "engine/queue.py",
    "fastapi": "server/",
    "starlette": "server/",
    "mcp": "server/",
    "anthropic": "engine/outside/claude.py",
}
# Nothing asks of which type a step is. Effects have names of their own, people have other words
# for actions, and who writes a document names what is in it.
KNOW_ACTIONS = (
    "engine/effects/",
    "engine/review/one_off.py",
    "engine/workflows/shape_problems.py",
    "server/pages/frame/effects.py",
)
ALSO_WORDS = {"webhook", "assign"}
CLOCK_READERS = {"engine/outside/world.py", "engine/queue.py", "engine/settings.py"}
CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "func.now",
    "now",
    "utcnow",
}
TABLES = "engine/records/tables.py"
# What is given a table to read it; whatever else is given one is taken to write it.
READERS = {"select", "exists", "count", "select_from", "join", "correlate_except"}
BANNED_NAMES = {
    "utils", "helpers", "common", "misc", "base", "types", "service", "manager",
}  # fmt: skip
# Where a word that is also the name of a module is said, and what it means there. `sms` is the
# word for a channel first of all, and is not looked for.
MODULE_WORDS = {
    "engine/schema/fields.py": "an example",
    "engine/schema/own_modules.py": "what Sayso cannot work without",
    "engine/schema/purposes.py": "what the modules for a purpose came as",
    "engine/templates/dialects.py": "what other products call modules",
    "engine/workflows/catalogue.py": "examples",
    "engine/blocks/actions/create_record.py": "an example",
    "engine/blocks/actions/update_related.py": "an example",
    "engine/blocks/actions/update_erp.py": "what accounting systems call things",
    "engine/blocks/actions/set_portfolio.py": "an icon",
    "engine/blocks/actions/notify.py": "a key of the step's result",
    "engine/effects/notify.py": "a key of the step's result",
    "engine/blocks/attach_words.py": "a word for files",
    "engine/blocks/recipient_words.py": "words for recipients",
    "engine/blocks/actions/send_email.py": "words for recipients",
    "engine/runs/recipients.py": "words for recipients",
    "engine/blocks/checking.py": "a variable of templates",
    "engine/runs/customer_data.py": "a variable of templates",
    "engine/templates/filters/lists.py": "a variable of templates",
    "engine/templates/filters/registry.py": "a variable of templates",
    "engine/templates/listing.py": "a variable of templates",
    "engine/templates/shorthands.py": "a variable of templates",
    "engine/templates/trying.py": "a variable of templates",
    "engine/templates/variables.py": "a variable of templates",
}
# In two halves, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")


@dataclass(frozen=True)
class Source:
    """One file of ours, read."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(HOUSE).as_posix()

    @property
    def folder(self) -> str:
        return self.name.partition("/")[0]

    @property
    def package(self) -> str:
        """The package of a file of engine/ or server/; the file itself where it lies flat."""
        return self.name.removesuffix(".py").split("/")[1]

    @property
    def module(self) -> str:
        """The dotted name by which the file is imported."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text, self.name)))

    @cached_property
    def comments(self) -> dict[int, str]:
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {it.start[0]: it.string for it in tokens if it.type == tokenize.COMMENT}

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Every module that is imported anywhere in the file, with the line."""
        return [
            (node.lineno, module)
            for node in self.nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for module in self._imported(node)
        ]

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        here = self.name.removesuffix(".py").split("/")[: -node.level] if node.level else []
        origin = [*here, *filter(None, [node.module])]
        # `from engine import jobs` imports engine.jobs.
        yield from (".".join([*origin, alias.name]) for alias in node.names)

    def commented(self, node: ast.expr) -> bool:
        """Whether a comment stands beside the expression, or on the line above or below it."""
        return any(n in self.comments for n in range(node.lineno - 1, _end(node) + 2))


def _end(node: ast.expr) -> int:
    return node.end_lineno or node.lineno


def sources(*folders: str) -> list[Source]:
    files = (file for folder in folders for file in HOUSE.joinpath(folder).rglob("*.py"))
    return [Source(file) for file in sorted(files)]


PRODUCT = sources("engine", "server", "prompts")
# Without the empty __init__.py of each.
ENGINE = [source for source in PRODUCT if source.folder == "engine"][1:]
SERVER = [source for source in PRODUCT if source.folder == "server"][1:]
EVERYTHING = [*PRODUCT, *sources("tests")]


def test_the_engine_never_imports_the_server() -> None:
    broken = [
        f"{source.name}:{line} imports {module}"
        for source in ENGINE
        for line, module in source.imports
        if module.split(".")[0] in ("server", "prompts", "tests")
    ]
    assert broken == []


def test_the_engine_is_these_packages_and_nothing_lies_flat_beside_them() -> None:
    assert sorted({source.package for source in ENGINE} - {"__init__"}) == sorted(ORDER)
    flat = {source.package for source in ENGINE if source.name.count("/") == 1}
    assert sorted(flat - {"__init__"}) == sorted(FLAT)


def test_a_package_of_the_engine_imports_only_what_stands_before_it() -> None:
    broken = [
        f"{source.name}:{line} imports {module}"
        for source in ENGINE
        for line, module in source.imports
        if (package := _package(module))
        if ORDER.index(package) > ORDER.index(source.package)
    ]
    assert broken == []


def _package(module: str) -> str | None:
    """`runs` of `engine.runs.worker.Worker`; None for what is not of the engine."""
    top, *rest = module.split(".")
    return rest[0] if top == "engine" and rest else None


def test_a_package_of_the_server_imports_only_what_stands_before_it() -> None:
    broken = [
        f"{source.name}:{line} imports {module}"
        for source in SERVER
        for line, module in source.imports
        if module.startswith("server.")
        if SERVER_ORDER.index(module.split(".")[1]) > SERVER_ORDER.index(source.package)
    ]
    assert broken == []


def test_what_surrounds_pages_knows_no_page() -> None:
    frame = [source for source in SERVER if source.name.startswith("server/pages/frame/")]
    broken = [
        f"{source.name}:{line} imports {module}"
        for source in frame
        for line, module in source.imports
        if module.startswith("server.pages.") and not module.startswith("server.pages.frame.")
    ]
    assert broken == []


def test_no_page_asks_the_database_itself() -> None:
    pages = [source for source in SERVER if source.name.startswith("server/pages/")]
    imported = [
        f"{source.name}:{line} imports {module}"
        for source in pages
        for line, module in source.imports
        if module.startswith(("sqlalchemy", "engine.records.tables"))
    ]
    asked = [
        f"{source.name}:{node.lineno} asks by {ast.unparse(node)}"
        for source in pages
        for node in source.nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith(("tx.db", "tx.count"))
    ]
    assert imported + asked == [], "server/operations/queries holds what operations and pages ask"


def test_pages_know_of_the_engine_what_they_show() -> None:
    files = {source.module: source for source in PRODUCT}
    known = {
        (_file(module, files) or module).removeprefix("engine.")
        for source in SERVER
        if source.name.startswith("server/pages/")
        for _, module in source.imports
        if module.startswith("engine.")
    }
    assert sorted(known - {*SHOWN_BY_PAGES, *STILL_CALLED_BY_PAGES}) == []
    assert sorted({*STILL_CALLED_BY_PAGES} - known) == [], "take it off the list"


def test_no_file_imports_one_that_leads_back_to_it() -> None:
    files = {source.module: source for source in PRODUCT}
    leads = {
        name: {home for _, module in source.imports if (home := _file(module, files))} - {name}
        for name, source in files.items()
    }
    while ends := [name for name, to in leads.items() if not to & leads.keys()]:
        for name in ends:
            del leads[name]
    assert sorted(leads) == [], "each of these leads to another of them"


def _file(module: str, files: Mapping[str, Source]) -> str | None:
    """The file that an import of this name reads: itself, or the one that holds the name."""
    return next((name for name in (module, module.rpartition(".")[0]) if name in files), None)


@pytest.mark.parametrize("library", DOORS)
def test_a_library_is_imported_behind_its_own_door_alone(library: str) -> None:
    doors = tuple(DOORS[library].split())
    broken = [
        f"{source.name}:{line} imports {module}"
        for source in PRODUCT
        for line, module in source.imports
        if module.split(".")[0] == library and not source.name.startswith(doors)
    ]
    assert broken == []


def test_what_there_is_to_know_of_an_action_stands_in_its_own_file() -> None:
    actions = {path.stem for path in HOUSE.joinpath("engine/blocks/actions").glob("[a-z]*.py")}
    broken = [
        f"{source.name}:{node.lineno} knows the action {node.value}"
        for source in PRODUCT
        if not source.name.startswith(("engine/blocks/", *KNOW_ACTIONS))
        for node in source.nodes
        if isinstance(node, ast.Constant) and node.value in actions - ALSO_WORDS
    ]
    assert broken == []


def test_nothing_in_the_engine_is_async() -> None:
    kinds = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    broken = [
        f"{source.name}:{node.lineno}"
        for source in ENGINE
        for node in source.nodes
        if isinstance(node, kinds)
    ]
    assert broken == []


def test_the_clock_comes_in_as_an_argument() -> None:
    broken = [
        f"{source.name}:{line} reads the clock ({clock})"
        for source in ENGINE
        if source.name not in CLOCK_READERS
        for line, clock in _clocks(source)
    ]
    assert broken == []


def _clocks(source: Source) -> Iterator[tuple[int, str]]:
    """Where a clock is called, handed on (`default=datetime.now`) or imported by its bare name."""
    yield from ((line, module) for line, module in source.imports if module == "time.time")
    for node in source.nodes:
        match node:
            case ast.Attribute(value=owner, attr=attr):
                name = f"{ast.unparse(owner).split('.')[-1]}.{attr}"
            case ast.Call(func=ast.Name(id=called)):
                name = called
            case _:
                continue
        if name in CLOCKS:
            yield node.lineno, name


def test_a_table_is_written_by_one_file() -> None:
    writers = {
        table: [source.name for source in PRODUCT if table in set(_written(source))]
        for table in _tables()
    }
    assert {table: files for table, files in writers.items() if len(files) != 1} == {}


def _tables() -> list[str]:
    """The engine's own tables. Modules have tables of their own, behind the one door to records."""
    tables = next(source for source in ENGINE if source.name == TABLES)
    return [
        name.id
        for node in tables.nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if isinstance(node.value.func, ast.Name) and node.value.func.id == "Table"
        for name in node.targets
        if isinstance(name, ast.Name)
    ]


def _written(source: Source) -> Iterator[str]:
    """The tables of which a file does more than read: whatever else takes one may write it."""
    imported = {module for _, module in source.imports}
    reads: set[ast.AST] = set()
    for node in source.nodes:
        match node:
            case ast.Attribute(value=ast.Name() as table, attr="c" | "name" | "alias"):
                reads.add(table)
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=args):
                reads |= {*args} if called in READERS else set()
    for node in source.nodes:
        match node:
            case ast.Name(id=name) if f"engine.records.tables.{name}" in imported:
                if node not in reads:
                    yield name


def test_a_cast_or_an_ignore_has_its_reason_beside_it() -> None:
    broken = [
        f"{source.name}:{line} has no reason beside it"
        for source in EVERYTHING
        for line in (*_bare_casts(source), *_bare_ignores(source))
    ]
    assert broken == []


def _bare_casts(source: Source) -> Iterator[int]:
    """Casts of types without a comment; a `cast` of SQLAlchemy's converts values and needs none."""
    by_name = any(module == "typing.cast" for _, module in source.imports)
    for node in source.nodes:
        match node:
            case ast.Call(func=ast.Name(id="cast")) if by_name and not source.commented(node):
                yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id="typing"), attr="cast")):
                if not source.commented(node):
                    yield node.lineno


def _bare_ignores(source: Source) -> Iterator[int]:
    for line, comment in source.comments.items():
        silenced = re.search(r"#\s*(type: ignore|noqa)(\[[^]]*]|:\s*[A-Z0-9, ]+)?", comment)
        if silenced and not re.search(r"\w", comment.replace(silenced[0], "")):
            above = source.comments.get(line - 1)
            if above is None:
                yield line


def test_a_module_is_called_by_its_purpose() -> None:
    starter = json.loads(HOUSE.joinpath("engine/starter/modules.json").read_text("utf-8"))
    names = {module["name"] for module in starter} - {"sms"}
    found = {
        source.name
        for source in ENGINE
        if source.package != "starter"
        for node in source.nodes
        if isinstance(node, ast.Constant) and str(node.value).partition("/")[0] in names
    }
    assert sorted(found) == sorted(MODULE_WORDS)


def test_nothing_is_left_for_later() -> None:
    broken = [
        f"{source.name}:{number}"
        for source in EVERYTHING
        for number, line in enumerate(source.text.splitlines(), start=1)
        if UNFINISHED.search(line)
    ]
    assert broken == []


def test_every_module_is_named_for_what_it_is() -> None:
    parts = {(source.name, part) for source in EVERYTHING for part in source.name[:-3].split("/")}
    assert [name for name, part in sorted(parts) if part in BANNED_NAMES] == []
