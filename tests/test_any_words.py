"""Whatever is changed in a document or in a text, its words change: on random ones."""

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.blocks.triggers import Trigger
from engine.company.schedule import Recurring
from engine.workflows.recurrence import Recurrence
from tests.all_that_is_told import ASKED, BASIC, CALL, DOCUMENT, MAIL, NOTE, PAID, PLAIN, STOP, told

LEAVES = [PLAIN, PAID, ASKED, {"field": "due_date", "op": "less_than", "value": "today"}]
asked = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)
actions = st.sampled_from(
    [
        NOTE,
        MAIL,
        {**MAIL, "cc": ["alice"]},
        {**MAIL, "at": "10:00"},
        {**MAIL, "body": "Pay now."},
        {**CALL, "body": "{}"},
        {**CALL, "auth": BASIC},
        {"id": "wait", "type": "wait", "days": 2},
        {"id": "set", "type": "update_fields", "values": {"status": "Paid"}},
        {
            "id": "set",
            "type": "update_fields",
            "values": {"status": "Paid"},
            "on_error": "continue",
        },
        STOP,
    ]
)
ways = st.builds(
    lambda conditions, then, otherwise: {
        "id": "way",
        "type": "if",
        "conditions": conditions,
        "then": then,
        "else": otherwise,
    },
    asked,
    st.lists(actions, min_size=1, max_size=2),
    st.lists(actions, max_size=2),
)
parts: dict[str, st.SearchStrategy[Any]] = {
    "trigger": st.sampled_from([kind.example for kind in Trigger.types.values()]),
    "conditions": asked,
    "recurrence": st.sampled_from([kind.example for kind in Recurrence.kinds]),
    "stop_when": st.none() | asked,
    "pause_when": st.none() | asked,
    "window": st.none() | st.just({"from": "08:00", "to": "18:00"}),
    "group_by": st.sampled_from([None, "account", "owner", "all"]),
    "steps": st.lists(actions | ways, min_size=1, max_size=3),
}


def numbered(steps: list[Any], start: str = "s") -> list[Any]:
    """The steps with ids of their own."""
    return [
        {
            **step,
            "id": f"{start}{place}",
            **{
                way: numbered(step[way], f"{start}{place}_{way}_")
                for way in ("then", "else")
                if way in step
            },
        }
        for place, step in enumerate(steps)
    ]


def flat(condition: Any) -> Any:
    """What a condition means: (a and b) and c are the same three."""
    for kind in ("all", "any"):
        if isinstance(condition, dict) and kind in condition:
            inside = [flat(part) for part in condition[kind]]
            return {
                kind: [
                    each
                    for part in inside
                    for each in (part[kind] if isinstance(part, dict) and kind in part else [part])
                ]
            }
    return {"not": flat(condition["not"])} if condition and "not" in condition else condition


def meant(key: str, value: Any) -> Any:
    match key, value:
        case (("conditions" | "stop_when" | "pause_when"), _):
            return flat(value)
        case "steps", _:
            return [
                {**step, "conditions": flat(step["conditions"])} if "conditions" in step else step
                for step in value
            ]
    return value


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries(parts), st.data())
def test_T5_whatever_is_changed_in_a_document_changes_its_words(
    document: dict[str, Any], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(parts)))
    value = data.draw(parts[key].filter(lambda new: meant(key, new) != meant(key, document[key])))

    def whole(given: dict[str, Any]) -> dict[str, Any]:
        return {**DOCUMENT, **given, "steps": numbered(given["steps"])}

    assert told(whole(document)) != told(whole({**document, key: value}))


