"""The factor keeps the contract of factors, and says what its README promises."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from qfzz_core import Engine
from qfzz_core.errors import ConfigError
from qfzz_core.testing import FactorContract, assert_explains

import qfzz_scorer_recency

NOW = datetime.fromisoformat("2026-01-31T12:00:00+00:00")


class TestRecency(FactorContract):
    options = ({}, {"prefer": "familiar"}, {"by": "artist"}, {"by": "artist", "prefer": "familiar", "half_life": 0.01})

    def make_plugin(self) -> Any:
        return qfzz_scorer_recency


class Clock:
    """A clock that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def back(self, days: float) -> None:
        self.now = NOW - timedelta(days=days)


def a_track(track_id: str, artist: str = "ABBA") -> dict[str, Any]:
    plain = {"title": track_id, "artist": artist, "genre": "pop", "mood": "calm", "energy": 0.5, "tempo": "medium"}
    return {"track_id": track_id, **plain, "duration": 180}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine_of(qfzz: Callable[..., Engine], clock: Clock) -> Callable[..., Engine]:
    """Engines over four tracks of two artists, of which t1 was heard today, t2 a week ago, and t3 was only liked."""

    def made(**options: Any) -> Engine:
        tracks = [a_track("t1"), a_track("t2", "Abba"), a_track("t3", "Blur"), a_track("t4", "Blur")]
        engine = qfzz(qfzz_scorer_recency, tracks=tracks, config={"factors": {"recency": options}}, clock=clock)
        for days, track_id, kind in [(14, "t1", "play"), (7, "t2", "play"), (0, "t1", "play"), (0, "t3", "like")]:
            clock.back(days)
            engine.record_feedback("ann", track_id, kind)
        clock.back(0)
        return engine

    return made


def values(engine: Engine) -> list[float]:
    return [assert_explains(engine.explain("ann", f"t{n}"), "recency").value for n in (1, 2, 3, 4)]


def test_what_was_heard_last_comes_last(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of()) == [0.0, 0.5, 1.0, 1.0]


def test_it_can_prefer_what_was_heard_last(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of(prefer="familiar")) == [1.0, 0.5, 0.0, 0.0]


def test_a_shorter_half_life_forgets_sooner(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of(prefer="familiar", half_life=3.5)) == [1.0, 0.25, 0.0, 0.0]


def test_by_artist_all_tracks_of_an_artist_count_whatever_the_spelling(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of(by="artist")) == [0.0, 0.0, 1.0, 1.0]


def test_an_interaction_that_is_added_later_counts_by_its_own_time(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(prefer="familiar")
    for days in (7, 21):
        heard = (NOW - timedelta(days=days)).isoformat()
        engine.get_or_create_profile("ann").add_interaction({"track_id": "t4", "type": "play", "timestamp": heard})
    assert values(engine) == [1.0, 0.5, 0.0, 0.5]


def test_it_abstains_for_who_has_heard_nothing(engine_of: Callable[..., Engine]) -> None:
    assert engine_of().explain("bob", "t1").abstained == ("recency",)


def test_the_reason_says_how_long_ago(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(half_life=6.0)
    assert_explains(engine.explain("ann", "t1"), "recency", reason="you heard this track within the last 6 days")
    assert_explains(engine.explain("ann", "t2"), "recency", reason="you heard this track more than 6 days ago")
    assert_explains(engine.explain("ann", "t4"), "recency", reason="you have not heard this track lately")


def test_a_half_life_that_is_none_is_an_error_that_says_where(qfzz: Callable[..., Engine]) -> None:
    with pytest.raises(ConfigError, match=r"\[factors\.recency\] half_life must be above 0"):
        qfzz(qfzz_scorer_recency, config={"factors": {"recency": {"half_life": 0.0}}})
