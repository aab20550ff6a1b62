"""When an event happened, and that it can be taken back: the profile is then as if it had never been recorded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qfzz_core import Engine
from qfzz_core.errors import FeedbackError

pytest_plugins = ["support.store_urls"]

NOW = datetime(2026, 2, 1, tzinfo=UTC)
TRACKS = [
    {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": ("Ada", "Bob", "Cid")[number % 3],
        "genre": ("jazz", "rock")[number % 2],
        "mood": "calm",
        "energy": 0.5,
        "tempo": "medium",
        "duration": 200,
    }
    for number in range(6)
]
ALICE = ("alice", "t1", "play")


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    with Engine(store=store_url, seed=1, clock=lambda: NOW) as engine:
        engine.add_content(TRACKS)
        yield engine


def history(engine: Engine, user_id: str = "alice") -> list[dict[str, Any]]:
    profile = engine.get_profile(user_id)
    return [] if profile is None else profile.interaction_history


# ---- when it happened -----------------------------------------------------------------------------------------------


def test_a_given_timestamp_is_the_interactions_and_the_log_says_when_it_was_recorded(engine: Engine) -> None:
    engine.record_feedback(*ALICE, timestamp="2026-01-02T03:04:05+01:00")
    engine.record_many([{"user_id": "alice", "track_id": "t1", "interaction_type": "play", "timestamp": NOW}])
    assert [each["timestamp"] for each in history(engine)] == [
        "2026-01-02T02:04:05.000000+00:00",
        "2026-02-01T00:00:00.000000+00:00",
    ]
    assert {event.timestamp for event in engine.store.events("alice")} == {"2026-02-01T00:00:00.000000+00:00"}
    assert engine.check_log("alice") == []


def test_filters_about_time_read_when_it_happened(engine: Engine) -> None:
    engine.record_feedback(*ALICE, timestamp=NOW - timedelta(days=20))
    engine.record_feedback("alice", "t2", "play", timestamp=NOW - timedelta(days=2))
    found = {each.track["track_id"] for each in engine.recommend("alice", limit=9, where={"heard_within_days": 7})}
    assert found == {"t0", "t1", "t3", "t4", "t5"}


@pytest.mark.parametrize(
    "wrong", ["2026-01-31T09:30:00", datetime(2026, 1, 1), "soon", 5, NOW + timedelta(days=1, microseconds=1)]
)
def test_a_timestamp_that_is_naive_or_ahead_is_refused_with_nothing_changed(engine: Engine, wrong: Any) -> None:
    with pytest.raises(FeedbackError, match="timestamp must"):
        engine.record_feedback(*ALICE, timestamp=wrong)
    assert engine.get_profile("alice") is None
    engine.record_feedback(*ALICE, timestamp=NOW + timedelta(days=1))


def test_an_event_id_with_another_timestamp_is_another_event(engine: Engine) -> None:
    engine.record_feedback(*ALICE, event_id="e", timestamp=NOW - timedelta(hours=1))
    engine.record_feedback(*ALICE, event_id="e", timestamp="2026-02-01T00:00:00+01:00")
    engine.record_feedback(*ALICE, event_id="e")
    with pytest.raises(FeedbackError, match="was used before for another event: play of 't1' at 2026-01-31T23:00:00"):
        engine.record_feedback(*ALICE, event_id="e", timestamp=NOW)
    assert len(history(engine)) == 1
