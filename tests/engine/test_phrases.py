"""What the engine says is phrases with slots: another language is a file, and no code."""

from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.pofile import read_po
from jinja2 import nodes

from engine.company.message_limits import EMAIL, Quiet
from engine.company.schedule import Recurring
from engine.company.windows import Window
from engine.phrases import (
    ENGLISH,
    LOCALES,
    figure,
    language,
    listed,
    read_language,
    say,
    say_count,
    speaking,
)
from engine.templates import parse
from engine.templates.filters import FILTERS
from engine.templates.words import in_words
from engine.workflows.recurrence import Recurrence, recurrence
from server.cli.phrase_list import FILE, phrase_list
from tests.stages.conditions.world import COMPANY
from tests.strange_language import ours, strange_language

# Two forms for 2 to 4 and for 5 and more, as Polish has them.
POLISH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);\\n"

msgid "{count} mail"
msgid_plural "{count} mails"
msgstr[0] "{count} list"
msgstr[1] "{count} listy"
msgstr[2] "{count} listów"

msgid "{items} and {last}"
msgstr "{items} i {last}"

#, fuzzy
msgid "nothing"
msgstr "something"
"""


def slots(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}


def test_the_list_of_phrases_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == phrase_list(), "Run: sayso reference"


def translations() -> Iterator[Path]:
    yield from sorted(LOCALES.glob("*.po"))


def test_a_translation_has_the_slots_of_its_phrases() -> None:
    for file in translations():
        with file.open("rb") as stream:
            for message in filter(lambda each: each.id, read_po(stream, locale=file.stem)):
                *_, last = [message.id] if isinstance(message.id, str) else message.id
                said = [message.string] if isinstance(message.string, str) else message.string
                for form in filter(None, said or ()):
                    assert slots(form) == slots(last), (file.name, message.id)


def test_a_phrase_is_said_in_the_language_that_is_spoken(tmp_path: Path) -> None:
    (tmp_path / "pl.po").write_text(POLISH, encoding="utf-8")
    told = []
    with speaking(read_language(tmp_path / "pl.po")):
        for count in (1, 3, 1200):
            told.append(say_count("{count} mail", "{count} mails", count))
        told += [listed(["a", "b", "c"]), say("nothing"), say("{a} is {b}", a="{b}", b=1)]
        told.append(figure(1200))
    assert told == [
        "1 list",
        "3 listy",
        "1\xa0200 listów",
        "a, b i c",
        "nothing",
        "{b} is 1",
        "1\xa0200",
    ]
    assert say_count("{count} mail", "{count} mails", 1200) == "1,200 mails"


@pytest.mark.parametrize("tag", ["en", "xx", "", "../../etc/passwd", "zh-Hant"])
def test_without_a_file_it_is_english(tag: str) -> None:
    assert language(tag) is ENGLISH


TEXTS = (
    "{{ record.number|upper }} {% if record.count > 2 and not record.memo %}{{ 'x' }}"
    "{% elif record.count in [1, 2] %}{{ -record.count }}{% else %}{% endif %}",
    "{% for each in invoices if each.number %}{{ each.number ~ 'x' }}{% else %}{% endfor %}",
    "{{ 1200 if record.memo else none }} {{ (record.count + 1) * 2 / 3 - 4 }} {{ true }}",
    *(known.example.split(" -> ")[0] for known in FILTERS.values()),
)


def own(text: str) -> Iterator[str]:
    """What an author wrote themselves: around the fields, in quotes, and as names of settings."""
    body = nodes.Template(list(parse(text).body))
    yield from (each.data for each in body.find_all(nodes.TemplateData))
    yield from (str(each.value) for each in body.find_all(nodes.Const))
    yield from (each.key for each in body.find_all(nodes.Keyword))


@pytest.mark.parametrize("text", TEXTS)
def test_no_word_of_a_template_is_said_outside_the_phrases(text: str) -> None:
    with speaking(strange_language()):
        told = in_words(parse(text).body, lambda path: "§")
    assert ours(told) <= ours(own(text))


SCHEDULES: list[dict[str, Any]] = [
    {"every": "half_hour"},
    {"every": "hour"},
    {"every": "day", "at": "09:00", "interval": 3, "anchor": "2026-03-02"},
    {"every": "day", "at": "09:00", "interval": 9, "anchor": "2026-03-02"},
    {"every": "week", "weekdays": ["mon", "fri"], "at": "09:00"},
    {"every": "week", "weekdays": ["mon"], "at": "09:00", "interval": 2, "anchor": "2026-03-02"},
    {"every": "week", "weekdays": ["sun"], "at": "09:00", "interval": 9, "anchor": "2026-03-02"},
    {"every": "month", "days": [1, 22, 31, "last"], "at": "09:00"},
    {"every": "month", "days": [31], "at": "09:00", "on_missing_day": "skip"},
    {"every": "month", "working_day": -2, "at": "09:00", "timezone": "Asia/Tokyo"},
    {"every": "month", "working_day": 22, "at": "09:00"},
    {"every": "month", "nth_weekday": {"nth": 5, "weekday": "tue"}, "at": "09:00"},
    {"every": "month", "nth_weekday": {"nth": -1, "weekday": "tue"}, "at": "09:00"},
    {"every": "year", "dates": ["07-14", "02-29"], "at": "09:00"},
    {"every": "once", "date": "2026-07-14", "at": "09:00"},
]


@pytest.mark.parametrize("rule", SCHEDULES)
def test_no_word_of_a_schedule_is_said_outside_the_phrases(rule: dict[str, Any]) -> None:
    read = Recurring.model_validate(rule)
    assert not any(read.problems())
    with speaking(strange_language()):
        assert ours(read.words(COMPANY.calendar)) <= {"asia", "tokyo"}


def test_no_word_of_a_window_or_a_limit_is_said_outside_the_phrases() -> None:
    days = ("working_days", "sat")
    windows = [
        Window.model_validate({"from": "08:00", "to": "18:00"}),
        Window.model_validate({"from": "22:00", "to": "06:00", "days": days}),
    ]
    with speaking(strange_language()):
        told = [window.words() for window in windows]
        told += [EMAIL.words("email"), Quiet().words("sms")]
    assert ours(told) == set()


@pytest.mark.parametrize("kind", Recurrence.kinds)
@pytest.mark.parametrize("subject", ["", "§"])
@pytest.mark.parametrize("repeats", [True, False])
def test_no_word_of_a_recurrence_is_said_outside_the_phrases(
    kind: type[Recurrence], subject: str, repeats: bool
) -> None:
    rule = recurrence(kind.example)
    with speaking(strange_language()):
        told = [rule.words(subject, repeats=repeats), rule.one_at_a_time(subject, repeats=repeats)]
    assert ours(told) == set()
