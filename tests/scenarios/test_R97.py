"""R97: workflows call functions of installed packages, those alone that the operator has listed."""

from pathlib import Path
from typing import Any

import pytest

from engine.effects.functions import FUNCTIONS
from engine.runs.rehearsal import rehearse
from engine.workflows.catalogue import blocks
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import examine, surroundings
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.plugins import SCORES, installed
from tests.stages.demo.story import Story, Told, living


def document(function: str, **values: Any) -> Told:
    return {
        "schema": 1,
        "name": "Accounts - Score",
        "module": "accounts",
        "trigger": {"type": "record_modified"},
        "steps": [
            {"id": "score", "type": "call_function", "function": function, "values": values},
            {"id": "tell", "type": "add_note", "text": "{{ steps.score.result.score }} points"},
        ],
    }


SCORE = document("credit_score", name="{{ record.name }}", years=3)


def problems(story: Story, told: Told) -> list[tuple[str, str, str]]:
    with story.installation.database.read() as tx:
        found = examine(tx, told, story.installation.unsafe).problems
        return [(problem.path, problem.message, problem.remedy) for problem in found]


def hash_of(story: Story) -> str:
    with story.installation.database.read() as tx:
        return fingerprint(SCORE, Workflow.model_validate(SCORE), surroundings(tx))


