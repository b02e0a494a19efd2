"""Times that name no zone are those of the zone they are read in; a day never shifts."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.problems import BadValue
from engine.schema.fields import Field

PARIS, NEW_YORK = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")
DAY, MOMENT = Field(name="day", type="date"), Field(name="moment", type="datetime")


@pytest.mark.parametrize(
    ("written", "zone", "moment"),
    [
        ("2026-12-10 09:00", PARIS, "2026-12-10T08:00+00:00"),
        ("2026-12-10T09:00:00", NEW_YORK, "2026-12-10T14:00+00:00"),
        ("2026-12-10T09:00+05:30", PARIS, "2026-12-10T03:30+00:00"),
        ("2026-12-10", PARIS, "2026-12-09T23:00+00:00"),
        (date(2026, 12, 10), NEW_YORK, "2026-12-10T05:00+00:00"),
        (datetime(2026, 7, 1, 9), PARIS, "2026-07-01T07:00+00:00"),
        # The clocks skip from 02:00 to 03:00, and show 02:00 to 03:00 twice.
        ("2026-03-29 02:30", PARIS, "2026-03-29T01:00+00:00"),
        ("2026-10-25 02:30", PARIS, "2026-10-25T00:30+00:00"),
        ("2026-03-08 02:15", NEW_YORK, "2026-03-08T07:00+00:00"),
    ],
)
def test_T23_a_time_without_a_zone_is_the_companys(
    written: Any, zone: ZoneInfo, moment: str
) -> None:
    assert MOMENT.parse(written, zone).isoformat(timespec="minutes") == moment


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-12-10", 10),
        ("2026-12-10 23:30", 10),
        ("2026-12-10 00:30", 10),
        ("2026-12-10T00:00:00Z", 10),
        ("2026-12-10T23:30:00Z", 10),
        (date(2026, 12, 10), 10),
        # As records hold it, this moment is of the next day in Paris.
        (datetime(2026, 12, 10, 23, 30, tzinfo=UTC), 11),
        (datetime(2026, 12, 10, 23, 30, tzinfo=NEW_YORK), 10),
    ],
)
def test_T23_a_day_never_shifts(written: Any, day: int) -> None:
    assert DAY.parse(written, PARIS) == date(2026, 12, day)


@pytest.mark.parametrize("written", ["0001-01-01 00:00", "9999-12-31T23:59:59-23:59", "09:00"])
def test_a_time_that_no_calendar_has_is_refused(written: str) -> None:
    with pytest.raises(BadValue):
        MOMENT.parse(written, PARIS)
