"""Days and moments: working days, holidays, clock changes, and the words for them."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.company.calendar import Calendar, add_months, parse_moment
from engine.problems import BadValue

PARIS = Calendar.of("Europe/Paris", country="FR")
NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
days = st.dates(date(2000, 1, 1), date(2060, 1, 1))


def test_r35_today_is_the_company_s_day_not_the_server_s() -> None:
    assert PARIS.today(datetime(2026, 3, 10, 23, 30, tzinfo=UTC)) == date(2026, 3, 11)


def test_easter_monday_is_no_working_day_in_france() -> None:
    assert not PARIS.is_working_day(date(2026, 4, 6))
    assert PARIS.add_working_days(date(2026, 4, 3), 1) == date(2026, 4, 7)


def test_a_company_holiday_counts_like_a_public_one() -> None:
    calendar = Calendar.of("Europe/Paris", extra_holidays=[date(2026, 3, 11)])
    assert calendar.add_working_days(date(2026, 3, 10), 1) == date(2026, 3, 12)


def test_zero_working_days_from_a_sunday_is_monday() -> None:
    assert PARIS.add_working_days(date(2026, 3, 8), 0) == date(2026, 3, 9)


@given(days, st.integers(1, 60))
def test_working_days_forth_and_back_meet_again(day: date, n: int) -> None:
    start = PARIS.add_working_days(day, 0)
    assert PARIS.add_working_days(PARIS.add_working_days(start, n), -n) == start


def test_r34_the_first_working_day_of_august_2026_is_monday_the_third() -> None:
    assert PARIS.nth_working_day(2026, 8, 1) == date(2026, 8, 3)
    assert PARIS.nth_working_day(2026, 5, -1) == date(2026, 5, 29)
    assert PARIS.nth_working_day(2026, 5, 30) is None


def test_r48_a_time_the_clocks_skip_is_the_next_minute_they_show() -> None:
    assert PARIS.at(date(2026, 3, 29), time(2, 30)) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_r48_a_time_the_clocks_show_twice_is_the_first() -> None:
    assert PARIS.at(date(2026, 10, 25), time(2, 30)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_r144_a_month_after_the_31st_of_january_is_the_28th_of_february() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("word", "meant", "words"),
    [
        ("today", date(2026, 3, 10), "today"),
        ("tomorrow", date(2026, 3, 11), "tomorrow"),
        ("yesterday", date(2026, 3, 9), "yesterday"),
        ("today-30d", date(2026, 2, 8), "30 days ago"),
        ("today+5wd", date(2026, 3, 17), "in 5 working days"),
        ("today+1m", date(2026, 4, 10), "in 1 month"),
        ("now-48h", datetime(2026, 3, 8, 8, tzinfo=UTC), "48 hours ago"),
        ("now+30d", datetime(2026, 4, 9, 7, tzinfo=UTC), "in 30 days at this time"),
    ],
)
def test_a_word_for_a_moment_has_a_meaning_and_reads_well(
    word: str, meant: date, words: str
) -> None:
    moment = parse_moment(word)
    assert moment is not None
    assert (moment.resolve(NOW, PARIS), moment.words()) == (meant, words)


@pytest.mark.parametrize("word", ["", "Today", "today-", "today-3", "today+3days", "now--3h", "3d"])
def test_anything_else_is_no_word_for_a_moment(word: str) -> None:
    assert parse_moment(word) is None


def test_hours_from_a_day_are_a_problem_that_says_what_to_write() -> None:
    moment = parse_moment("today-48h")
    assert moment is not None
    assert moment.problem() == (
        "`today-48h` counts hours from a day, and a day has no time.",
        "Write `now-48h`, or count in days, such as `today+1d`.",
    )


@pytest.mark.parametrize("country", ["XX", "fr "])
def test_an_unknown_country_is_refused_with_what_to_write(country: str) -> None:
    with pytest.raises(BadValue, match="No public holidays"):
        Calendar.of(ZoneInfo("Europe/Paris"), country=country)