def test_what_a_function_returns_is_read_by_later_steps(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> None:
    with (
        installed(tmp_path, listed="credit_score"),
        living({}, template_database, clock) as story,
    ):
        story.approve(SCORE)
        story.tell({"save": "ACC-1", "values": {"tier": "Silver"}})
        news = story.news()
        calls = __import__("sayso_scores_of_the_tests").CALLS
    assert calls == [("ACME", 3, None)]
    assert [note["text"] for note in news["notes"]] == ["12 points"]
    assert news["steps"]["ACC-1"][0] == (
        "done: credit_score gave {'score': 12, 'limit': '1200.50', 'name': 'ACME'}"
    )


def test_it_is_listed_with_its_words_and_parameters(tmp_path: Path) -> None:
    with installed(tmp_path, listed="credit_score, missing_one"):
        (block,) = [block for block in blocks() if block.kind == "function"]
        assert FUNCTIONS.failed == {"missing_one": "no installed package offers it"}
    assert (block.type, block.words) == (
        "credit_score",
        "The credit score of a company, from 0 to 100.",
    )
    told = [(one.name, one.takes, one.needed, one.default) for one in block.settings]
    assert told == [
        ("name", "text", True, None),
        ("years", "number", False, 1),
        ("since", "object", False, None),
    ]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
class TestChecking:
    """What is wrong with a call is told before anything runs."""

    def test_an_unknown_function_is_refused_with_the_known_names(
        self, template_database: TemplateDatabase, clock: Clock, tmp_path: Path
    ) -> None:
        with (
            installed(tmp_path, listed="credit_score, broken"),
            living({}, template_database, clock) as story,
        ):
            ((path, said, remedy),) = problems(story, document("vip_discount"))
        assert (path, said) == ("steps.0.function", "there is no function `vip_discount`.")
        assert "broken" in remedy
        assert "credit_score" in remedy

    def test_a_function_that_the_operator_has_not_listed_is_not_there(
        self, template_database: TemplateDatabase, clock: Clock, tmp_path: Path
    ) -> None:
        with installed(tmp_path, listed=""), living({}, template_database, clock) as story:
            ((path, _, remedy),) = problems(story, SCORE)
        assert path == "steps.0.function"
        assert "SAYSO_FUNCTIONS" in remedy
        assert "sayso_scores_of_the_tests" not in __import__("sys").modules

    @pytest.mark.parametrize(
        ("values", "path", "said"),
        [
            ({"years": 3}, "steps.0.values.name", "it is needed."),
            ({"name": "x", "years": "three"}, "steps.0.values.years", "input should be a valid"),
            ({"name": "x", "yeers": 3}, "steps.0.values.yeers", "there is no such parameter."),
            ({"name": "{{ record.nme }}"}, "steps.0.values.name", "there is no field `nme`"),
        ],
        ids=["missing", "type", "unknown", "template"],
    )
    def test_parameters_are_checked_by_name_and_type(
        self,
        values: dict[str, Any],
        path: str,
        said: str,
        template_database: TemplateDatabase,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        with (
            installed(tmp_path, listed="credit_score"),
            living({}, template_database, clock) as story,
        ):
            ((where, told, _),) = problems(story, document("credit_score", **values))
        assert (where, told.startswith(said)) == (path, True)


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
class TestRunning:
    """What is wrong at run is the outcome of the step, and nothing else."""

    @pytest.mark.parametrize(
        ("called", "said"),
        [
            (
                document("credit_score", name="x", years="{{ record.name }}"),
                "credit_score was not called: years: input should be a valid integer, "
                "unable to parse string as an integer",
            ),
            (
                document("broken", name="{{ record.name }}"),
                "broken failed: ValueError: ACME is not known",
            ),
        ],
        ids=["type", "exception"],
    )
    def test_a_call_that_fails_says_why(
        self,
        called: Told,
        said: str,
        template_database: TemplateDatabase,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        with (
            installed(tmp_path, listed="credit_score, broken"),
            living({}, template_database, clock) as story,
        ):
            story.approve(called)
            story.tell({"save": "ACC-1", "values": {"tier": "Silver"}})
            news = story.news()
        assert (news["runs"], news["said"]) == ({"failed": 1}, {"ACC-1": said})

    def test_one_that_must_not_be_called_twice_waits_for_a_person_when_its_end_is_not_known(
        self, template_database: TemplateDatabase, clock: Clock, tmp_path: Path
    ) -> None:
        with (
            installed(tmp_path, listed="pay_out"),
            living({}, template_database, clock) as story,
        ):
            called = document("pay_out", amount="12.50")
            story.approve({**called, "steps": called["steps"][:1]})
            story.tell({"save": "ACC-1", "values": {"tier": "Silver"}})
            news = story.news()
        assert news["runs"] == {"paused": 1}
        assert "whether pay_out came to its end is not known" in news["said"]["ACC-1"]

    def test_a_rehearsal_calls_nothing(
        self, template_database: TemplateDatabase, clock: Clock, tmp_path: Path
    ) -> None:
        with (
            installed(tmp_path, listed="credit_score"),
            living({}, template_database, clock) as story,
            story.installation.database.read() as tx,
        ):
            (told,) = rehearse(tx, Workflow.model_validate(SCORE), [1])
            calls = __import__("sayso_scores_of_the_tests").CALLS
        assert told.effects[0].does == "call the function credit_score with name: ACME, years: 3"
        assert calls == []

    def test_another_version_or_another_source_is_not_what_was_approved(
        self, template_database: TemplateDatabase, clock: Clock, tmp_path: Path
    ) -> None:
        hashes = []
        with living({}, template_database, clock) as story:
            for number, (version, source) in enumerate(
                [
                    ("1.0", SCORES),
                    ("1.0", SCORES),
                    ("1.1", SCORES),
                    ("1.0", f"{SCORES}\n# changed\n"),
                ]
            ):
                folder = tmp_path / str(number)
                folder.mkdir()
                with installed(folder, listed="credit_score", version=version, source=source):
                    hashes.append(hash_of(story))
            hashes.append(hash_of(story))
        assert hashes[0] == hashes[1]
        assert len(set(hashes)) == 4

    def test_a_workflow_whose_function_was_replaced_stops_until_it_is_approved_anew(
        self, template_database: TemplateDatabase, clock: Clock, tmp_path: Path
    ) -> None:
        folders = [tmp_path / "one", tmp_path / "two"]
        with living({}, template_database, clock) as story:
            for folder, version in zip(folders, ("1.0", "1.1"), strict=True):
                folder.mkdir()
                with installed(folder, listed="credit_score", version=version):
                    if version == "1.0":
                        story.approve(SCORE)
                    story.tell({"restart": True})
                    story.tell({"save": "ACC-1", "values": {"ref": version}})
                    story.seen[version] = story.news()
        assert story.seen["1.0"]["runs"] == {"done": 1}
        assert "notes" not in story.seen["1.1"]
        assert "done" not in story.seen["1.1"].get("runs", {})
