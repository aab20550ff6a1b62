"""Timestamps: ISO-8601 in UTC, with offset and six decimals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from qfzz_core.errors import ProfileError, shown
from qfzz_core.model.names import text_of

NEVER = -(2**63)  # the moment of a text that says none, before every other; numbers of 64 bits begin there
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def timestamp(moment: datetime | None = None) -> str:
    """Return a moment (with a time zone; now if not given) as text, such as `2026-01-31T09:30:00.000000+00:00`."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds")


def parsed(text: str) -> datetime:
    """Return the moment that a text of ISO-8601 says; one without an offset is read as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Return a moment, with a time zone, in microseconds since 1970-01-01 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(text: str) -> int:
    """Return the moment that a timestamp says in microseconds since 1970-01-01 UTC, `NEVER` if it says none."""
    try:
        return microseconds(parsed(text))
    except (TypeError, ValueError):
        return NEVER


def checked_timestamp(value: Any, what: str) -> str:
    """Return a timestamp given as ISO-8601 in our form; raises `ProfileError` if it is none."""
    text = text_of(value)
    try:
        return timestamp(parsed(text or ""))
    except (ValueError, OverflowError):
        raise ProfileError(
            f"{what} must be an ISO-8601 timestamp such as 2026-01-31T09:30:00+00:00, got {shown(value)}"
        ) from None


def checked_moment(value: Any, what: str) -> str:
    """Return a moment that leaves nothing to guess, an aware datetime or ISO-8601 with offset, as a timestamp.

    Raises `ProfileError` for anything else.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(text_of(value) or "")
        if datetime.utcoffset(moment) is not None:
            return datetime.isoformat(datetime.astimezone(moment, UTC), timespec="microseconds")
    except Exception:  # noqa: BLE001 - the time zone may be somebody else's class, and raise anything
        pass
    raise ProfileError(
        f"{what} must be a datetime with a time zone, or ISO-8601 with an offset, "
        f"such as 2026-01-31T09:30:00+00:00, got {shown(value)}"
    )


def next_timestamp(previous: str, now: str | None = None) -> str:
    """Return `now` (the clock if not given), or a microsecond after `previous` if it is not later than that.

    Raises `ProfileError` if there is no moment after `previous`.
    """
    now = now or timestamp()
    if now > previous:
        return now
    try:
        return timestamp(parsed(previous) + timedelta(microseconds=1))
    except OverflowError:
        raise ProfileError(
            f"updated_at is {previous}, after which there is no moment; it cannot move forward"
        ) from None


def days_before(moment: datetime, days: float) -> datetime:
    """Return the moment so many days before another, or the first one that there is."""
    try:
        return moment - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
