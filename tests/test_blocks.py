"""The rules of the house, part two: every part of a workflow has words and a working example."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from sqlalchemy import select

from engine.blocks.step import Step
from engine.blocks.triggers import Trigger
from engine.effects import Effect
from engine.installation import Installation
from engine.records.writer import Author, Records
from engine.review.decisions import approve
from engine.runs.rehearsal import rehearse
from engine.settings import Settings
from engine.starter.demo_records import COMPANY
from engine.templates import parse
from engine.workflows.catalogue import SCHEDULES, Block, blocks
from engine.workflows.library import By, examine, save_draft, submit, surroundings
from engine.workflows.rights import rights
from engine.workflows.workflow import Workflow
from server.app import create_app
from server.cli.reference_page import FILE, reference
from server.mcp.server import Server
from server.operations.registry import OPERATIONS
from server.pages.frame.assets import ASSETS
from tests.fakes import Clock
from tests.plugins import installed
from tests.stages.demo.story import load_reference

DEMO = datetime(2026, 3, 10, 8, tzinfo=UTC)
NOTE = {"id": "note", "type": "add_note", "text": "Seen"}
ESCALATE = {
    "name": "Accounts - Escalate",
    "module": "accounts",
    "trigger": {"type": "manual"},
    "steps": [NOTE],
}
BLOCKS = {(block.kind, block.type): block for block in blocks()}
STEPS = sorted(Step.types)
CONTROL = {"if", "wait", "stop"}
ACTIONS = sorted(set(STEPS) - CONTROL)
TRIGGERS = sorted(Trigger.types)
OPERATORS = sorted(type for kind, type in BLOCKS if kind == "operator")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with the records of the use cases, and what some examples name."""
    installation = Installation.of(
        Settings(data_dir=tmp_path_factory.mktemp("data")), Clock(DEMO).now
    )
    installation.prepare(COMPANY)
    with installation.database.begin() as tx:
        load_reference(tx)
        Records(tx, Author("admin")).create("portfolios", {"name": "Legal"})
        draft = save_draft(tx, ESCALATE, By("alice"))
        waits = submit(tx, draft.id, draft.revision, "", By("alice"), installation.unsafe, None)
        approve(tx, installation.library, waits.id, waits.hash, By("admin"), "")
    with installed(tmp_path_factory.mktemp("package"), listed="credit_score"):
        yield installation
    installation.close()


def documents(installation: Installation, **parts: Any) -> Iterator[dict[str, Any]]:
    """The same workflow for each module of the starter schema."""
    with installation.database.read() as tx:
        names = list(tx.schema.modules)
    usual = {"name": "Example", "trigger": {"type": "record_saved"}, "steps": [NOTE]}
    yield from ({**usual, "module": name, **parts} for name in names)


def sound(installation: Installation, **parts: Any) -> list[Workflow]:
    """The same workflow for each module where nothing is wrong with it."""
    with installation.database.read() as tx:
        found = (
            examine(tx, each, installation.unsafe) for each in documents(installation, **parts)
        )
        return [each.parsed for each in found if each.parsed and not each.problems]


@pytest.mark.parametrize("block", BLOCKS.values(), ids=lambda block: f"{block.kind} {block.type}")
def test_every_block_has_words_and_an_example(block: Block) -> None:
    assert len(block.words.split()) > 1
    assert block.examples or block.type == "workflow"


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(setting, id=f"{block.type}.{setting.name}")
        for block in BLOCKS.values()
        for setting in block.settings
        if block.kind in ("trigger", "document")
    ],
)
def test_every_setting_of_a_trigger_says_what_it_means(setting: Any) -> None:
    assert setting.words or setting.name == "schema"


@pytest.mark.parametrize("name", [*STEPS, *TRIGGERS])
def test_the_type_is_the_name_of_the_file(name: str) -> None:
    kind = Step.types.get(name) or Trigger.types[name]
    assert kind.__module__.rpartition(".")[2].rstrip("_") == name


@pytest.mark.parametrize("name", STEPS)
def test_the_example_of_a_step_works(installation: Installation, name: str) -> None:
    example = Step.types[name].example
    found = sound(installation, steps=[example])
    assert found, f"the example of {name} fits no module of the starter schema"
    assert Workflow.model_validate(found[0].model_dump(mode="json", by_alias=True)) == found[0]
    outcomes = [
        effect.outcome
        for effects in map(house_rehearses(installation), found)
        for effect in effects
    ]
    assert name in CONTROL or {"done", "unchanged"} & set(outcomes)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_has_a_right(installation: Installation, name: str) -> None:
    for workflow in sound(installation, steps=[Step.types[name].example]):
        with installation.database.read() as tx:
            granted = rights(workflow, surroundings(tx))
        assert granted
        assert all(right.kind and right.detail and right.words for right in granted)


