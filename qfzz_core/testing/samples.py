"""Small valid tracks and events for contract suites."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qfzz_core.contracts.stores import Store, UserTransaction
from qfzz_core.model.events import Event, Features, Interaction
from qfzz_core.model.tracks import MAY_BE_UNKNOWN, Track

TIME = "2026-01-31T09:30:00.000000+00:00"
LATER = "2026-01-31T09:30:01.000000+00:00"


def a_track(track_id: str = "t1", **values: Any) -> Track:
    """Return a valid track with these values in place of, or after, the documented ones."""
    track = {
        "track_id": track_id,
        "title": "So What",
        "artist": "Miles Davis",
        "genre": "jazz",
        "energy": 0.4,
        "tempo": "medium",
        "mood": "calm",
        "duration": 562,
    }
    return {**track, **values}


def an_unknown_track(track_id: str = "t1", **values: Any) -> Track:
    """Return a valid track of which everything is unknown that may be, but for these values."""
    return a_track(track_id, **{**dict.fromkeys(MAY_BE_UNKNOWN), **values})


def some_tracks(count: int, first: int = 0, **values: Any) -> list[Track]:
    """Return tracks `t<first>`, `t<first + 1>`, ..."""
    return [a_track(f"t{number}", **values) for number in range(first, first + count)]


def a_feedback(track_id: str = "t1", event_id: str | None = None, **values: Any) -> Event:
    """Return a feedback of a like; `values` are further fields of the `Interaction`."""
    features = Features("jazz", "Miles Davis", "calm", "artist:miles davis")
    fields = {"type": "like", "rating": None, "timestamp": TIME, "strength": 0.1, "features": features}
    return Event("feedback", TIME, Interaction(**{"track_id": track_id, **fields, **values}), event_id=event_id)


def create(store: Store, *user_ids: str) -> None:
    """Create users with default preferences."""
    with store.transaction(user_ids) as transaction:
        for user_id in user_ids:
            transaction.user(user_id).create(TIME)


@contextmanager
def changing(store: Store, user_id: str = "alice") -> Iterator[UserTransaction]:
    """Give one user of a transaction of their own, which ends with the block."""
    with store.transaction([user_id]) as transaction:
        yield transaction.user(user_id)
