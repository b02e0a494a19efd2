"""Schedules: each occasion once, in the company's time zone, and told in words."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.company.calendar import Calendar
from engine.company.schedule import Recurring
from engine.company.windows import Window, next_dates

PARIS = Calendar.of("Europe/Paris", country="FR")
WORKING = {"from": "08:00", "to": "18:00", "days": "working_days"}
NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)


def occasions(rule: dict[str, Any], n: int, after: datetime = NOW) -> list[str]:
    """The next occasions, as the clocks in Paris show them."""
    recurring, found, moment = Recurring.model_validate(rule), [], after
    for _ in range(n):
        following = recurring.next_after(moment, PARIS)
        if following is None:
            break
        found.append(f"{following.astimezone(PARIS.timezone):%Y-%m-%d %H:%M}")
        moment = following
    return found


@pytest.mark.parametrize(
    ("row", "rule", "expected", "words"),
    [
        ("R27", {"every": "hour"}, ["2026-03-10 10:00", "2026-03-10 11:00"], "hourly"),
        (
            "R28",
            {"every": "day", "at": "09:00"},
            ["2026-03-11 09:00", "2026-03-12 09:00"],
            "every day at 09:00",
        ),
        (
            "R29",
            {"every": "week", "weekdays": ["mon", "thu"], "at": "09:00"},
            ["2026-03-12 09:00", "2026-03-16 09:00", "2026-03-19 09:00"],
            "every Monday and Thursday at 09:00",
        ),
        (
            "R30",
            {"every": "month", "days": [30, 31], "at": "09:00"},
            ["2026-03-30 09:00", "2026-03-31 09:00", "2026-04-30 09:00", "2026-05-30 09:00"],
            "on the 30th and the 31st of each month, or the month's last day, at 09:00",
        ),
        (
            "R30",
            {"every": "month", "days": [31], "on_missing_day": "skip", "at": "09:00"},
            ["2026-03-31 09:00", "2026-05-31 09:00"],
            "on the 31st of each month, if there is such a day, at 09:00",
        ),
        (
            "R31",
            {"every": "once", "date": "2026-07-14", "at": "08:00"},
            ["2026-07-14 08:00"],
            "once, on 14 July 2026 at 08:00",
        ),
        (
            "R32",
            {"every": "year", "dates": ["02-29", "07-14"], "at": "08:00"},
            ["2026-07-14 08:00", "2027-02-28 08:00", "2027-07-14 08:00", "2028-02-29 08:00"],
            "on 29 February and 14 July each year, or the month's last day, at 08:00",
        ),
        (
            "R33",
            {"every": "month", "nth_weekday": {"nth": 2, "weekday": "tue"}, "at": "09:30"},
            ["2026-03-10 09:30", "2026-04-14 09:30"],
            "on the second Tuesday of each month at 09:30",
        ),
        (
            "R33",
            {"every": "week", "interval": 2, "anchor": "2026-03-09", "at": "08:00"},
            ["2026-03-23 08:00", "2026-04-06 08:00"],
            "every second Monday at 08:00, from Monday 9 March 2026 on",
        ),
        (
            "R34",
            {"every": "month", "working_day": -1, "at": "17:00"},
            ["2026-03-31 17:00", "2026-04-30 17:00", "2026-05-29 17:00"],
            "on the last working day of each month at 17:00",
        ),
        (
            "R9",
            {"cron": "0 8 * * 1"},
            ["2026-03-16 08:00", "2026-03-23 08:00"],
            "at 08:00 on Monday",
        ),
    ],
)
def test_a_schedule_falls_on_what_its_words_say(
    row: str, rule: dict[str, Any], expected: list[str], words: str
) -> None:
    assert occasions(rule, len(expected)) == expected, row
    assert Recurring.model_validate(rule).words(PARIS) == words, row


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 9 31 * *", "at 09:00 on the 31st day of every month, where there is such a day"),
        ("0 9 13 * 5", "at 09:00 on the 13th day of the month, and also on every Friday"),
        (
            "0 9 13 1,3 5#1",
            "at 09:00 on the 13th day of the month, and also on the first Friday of the month, "
            "both in January and March",
        ),
        ("0 9 2,22 * *", "at 09:00 on the second and the 22nd day of the month"),
        ("0 9 */31 * *", "at 09:00 on every 31st day of the month, counted from the 1st"),
        (
            "0 9 */2 * 1",
            "at 09:00 on every second day of the month, counted from the 1st, if it is",
        ),
    ],
)
def test_T9_the_words_of_cron_say_what_cron_does(cron: str, words: str) -> None:
    assert Recurring(cron=cron).words(PARIS).startswith(words)


def test_T9_the_words_say_from_which_day_an_interval_counts() -> None:
    weeks = [
        Recurring(every="week", interval=2, anchor=anchor, at="08:00").words(PARIS)
        for anchor in ("2026-03-02", "2026-03-09")
    ]
    assert weeks == [
        "every second Monday at 08:00, from Monday 2 March 2026 on",
        "every second Monday at 08:00, from Monday 9 March 2026 on",
    ]


@pytest.mark.parametrize(
    ("rule", "never"),
    [
        ({"every": "month", "working_day": 30, "at": "09:00"}, True),
        ({"every": "month", "working_day": 22, "at": "09:00"}, False),
        (
            {
                "every": "month",
                "interval": 12,
                "anchor": "2026-02-01",
                "days": [31],
                "on_missing_day": "skip",
                "at": "09:00",
            },
            True,
        ),
        ({"cron": "0 9 29 2 *"}, False),
    ],
)
def test_T9_a_schedule_without_any_day_to_come_never_starts(
    rule: dict[str, Any], never: bool
) -> None:
    assert Recurring.model_validate(rule).never(NOW, PARIS) is never


def test_T9_the_next_dates_are_the_three_that_fall_into_the_window() -> None:
    rule, window = Recurring(every="day", at="09:00"), Window.model_validate(WORKING)
    friday = datetime(2026, 3, 13, 8, 30, tzinfo=UTC)
    found = [
        f"{at.astimezone(PARIS.timezone):%a %d %B, %H:%M}"
        for at in next_dates(rule, window, friday, PARIS)
    ]
    assert found == [
        "Mon 16 March, 09:00",
        "Tue 17 March, 09:00",
        "Wed 18 March, 09:00",
    ]


def test_r48_a_daily_time_that_the_clocks_skip_comes_once_at_the_next_minute() -> None:
    after = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert occasions({"every": "day", "at": "02:30"}, 2, after) == [
        "2026-03-29 03:00",
        "2026-03-30 02:30",
    ]


def test_r48_a_daily_time_that_the_clocks_show_twice_comes_once() -> None:
    after = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert occasions({"every": "day", "at": "02:30"}, 2, after) == [
        "2026-10-25 02:30",
        "2026-10-26 02:30",
    ]


def test_hourly_means_every_hour_also_the_one_that_comes_twice() -> None:
    rule, after = Recurring(every="hour"), datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    found = list(rule.occasions(after, after + timedelta(hours=4), PARIS))
    assert found == [datetime(2026, 10, 25, hour, tzinfo=UTC) for hour in range(4)]


def test_r31_a_single_date_that_is_past_has_no_occasion() -> None:
    rule = Recurring(every="once", date="2026-01-14", at="08:00")
    assert (rule.next_after(NOW, PARIS), rule.past(NOW, PARIS)) == (None, True)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"every": "dy"}, ("every", "There is no `every: dy`.", "Did you mean `day`?")),
        ({"every": "day"}, ("at", "It is missing with `every: day`.", "Such as '09:00'.")),
        (
            {"every": "day", "at": "9:00"},
            (
                "at",
                "`9:00` is not a time of day.",
                'Write hours and minutes, such as "09:00".',
            ),
        ),
        (
            {"every": "day", "at": "09:00", "weekdays": ["mon"]},
            (
                "weekdays",
                "Not both: it means nothing with `every: day`.",
                "Remove `weekdays`. It belongs to `every: week`.",
            ),
        ),
        (
            {"every": "week", "weekdays": ["mno"], "at": "09:00"},
            ("weekdays.0", "There is no weekday `mno`.", "Did you mean `mon`?"),
        ),
        (
            {"every": "week", "weekdays": [], "at": "09:00"},
            ("weekdays", "It names no day.", 'Write some, such as ["mon", "thu"].'),
        ),
        (
            {"every": "month", "days": [32], "at": "09:00"},
            ("days.0", "No month has a day 32.", 'Write a number from 1 to 31, or "last".'),
        ),
        (
            {"every": "once", "date": "20260714", "at": "08:00"},
            (
                "date",
                "`20260714` is not a date.",
                "Write year, month and day, such as `2026-07-14`.",
            ),
        ),
        (
            {"every": "day", "at": "09:00", "timezone": "Paris"},
            ("timezone", "There is no time zone `Paris`.", "Did you mean `Europe/Paris`?"),
        ),
        (
            {"cron": "0 0 8 * * 1"},
            (
                "cron",
                "`0 0 8 * * 1` has not five fields.",
                "Write minute, hour, day of the month, month and day of the week,"
                " such as `0 8 * * 1`.",
            ),
        ),
    ],
)
def test_a_schedule_that_makes_no_sense_says_where_and_what_to_write(
    rule: dict[str, Any], problem: tuple[str, str, str]
) -> None:
    recurring = Recurring.model_validate(rule)
    assert list(recurring.problems()) == [problem]
    assert recurring.next_after(NOW, PARIS) is None


times = st.times().map(lambda time: f"{time:%H:%M}")
rules = st.one_of(
    st.just({"every": "hour"}),
    st.builds(lambda at: {"every": "day", "at": at}, times),
    st.builds(lambda at: {"every": "week", "weekdays": ["sat", "sun"], "at": at}, times),
    st.builds(lambda at: {"every": "month", "days": [1, 29, "last"], "at": at}, times),
    st.builds(lambda at: {"every": "month", "working_day": 1, "at": at}, times),
    st.builds(lambda hour: {"cron": f"30 {hour} * * *"}, st.integers(0, 23)),
)
zones = st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])


@settings(max_examples=150, deadline=None)
@given(rules, zones, st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))
def test_occasions_come_in_order_and_a_daily_one_once_on_each_local_day(
    rule: dict[str, Any], zone: str, start: datetime
) -> None:
    calendar, recurring = Calendar.of(ZoneInfo(zone)), Recurring.model_validate(rule)
    moment, found = start.replace(tzinfo=UTC), []
    for _ in range(12):
        following = recurring.next_after(moment, calendar)
        assert following is not None
        assert following > moment
        found.append(following)
        moment = following
    if rule.get("every") == "day" or "cron" in rule:
        local_days = [calendar.today(at) for at in found]
        assert [(b - a).days for a, b in itertools.pairwise(local_days)] == [1] * 11
    if rule.get("every") == "hour":
        steps = {b - a for a, b in itertools.pairwise(found)}
        assert steps <= {timedelta(hours=1), timedelta(minutes=90)}
