"""The words of a workflow say all that it does, when, and what keeps it back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.reception import Reception, furnish, opened

WEEKLY: dict[str, Any] = {
    "type": "schedule",
    "every": "week",
    "interval": 2,
    "anchor": "2026-03-02",
    "at": "09:00",
}


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    with opened(template_database("reception", furnish), clock, tmp_path) as found:
        yield found


def test_T9_draft_and_preview_tell_the_same_three_dates(reception: Reception) -> None:
    draft = reception.drafted(trigger=WEEKLY)
    assert [at[:10] for at in draft["next_dates"]] == ["2026-03-16", "2026-03-30", "2026-04-13"]
    told = reception.ask("alice", "preview_audience", workflow=draft["workflow"])
    assert told["next_dates"] == draft["next_dates"]


def test_T9_opposite_weeks_have_other_words(reception: Reception) -> None:
    even = reception.drafted(trigger=WEEKLY)
    odd = reception.drafted(trigger={**WEEKLY, "anchor": "2026-03-09"})
    assert even["words"][0] != odd["words"][0]
    assert "from Monday 9 March 2026 on" in odd["words"][0]
