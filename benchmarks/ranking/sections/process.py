"""A process that answers from SQLite: its memory, its first answer, and four threads while another process writes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from benchmarks.processes import result, started
from benchmarks.ranking import workers
from benchmarks.ranking.settings import Section, Settings

SECONDS = 20  # that four threads answer


def measured(settings: Settings) -> Section:
    """Fill a store, then measure process after process."""
    sizes = {
        f"{size:,}": _figures(settings.directory / f"process-{size}.db", size, settings) for size in settings.stored
    }
    return Section(
        title="One process, from SQLite",
        pattern=f"limit {workers.LIMIT}, discovery 0.3, each line in a process of its own with its result cache; "
        f"threads answer for {_seconds(settings)} s",
        head=("tracks", "", "figure"),
        rows=[(size, *row) for size, figures in sizes.items() for row in _rows(figures)],
        figures=sizes,
    )


def _figures(path: Path, tracks: int, settings: Settings) -> dict[str, Any]:
    users = settings.listeners
    run = {"filled": result(_started("fill", path, tracks, users))}
    for name in ("first_start", "next_start"):
        run[name] = result(_started("answer", path, users))
    seconds = _seconds(settings)
    run["quiet"] = result(_started("threads", path, users, seconds))
    writer = _started("write", path, users, min(tracks, 100_000), seconds)
    run["disturbed"] = result(_started("threads", path, users, seconds))
    run["writer"] = result(writer)
    return run


def _started(worker: str, *arguments: object) -> subprocess.Popen[str]:
    return started(workers.__name__, worker, *arguments)


def _seconds(settings: Settings) -> int:
    return min(SECONDS, max(1, settings.rounds))


def _rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    first, following = figures["first_start"], figures["next_start"]
    writer = figures["writer"]
    written = f"{writer['feedbacks']:,} feedbacks and {writer['imports']:,} imports of {workers.BATCH} tracks"
    rows = [
        ("the store's file", f"{figures['filled']['file_mb']:,.0f} MB"),
        ("resident memory after 200 answers", f"{following['resident_mb'] or 0:,.0f} MB"),
        ("maximum of the first start", f"{first['most_mb'] or 0:,.0f} MB"),
        ("opening to the first answer, first start", f"{first['first_answer_seconds']:,.3f} s"),
        ("opening to the first answer, next start", f"{following['first_answer_seconds']:,.3f} s"),
    ]
    for name, label in (
        ("quiet", "four threads"),
        ("disturbed", f"four threads while another process writes ({written})"),
    ):
        one = figures[name]
        rows.append((f"{label}: median", f"{one['median_ms']:,.2f} ms"))
        rows.append((f"{label}: p99", f"{one['p99_ms']:,.2f} ms"))
    return rows
