"""R157: a template is downloaded as JSON and taken in again, here or elsewhere, unchanged."""

import pytest

from engine.people.logins import Principal
from engine.problems import Invalid
from server.access.desk import Desk
from server.operations.templates import get_template, put_template
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.scenarios.test_R156 import REMINDER, delete, write
from tests.stages.demo.story import Story, living


def desk(story: Story) -> Desk:
    return Desk(story.installation, Principal("alice", frozenset({"author"}), None, None, False))


def test_a_template_goes_out_as_json_and_comes_back_the_same(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        ids = [write(story, REMINDER), write(story, {**REMINDER, "language": "fr"})]
        shared = get_template(desk(story), "second_reminder")
        for id in ids:
            delete(story, id)
        with pytest.raises(Invalid, match="there is no template"):
            get_template(desk(story), "second_reminder")
        put_template(desk(story), dict(shared["template"]))
        assert get_template(desk(story), "second_reminder") == shared
        put_template(desk(story), dict(shared["template"]))  # once more: nothing is there twice
        assert get_template(desk(story), "second_reminder") == shared


def test_a_file_that_is_no_template_is_refused_and_nothing_is_kept(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        with pytest.raises(Invalid, match="wordings"):
            put_template(desk(story), {"schema": 1, "name": "x"})
        broken = [{"body": "sound"}, {"language": "fr", "body": "{{ record."}]
        with pytest.raises(Invalid):
            put_template(desk(story), {"schema": 1, "name": "x", "wordings": broken})
        with pytest.raises(Invalid, match="there is no template `x`"):
            get_template(desk(story), "x")
