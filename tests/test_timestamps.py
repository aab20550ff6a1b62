"""Timestamps are ISO-8601 in UTC, and their order as text is their order in time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qfzz_core.errors import ProfileError
from qfzz_core.model.timestamps import checked_moment, next_timestamp, parsed, timestamp

MOMENTS = some.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=some.timezones())


@given(MOMENTS)
def test_a_timestamp_says_the_moment_in_utc_with_six_decimals(moment: datetime) -> None:
    assert timestamp(moment) == moment.astimezone(UTC).isoformat(timespec="microseconds")
    assert parsed(timestamp(moment)) == moment.astimezone(UTC)


@given(MOMENTS)
def test_a_moment_is_the_same_as_a_datetime_and_as_text(moment: datetime) -> None:
    assert checked_moment(moment, "it") == checked_moment(moment.isoformat(), "it") == timestamp(moment)


@pytest.mark.parametrize("wrong", ["", "today", "2026-01-31", "2026-01-31T09:30:00", datetime(2026, 1, 31), 0, None])
def test_a_moment_leaves_nothing_to_guess(wrong: Any) -> None:
    with pytest.raises(ProfileError, match="it must be a datetime with a time zone, or ISO-8601 with an offset"):
        checked_moment(wrong, "it")


@given(MOMENTS, MOMENTS)
def test_timestamps_are_in_order_as_strings(one: datetime, other: datetime) -> None:
    assert (timestamp(one) < timestamp(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


@given(MOMENTS, MOMENTS)
def test_the_next_timestamp_is_later_whatever_the_clock_says(previous: datetime, now: datetime) -> None:
    before, later = timestamp(previous), timestamp(now)
    assert next_timestamp(before, later) > before
    assert later <= before or next_timestamp(before, later) == later
