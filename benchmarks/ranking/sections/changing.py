"""A catalogue that changes: what adding costs against building again, and the call after it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.ranking import ours
from benchmarks.ranking.catalogue import Catalogue
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import Listener, listeners
from benchmarks.ranking.measure import timed
from benchmarks.ranking.settings import Section, Settings, times
from qfzz import PersonalizedDJ

ADDED = 1_000
REBUILDS = 3
CALLS = 20  # usual calls before each change


def measured(settings: Settings) -> Section:
    """Measure in memory, one change after the other."""
    spare = (ADDED + 2) * settings.rounds
    catalogue = generated(settings.tracks + spare)
    people = [one for one in listeners(catalogue, settings.listeners) if one.kind == "typical"]
    with PersonalizedDJ(seed=1) as dj:
        dj.engine.write_tracks(catalogue.tracks(0, settings.tracks))
        ours.introduce(dj.engine, people)
        figures = _measured(dj, catalogue, people, settings)
    return Section(
        title="A changing catalogue",
        pattern=f"limit {settings.limit} of {settings.tracks:,} tracks in memory, medians of {settings.rounds} rounds",
        head=("", "ms", "times"),
        rows=_rows(figures),
        figures=figures,
    )


def _measured(dj: PersonalizedDJ, catalogue: Catalogue, people: list[Listener], settings: Settings) -> dict[str, Any]:
    usual, after_one, cached, cached_after_one, adding, after_many = [], [], [], [], [], []
    place = settings.tracks
    for number in range(settings.rounds):
        listener = people[number % len(people)]
        usual.append(float(np.median([_cold(dj, listener, settings) for _ in range(CALLS)])))
        cached.append(float(np.median([_call(dj, listener, settings) for _ in range(CALLS)])))
        dj.add_content(list(catalogue.tracks(place, place + 1)))
        cached_after_one.append(_call(dj, listener, settings))
        dj.add_content(list(catalogue.tracks(place + 1, place + 2)))
        after_one.append(_cold(dj, listener, settings))
        tracks = list(catalogue.tracks(place + 2, place + 2 + ADDED))
        adding.append(timed(partial(dj.add_content, tracks)))
        after_many.append(_cold(dj, listener, settings))
        place += 2 + ADDED
    indexing = [timed(lambda: ours.index_again(dj.engine)) for _ in range(REBUILDS)]
    rebuilding = [timed(lambda: ours.rebuild(dj.engine)) for _ in range(REBUILDS)]
    measured = {
        "usual": usual,
        "after_one": after_one,
        "cached": cached,
        "cached_after_one": cached_after_one,
        "adding": adding,
        "after_many": after_many,
        "indexing": indexing,
        "rebuilding": rebuilding,
    }
    return {name: round(float(np.median(seconds)) * 1e3, 3) for name, seconds in measured.items()}


def _cold(dj: PersonalizedDJ, listener: Listener, settings: Settings) -> float:
    ours.forget(dj.engine)
    return _call(dj, listener, settings)


def _call(dj: PersonalizedDJ, listener: Listener, settings: Settings) -> float:
    return timed(lambda: dj.recommend(listener.user_id, limit=settings.limit))


def _rows(figures: dict[str, Any]) -> list[tuple[str, ...]]:
    added = figures["adding"] + figures["after_many"]
    return [
        ("the usual call, nothing cached", f"{figures['usual']:,.3f}", "-"),
        ("the call after one track was added", *_against(figures, "after_one", "usual")),
        ("the usual call, cached", f"{figures['cached']:,.3f}", "-"),
        ("the call after one track was added", *_against(figures, "cached_after_one", "cached")),
        (f"adding {ADDED:,} tracks and the call after it", f"{added:,.3f}", "-"),
        ("building the index alone", f"{figures['indexing']:,.3f}", times(figures["indexing"] / added)),
        ("building again from the store", f"{figures['rebuilding']:,.3f}", times(figures["rebuilding"] / added)),
    ]


def _against(figures: dict[str, Any], one: str, other: str) -> tuple[str, str]:
    return f"{figures[one]:,.3f}", times(figures[one] / figures[other])
