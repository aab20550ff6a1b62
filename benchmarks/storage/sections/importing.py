"""An import against ready tuples that are written into the same tables and indexes in the quickest way."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from benchmarks.ranking.measure import timed
from benchmarks.ranking.settings import Section
from benchmarks.storage.content import track
from benchmarks.storage.databases import Databases, Row, opened
from benchmarks.storage.settings import Settings

ROUNDS = 3  # at most
CHECKED, UNCHECKED, READY = "add_content", "write_tracks", "ready_tuples"


def measured(databases: Databases, settings: Settings) -> Section:
    """Measure each in turn, into a new database every time."""
    rounds = min(ROUNDS, settings.rounds)
    figures = _figures(databases, settings.tracks, rounds)
    return Section(
        title="Import",
        pattern=f"{databases.version}: {settings.tracks:,} tracks, alternating, medians of {rounds} rounds; ratios are "
        f"the time of {databases.loading} to QFZZ's",
        head=("", "seconds", "ratio", "at least"),
        rows=_rows(figures, databases),
        figures=figures,
    )


def _figures(databases: Databases, count: int, rounds: int) -> dict[str, Any]:
    tracks = [track(number) for number in range(count)]
    rows = databases.rows(tracks)
    works: dict[str, Callable[[str], float]] = {
        CHECKED: lambda url: _imported(url, tracks, checked=True),
        UNCHECKED: lambda url: _imported(url, tracks, checked=False),
        READY: lambda url: _loaded(databases, url, rows),
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            with databases.new() as url:
                seconds[name].append(work(url))
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "tracks": count,
        **{f"{name}_seconds": round(median, 3) for name, median in medians.items()},
        "ratio": round(medians[READY] / medians[CHECKED], 3),
        "unchecked_ratio": round(medians[READY] / medians[UNCHECKED], 3),
    }


def _imported(url: str, tracks: list[dict[str, Any]], *, checked: bool) -> float:
    with opened(url) as dj:
        return timed(lambda: dj.add_content(tracks) if checked else dj.engine.write_tracks(iter(tracks)))


def _loaded(databases: Databases, url: str, rows: list[Row]) -> float:
    opened(url).close()  # the same tables and indexes
    with closing(databases.bare(url)) as connection:
        return timed(lambda: connection.load(rows))


def _rows(figures: Mapping[str, Any], databases: Databases) -> list[tuple[str, ...]]:
    def row(name: str, key: str, ratio: str, least: str) -> tuple[str, ...]:
        return (name, f"{figures[f'{key}_seconds']:,.2f}", ratio, least)

    promised = f"{databases.promised['import']:g}"
    return [
        row("QFZZ, add_content", CHECKED, f"{figures['ratio']:.2f}", promised),
        row("QFZZ, without checks", UNCHECKED, f"{figures['unchecked_ratio']:.2f}", "-"),
        row(f"ready tuples by {databases.loading}", READY, "-", "-"),
    ]
