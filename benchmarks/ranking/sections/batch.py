"""Many users at once: QFZZ against the batches of implicit ALS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.ranking import ours
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import listeners
from benchmarks.ranking.measure import timed
from benchmarks.ranking.settings import Section, Settings, times

FACTORS = 64
OURS, ALS = "QFZZ", "implicit ALS recommend"
DIFFERS = f"the product of {FACTORS} learned numbers in float32 in place of the formula; row numbers, no dictionaries"


def measured(settings: Settings) -> Section:
    """Measure whole batches, one of each in turn."""
    catalogue = generated(settings.tracks)
    people = listeners(catalogue, settings.listeners)
    user_ids = [one.user_id for one in people]
    with ours.filled("memory:", catalogue) as dj:
        ours.introduce(dj.engine, people)
        batches: dict[str, Callable[[], object]] = {OURS: lambda: ours.many(dj.engine, user_ids, settings.limit)}
        als = _als(len(people), len(catalogue), settings.limit)
        if als is not None:
            batches[ALS] = als
        figures = _measured(batches, len(people), settings.rounds)
    return Section(
        title="Many users",
        pattern=f"batches of {len(people)} users, limit {settings.limit} of {settings.tracks:,} tracks in memory, "
        f"one thread, alternating, medians of {settings.rounds} rounds",
        head=("", "users per second", "times", "what differs"),
        rows=_rows(figures),
        figures=figures,
    )


def _als(users: int, tracks: int, count: int) -> Callable[[], object] | None:
    """Return what answers all users with a model of random factors, None if implicit is not installed."""
    try:
        from implicit.cpu.als import AlternatingLeastSquares
    except ImportError:
        return None
    random = np.random.default_rng(1)
    model = AlternatingLeastSquares(factors=FACTORS, num_threads=1)
    model.user_factors = random.normal(size=(users, FACTORS)).astype(np.float32)
    model.item_factors = random.normal(size=(tracks, FACTORS)).astype(np.float32)
    user_ids = np.arange(users)
    return lambda: model.recommend(user_ids, None, N=count, filter_already_liked_items=False)


def _measured(batches: dict[str, Callable[[], object]], users: int, rounds: int) -> dict[str, Any]:
    for batch in batches.values():
        batch()
    seconds = [{name: timed(batch) for name, batch in batches.items()} for _ in range(rounds)]
    return {name: round(users / float(np.median([one[name] for one in seconds])), 1) for name in batches}


def _rows(figures: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [(OURS, f"{figures[OURS]:,.0f}", "-", "")]
    if ALS in figures:
        return [*rows, (ALS, f"{figures[ALS]:,.1f}", times(figures[OURS] / figures[ALS]), DIFFERS)]
    return [*rows, (ALS, "-", "-", "not installed")]
