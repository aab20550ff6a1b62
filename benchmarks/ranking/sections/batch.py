"""Many users: QFZZ against implicit ALS, asked for all of them at once and for one after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.ranking import ours
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import listeners
from benchmarks.ranking.measure import timed
from benchmarks.ranking.settings import Section, Settings, times
from qfzz import PersonalizedDJ

FACTORS = 64
AT_ONCE, SINGLY = "implicit ALS recommend, all users in one call", "implicit ALS recommend, one user a call"
DIFFERS = f"the product of {FACTORS} learned numbers in float32 in place of the formula; row numbers, no dictionaries"


def measured(settings: Settings) -> Section:
    """Measure whole batches, one of each in turn."""
    catalogue = generated(settings.tracks)
    people = listeners(catalogue, settings.listeners)
    user_ids = [one.user_id for one in people]
    with ours.filled("memory:", catalogue) as dj:
        ours.introduce(dj.engine, people)
        batches: dict[str, Callable[[], object]] = {
            ours.NAME: lambda: _anew(dj, user_ids, settings.limit),
            **_als(len(people), len(catalogue), settings.limit),
        }
        figures = _measured(batches, len(people), settings.rounds)
    return Section(
        title="Many users",
        pattern=f"{len(people)} users, limit {settings.limit} of {settings.tracks:,} tracks in memory, "
        f"one thread, alternating, medians of {settings.rounds} rounds, nothing recalled",
        head=("", "users per second", "times", "what differs"),
        rows=_rows(figures),
        figures=figures,
    )


def _anew(dj: PersonalizedDJ, user_ids: list[str], limit: int) -> None:
    ours.forget(dj.engine)
    ours.many(dj.engine, user_ids, limit)


def _als(users: int, tracks: int, count: int) -> dict[str, Callable[[], object]]:
    """Return what answers all users with a model of random factors, nothing if implicit is not installed."""
    try:
        from implicit.cpu.als import AlternatingLeastSquares
    except ImportError:
        return {}
    random = np.random.default_rng(1)
    model = AlternatingLeastSquares(factors=FACTORS, num_threads=1)
    model.user_factors = random.normal(size=(users, FACTORS)).astype(np.float32)
    model.item_factors = random.normal(size=(tracks, FACTORS)).astype(np.float32)
    recommend = partial(model.recommend, user_items=None, N=count, filter_already_liked_items=False)
    return {
        AT_ONCE: lambda: recommend(np.arange(users)),
        SINGLY: lambda: [recommend(user) for user in range(users)],
    }


def _measured(batches: dict[str, Callable[[], object]], users: int, rounds: int) -> dict[str, Any]:
    for batch in batches.values():
        batch()
    seconds = [{name: timed(batch) for name, batch in batches.items()} for _ in range(rounds)]
    return {name: round(users / float(np.median([one[name] for one in seconds])), 1) for name in batches}


def _rows(figures: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(ours.NAME, f"{figures[ours.NAME]:,.0f}", "-", ""), *(_row(name, figures) for name in (AT_ONCE, SINGLY))]


def _row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    if name not in figures:
        return (name, "-", "-", "not installed")
    return (name, f"{figures[name]:,.1f}", times(figures[ours.NAME] / figures[name]), DIFFERS)
