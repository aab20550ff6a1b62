"""Filters that look at a listener's history, against the same request without one."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.ranking.measure import timed
from benchmarks.ranking.settings import Section
from benchmarks.storage.content import track
from benchmarks.storage.databases import Databases, opened
from benchmarks.storage.settings import Settings
from qfzz import PersonalizedDJ
from qfzz_core.contracts.stores import UserRecord
from qfzz_core.model.events import Event, Interaction
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.timestamps import timestamp

CATALOGUES = (5_000, 28_000)  # tracks
LIMIT = 20
CALLS = 20  # of each condition in a round
DAYS = 3 * 365  # over which the events are spread
TYPES = ("play", "play", "play", "like", "skip", "favorite", "dislike")
LISTENER = "listener"
WITHOUT = "without"
CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    WITHOUT: {},
    "disliked=False": {"disliked": False},
    "heard_within_days=30": {"heard_within_days": 30},
    f"heard_within_days={2 * DAYS}": {"heard_within_days": 2 * DAYS},  # which leaves out all that was ever heard
    "heard_within_plays=200": {"heard_within_plays": 200},
}


def measured(databases: Databases, settings: Settings) -> Section:
    """Measure each catalogue in a database of its own, with as many events as there are to be tracks."""
    figures = {f"{size}": _figures(databases, settings, min(size, settings.tracks)) for size in CATALOGUES}
    return Section(
        title="History filters",
        pattern=f"{databases.version}: limit {LIMIT}, a listener with {settings.tracks:,} events of {DAYS} days, "
        f"medians of {settings.rounds} rounds of {CALLS} calls of each in turn; ms, and ms more than without a filter",
        head=("tracks", "where", "ms", "more", "after a feedback", "more", "first of a process"),
        rows=[row for size in CATALOGUES for row in _rows(size, figures[f"{size}"])],
        figures=figures,
    )


def _figures(databases: Databases, settings: Settings, size: int) -> dict[str, Any]:
    with databases.new() as url:
        with opened(url) as dj:
            dj.add_content([track(number) for number in range(size)])
            dj.engine.store.load([_listener(settings.tracks, size)])
        first = {name: _first(url, name) for name in CONDITIONS}
        with opened(url) as dj:
            warm = [_round(dj, size, feedback=False) for _ in range(settings.rounds)]
            after = [_round(dj, size, feedback=True) for _ in range(settings.rounds)]
    return {
        name: {
            "ms": _milliseconds([one[name] for one in warm]),
            "after_feedback_ms": _milliseconds([one[name] for one in after]),
            "first_ms": round(1e3 * first[name], 3),
        }
        for name in CONDITIONS
    }


def _listener(count: int, size: int) -> UserRecord:
    """Return somebody with as many events, on tracks that are drawn evenly."""
    now = datetime.now(UTC)
    profile = ProfileSnapshot(
        user_id=LISTENER, created_at=timestamp(now), updated_at=timestamp(now), genres={"jazz": 0.5, "rock": 0.25}
    )
    return UserRecord(profile, _events(now, count, size), [])


def _events(now: datetime, count: int, size: int) -> Iterator[Event]:
    draw = random.Random(1)
    yield Event("created", timestamp(now - timedelta(days=DAYS)))
    for number in range(count):
        moment = timestamp(now - timedelta(days=DAYS * (1 - number / count)))
        track_id = track(draw.randrange(size))["track_id"]
        yield Event("feedback", moment, Interaction(track_id, draw.choice(TYPES), None, moment))


def _first(url: str, name: str) -> float:
    """Return the seconds of the first request with a condition, after one without."""
    with opened(url) as dj:
        _recommend(dj, WITHOUT)
        return timed(lambda: _recommend(dj, name))


def _recommend(dj: PersonalizedDJ, name: str) -> None:
    dj.recommend(LISTENER, limit=LIMIT, where=CONDITIONS[name])


def _round(dj: PersonalizedDJ, size: int, *, feedback: bool) -> dict[str, float]:
    """Return the median seconds of each condition, with a feedback before every call or without."""
    seconds: dict[str, list[float]] = {name: [] for name in CONDITIONS}
    for number in range(CALLS):
        for name, taken in seconds.items():
            if feedback:
                dj.record_feedback(LISTENER, track(number * 37 % size)["track_id"], "play")
            taken.append(timed(lambda name=name: _recommend(dj, name)))  # type: ignore[misc]
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def _milliseconds(seconds: list[float]) -> float:
    return round(1e3 * statistics.median(seconds), 3)


def _rows(size: int, figures: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    def more(name: str, key: str) -> str:
        return f"{figures[name][key] - figures[WITHOUT][key]:+.2f}"

    return [
        (
            f"{size:,}",
            name,
            f"{found['ms']:.2f}",
            more(name, "ms"),
            f"{found['after_feedback_ms']:.2f}",
            more(name, "after_feedback_ms"),
            f"{found['first_ms']:.1f}",
        )
        for name, found in figures.items()
    ]