def test_what_is_grave_about_a_step_is_told_before_all_else() -> None:
    told = {type: block.risks for (kind, type), block in BLOCKS.items() if kind == "step"}
    assert {type: risks for type, risks in told.items() if risks} == {
        "call_function": ("Calls a function",),
        "create_record": ("Changes another module",),
        "fill_fields": ("Asks a model",),
        "run_workflow": ("Starts another workflow",),
        "send_sms": ("Sends text messages",),
        "set_portfolio": ("Changes another module",),
        "update_erp": ("Changes the accounting system",),
        "update_related": ("Changes another module",),
        "webhook": ("Everything of a record leaves", "New outside address"),
    }


@pytest.mark.parametrize("name", ACTIONS)
def test_whom_an_action_reaches_outside_is_named_by_its_step(
    installation: Installation, name: str
) -> None:
    found = sound(installation, steps=[Step.types[name].example])
    (step,) = found[0].every_step
    planned = [told.effect for each in map(house_rehearses(installation), found) for told in each]
    effects = [Effect.types[str(it["kind"])].model_validate(it) for it in planned if it]
    reached = [effect for effect in effects if getattr(effect, "scope", "")]
    assert bool(reached) == bool([*step.hosts(), *step.functions()])
    called = {host for effect in effects for host in effect.calls}
    assert called == {host.name for host in step.hosts() if host.name}


@pytest.mark.parametrize("name", STEPS)
def test_what_a_step_shows_is_its_own(name: str) -> None:
    kind = Step.types[name]
    assert "icon" in vars(kind)
    assert f'<symbol id="{kind.icon}"' in ASSETS["icons.svg"].body.decode()
    assert (kind.look in ("if", "wait", "end")) == (name in CONTROL)


def house_rehearses(installation: Installation) -> Any:
    def effects(workflow: Workflow) -> list[Any]:
        """What a workflow would do to the records of its module."""
        with installation.database.read() as tx:
            table = tx.schema.tables[workflow.module]
            ids = list(tx.db.scalars(select(table.c.id).limit(5)))
            return [effect for record in rehearse(tx, workflow, ids) for effect in record.effects]

    return effects


@pytest.mark.parametrize(
    "example", [*(Trigger.types[name].example for name in TRIGGERS), *SCHEDULES]
)
def test_the_example_of_a_trigger_works(
    installation: Installation, example: dict[str, Any]
) -> None:
    found = sound(installation, trigger=example)
    assert found
    assert Workflow.model_validate(found[0].model_dump(mode="json", by_alias=True)) == found[0]


@pytest.mark.parametrize("name", OPERATORS)
def test_the_example_of_an_operator_works(installation: Installation, name: str) -> None:
    found = sound(installation, conditions=BLOCKS["operator", name].examples[0])
    assert found
    assert Workflow.model_validate(found[0].model_dump(mode="json", by_alias=True)) == found[0]


def test_the_example_of_a_condition_works(installation: Installation) -> None:
    assert sound(installation, conditions=BLOCKS["document", "condition"].examples[0])


@pytest.mark.parametrize("example", BLOCKS["value", "related"].examples)
def test_the_examples_of_related_records_work(
    installation: Installation, example: dict[str, Any]
) -> None:
    assert sound(installation, conditions=example)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS.values() if block.kind == "filter"], ids=lambda b: b.type
)
def test_the_example_of_a_filter_can_be_parsed(block: Block) -> None:
    template, arrow, result = str(block.examples[0]).partition(" -> ")
    assert (arrow, bool(result), parse(template).constant) == (" -> ", True, False)


def test_every_operation_has_words() -> None:
    assert [name for name, each in OPERATIONS.items() if len(each.words.split()) < 4] == []


def test_every_setting_has_words() -> None:
    assert [name for name, info in Settings.model_fields.items() if not info.description] == []


def test_the_reference_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), "run: sayso reference"


def test_every_operation_answers_at_all_its_doors(installation: Installation) -> None:
    paths = create_app(installation).openapi()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    tools = {tool.name for tool in anyio.run(Server(installation).list_tools)}
    assert {(each.method, f"/api{each.path}") for each in OPERATIONS.values()} <= routes
    assert tools == {name for name, each in OPERATIONS.items() if each.stage}