PIECES = [
    *("ten", "eleven", "{{ record.total }}", "{{ record.balance }}", "{{ record.total + 1 }}"),
    *("{{ record.total + 2 }}", "{{ record.total - 1 }}", "{{ record.total * 2 }}"),
    *(
        "{{ record.total|round }}",
        "{{ record.total|money('EUR') }}",
        "{{ 5 if record.total else 7 }}",
    ),
    *(
        "{{ record.total|money('USD') }}",
        "{{ 7 if record.total else 5 }}",
        "{{ record.total|mul(3) }}",
    ),
    *(
        "{{ record.number|default('a') }}",
        "{{ record.number|default('b') }}",
        "{{ record.number }}",
    ),
    *("{{ record.number|upper|default('a') }}", "{{ record.number ~ 'a' }}", "{{ -record.total }}"),
]
PLACES = [
    *("%s", "Dear %s,", "%s and more", "{%% if record.total > 1 %%}%s{%% endif %%}"),
    *("{%% if record.total > 1 %%}x{%% else %%}%s{%% endif %%}",),
    *("{%% if record.total %%}x{%% elif record.balance %%}%s{%% else %%}y{%% endif %%}",),
    *("{%% for line in record.lines %%}%s{%% endfor %%}",),
    *("{%% for line in record.lines %%}x{%% else %%}%s{%% endfor %%}",),
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(PLACES), max_size=4),
    st.lists(st.sampled_from(PIECES), min_size=2, max_size=2, unique=True),
)
def test_T1_another_piece_anywhere_in_a_text_changes_the_words(
    places: list[str], pieces: list[str]
) -> None:
    def said(piece: str) -> str:
        for place in places:
            piece = place % piece
        return told({**DOCUMENT, "steps": [{**NOTE, "text": piece}]})

    assert said(pieces[0]) != said(pieces[1])


times = st.sampled_from(["08:00", "09:30"])
anchors = st.sampled_from([None, "2026-03-02", "2026-03-09"])
sound_days = st.lists(
    st.sampled_from([1, 2, 15, 30, 31, "last"]), min_size=1, max_size=2, unique=True
)
rhythms = st.one_of(
    st.fixed_dictionaries({"every": st.just("day"), "at": times, "anchor": anchors}),
    st.fixed_dictionaries(
        {
            "every": st.just("week"),
            "at": times,
            "weekdays": st.lists(
                st.sampled_from(["mon", "thu", "sun"]), min_size=1, max_size=2, unique=True
            ).map(sorted),
            "interval": st.sampled_from([2, 3, 7]),
            "anchor": st.sampled_from(["2026-03-02", "2026-03-09"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "every": st.just("month"),
            "at": times,
            "days": sound_days.map(lambda days: sorted(days, key=str)),
            "on_missing_day": st.sampled_from(["last_day", "skip"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "every": st.just("month"),
            "at": times,
            "working_day": st.sampled_from([-3, -2, -1, 1, 2, 3, 21, 22]),
        }
    ),
    st.builds(
        lambda nth, day, at: {
            "every": "month",
            "at": at,
            "nth_weekday": {"nth": nth, "weekday": day},
        },
        st.sampled_from([-1, 1, 2, 5]),
        st.sampled_from(["mon", "fri"]),
        times,
    ),
    st.builds(
        lambda minute, day, month, weekday: {"cron": f"{minute} 9 {day} {month} {weekday}"},
        st.sampled_from(["0", "30", "*/5"]),
        st.sampled_from(["*", "1", "2", "22", "31", "*/2", "1,15", "L"]),
        st.sampled_from(["*", "2", "1,3"]),
        st.sampled_from(["*", "1", "1-5", "5#2"]),
    ),
).filter(lambda written: not any(Recurring.model_validate(written).problems()))


def rhythm(written: dict[str, Any]) -> dict[str, Any]:
    """What it comes to: where every month has the day, none is missing."""
    days = written.get("days")
    if days and not any(isinstance(day, int) and day > 28 for day in days):
        return {**written, "on_missing_day": "last_day"}
    return written


@settings(max_examples=300, deadline=None)
@given(rhythms, rhythms)
def test_T9_two_rhythms_have_the_same_words_only_if_they_are_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assume(rhythm(one) != rhythm(other))

    def said(written: dict[str, Any]) -> str:
        return told({**DOCUMENT, "trigger": {"type": "schedule", **written}})

    assert said(one) != said(other)
