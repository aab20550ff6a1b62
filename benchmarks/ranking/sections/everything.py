"""The whole list: `limit=None` against copying the dictionaries that come back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.ranking import ours
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import listeners
from benchmarks.ranking.measure import timed
from benchmarks.ranking.settings import Section, Settings
from qfzz_core.model.plain import copied

TRACKS = 100_000
OURS = "recommend without a limit"


def measured(settings: Settings) -> Section:
    """Measure in memory, discovery 0, so that every track comes back."""
    catalogue = generated(min(TRACKS, settings.tracks))
    listener = next(one for one in listeners(catalogue, settings.listeners) if one.kind == "typical")
    with ours.filled("memory:", catalogue) as dj:
        ours.introduce(dj.engine, [listener])
        tracks = dj.recommend(listener.user_id)
        works: dict[str, Callable[[], object]] = {
            OURS: lambda: dj.recommend(listener.user_id),
            "the library's deep copies": lambda: [copied(track) for track in tracks],
            "copy.deepcopy": lambda: [copy.deepcopy(track) for track in tracks],
            "dict, a shallow copy": lambda: [dict(track) for track in tracks],
        }
        figures = _measured(works, settings.rounds)
    return Section(
        title="The whole list",
        pattern=f"{len(catalogue):,} tracks in memory, discovery 0, alternating, medians of {settings.rounds} rounds",
        head=("", "ms", "times of it that the call takes"),
        rows=[
            (name, f"{ms:,.1f}", "-" if name == OURS else f"{figures[OURS] / ms:,.2f}") for name, ms in figures.items()
        ],
        figures=figures,
    )


def _measured(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, Any]:
    seconds = [{name: timed(work) for name, work in works.items()} for _ in range(rounds)]
    return {name: round(float(np.median([one[name] for one in seconds])) * 1e3, 3) for name in works}
