"""Many users: QFZZ against implicit ALS, called once for all of them and once for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.ranking import measure, ours
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import listeners
from benchmarks.ranking.settings import Section, Settings, times

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
            ours.NAME: lambda: ours.many(dj.engine, user_ids, settings.limit),
            ours.COLD: lambda: ours.many(dj.engine, user_ids, settings.limit),
            **_als(len(people), len(catalogue), settings.limit),
        }

        def feedback() -> None:
            for user_id in user_ids[measure.FEEDBACK_EVERY - 1 :: measure.FEEDBACK_EVERY]:
                ours.like_best(dj.engine, catalogue, user_id)

        figures = _measured(batches, len(people), settings.rounds, feedback, ours.Caches(dj.engine))
    return Section(
        title="Many users",
        pattern=f"{len(people)} users, limit {settings.limit} of {settings.tracks:,} tracks in memory, "
        f"one thread, alternating, medians of {settings.rounds} rounds, every fourth user gave feedback in between",
        head=("", "users per second", "times", "of cold", "what differs"),
        rows=_rows(figures),
        figures=figures,
    )


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


def _measured(
    batches: dict[str, Callable[[], object]],
    users: int,
    rounds: int,
    feedback: Callable[[], None],
    before: measure.Before,
) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {name: [] for name in batches}
    for number in range(rounds + 1):
        feedback()
        for name, batch in batches.items():
            before(name)
            taken = measure.timed(batch)
            if number:  # the first round warms up
                seconds[name].append(taken)
    return {name: round(users / float(np.median(taken)), 1) for name, taken in seconds.items()}


def _rows(figures: dict[str, Any]) -> list[tuple[str, ...]]:
    return [_row(name, figures) for name in (ours.NAME, ours.COLD, AT_ONCE, SINGLY)]


def _row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    if name not in figures:
        return (name, "-", "-", "-", "not installed")
    ratios = (times(figures[one] / figures[name]) for one in (ours.NAME, ours.COLD))
    return (name, f"{figures[name]:,.1f}", *ratios, "" if name in (ours.NAME, ours.COLD) else DIFFERS)
