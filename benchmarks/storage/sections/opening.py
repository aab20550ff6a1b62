"""From opening a large catalogue to the first answer, without a cache and with one, against reading the rows alone."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.processes import result, started
from benchmarks.ranking.settings import Section
from benchmarks.storage import workers
from benchmarks.storage.content import track
from benchmarks.storage.databases import Databases, opened
from benchmarks.storage.settings import Settings

ROUNDS = 3  # at most
COLD, WARM, ROWS = "no_cache", "warm_cache", "rows_alone"


def measured(databases: Databases, settings: Settings) -> Section:
    """Measure each in turn, in a process of its own."""
    rounds = min(ROUNDS, settings.rounds)
    figures = _figures(databases, settings, rounds)
    return Section(
        title="Opening",
        pattern=f"{databases.version}: {settings.tracks:,} tracks, every line in processes of its own, alternating, "
        f"medians of {rounds} rounds; times are those of reading the rows alone",
        head=("", "without a cache", "times", "from a warm cache", "times"),
        rows=_rows(figures),
        figures=figures,
    )


def _figures(databases: Databases, settings: Settings, rounds: int) -> dict[str, Any]:
    cache = settings.directory / "cache"
    with databases.new() as url:
        with opened(url) as dj:
            dj.engine.write_tracks(track(number) for number in range(settings.tracks))
        _run("answer", url, cache)  # which fills the cache
        works = {COLD: ("answer", url, None), WARM: ("answer", url, cache), ROWS: ("read", databases.name, url)}
        found = [{name: _run(*work) for name, work in works.items()} for _ in range(rounds)]
        return {
            "tracks": settings.tracks,
            "database_mb": _megabytes(databases.size(url)),
            "cache_mb": _megabytes(sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())),
            **{name: _medians([one[name] for one in found]) for name in works},
        }


def _run(worker: str, *arguments: object) -> dict[str, Any]:
    return result(started(workers.__name__, worker, *arguments))


def _megabytes(count: int) -> float:
    return round(count / 1e6, 1)


def _medians(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure, None for those that the system does not say."""
    return {
        name: None if None in (values := [one[name] for one in found]) else statistics.median(values)
        for name in found[0]
    }


def _rows(figures: Mapping[str, Any]) -> list[tuple[str, ...]]:
    alone = figures[ROWS]["read_seconds"]

    def row(name: str, key: str) -> tuple[str, ...]:
        seconds = [figures[one][key] for one in (COLD, WARM)]
        return (name, *(cell for one in seconds for cell in (f"{one:,.4f} s", f"{one / alone:,.2f}")))

    def memory(name: str, key: str) -> tuple[str, ...]:
        cold, warm = (f"{figures[one][key] or 0:,.0f} MB" for one in (COLD, WARM))
        return (name, cold, "-", warm, "-")

    return [
        row("opening", "open_seconds"),
        row("opening to the first answer", "first_answer_seconds"),
        row("the next answer", "next_answer_seconds"),
        ("reading the rows alone", f"{alone:,.4f} s", "1.00", "-", "-"),
        memory("resident memory then", "resident_mb"),
        memory("resident memory at most", "most_mb"),
        ("on the disk", f"{figures['database_mb']:,.0f} MB", "-", f"{figures['cache_mb']:,.0f} MB more", "-"),
    ]
