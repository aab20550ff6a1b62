"""Durable feedback against a loop that executes the same statements, and in batches."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from benchmarks.ranking.measure import timed
from benchmarks.ranking.settings import Section
from benchmarks.storage.content import RATED, feedback, record_at_once, record_singly, track
from benchmarks.storage.databases import Databases, RoundTrip, opened, writes_of
from benchmarks.storage.settings import Settings

FEEDBACKS = 500
CHUNK = 50  # feedbacks of one contestant after another
CHUNKS = [range(first, first + CHUNK) for first in range(0, FEEDBACKS, CHUNK)]

Seconds = dict[str, float]  # of one round, by contestant


def measured(databases: Databases, settings: Settings) -> Section:
    """Measure rounds in which every contestant works on a copy of one database."""
    with prepared(databases) as base:
        trips = _recorded(databases, base)
        _round(databases, base, trips)  # once, so that everything is imported and in the caches
        rounds = [_round(databases, base, trips) for _ in range(settings.rounds)]
    figures = _figures(rounds, [trip for chunk in trips for trip in chunk])
    figures["sync_seconds"] = sync = databases.sync_seconds()
    disk = "" if sync is None else f", on a disk whose sync takes {sync * 1e6:,.0f} microseconds"
    return Section(
        title="Feedback",
        pattern=f"{databases.version}: {FEEDBACKS} feedbacks of {_sent(figures)}{disk}, "
        f"{CHUNK} of each contestant in turn, medians of {settings.rounds} rounds; ratios are QFZZ's rate to the bare "
        "one's, and that of a batch to that of single feedbacks",
        head=("", "per second", "ratio", "in the worst round", "at least"),
        rows=_rows(figures, databases.promised),
        figures=figures,
    )


@contextmanager
def prepared(databases: Databases) -> Iterator[str]:
    """Give a database with a thousand tracks and twenty users."""
    with databases.new() as base:
        with opened(base) as dj:
            dj.add_content([track(number) for number in range(RATED)])
            dj.record_many(feedback(-number) for number in range(1, 201))
        yield base


def _recorded(databases: Databases, base: str) -> list[list[RoundTrip]]:
    """Return what the library sends to the database for each chunk of feedbacks."""
    with databases.new(base) as url, databases.recording() as trips, opened(url) as dj:
        chunks = []
        for numbers in CHUNKS:
            trips.clear()
            record_singly(dj, numbers)
            chunks.append(list(trips))
        return chunks


def _round(databases: Databases, base: str, chunks: list[list[RoundTrip]]) -> Seconds:
    """Return the seconds of each contestant: a chunk of each in turn, then all feedbacks as one batch."""
    bare = databases.bare
    with (
        databases.new(base) as ours,
        databases.new(base) as same,
        databases.new(base) as written,
        opened(ours) as dj,
        closing(bare(same)) as everything,
        closing(bare(written)) as writes,
    ):
        times = [
            {
                "single": timed(partial(record_singly, dj, numbers)),
                "bare": timed(partial(everything.make, trips)),
                "bare_writes": timed(partial(writes.make, writes_of(trips))),
            }
            for numbers, trips in zip(CHUNKS, chunks, strict=True)
        ]
    sums = {name: sum(one[name] for one in times) for name in times[0]}
    return {**sums, "batch": _batch(databases, base)}


def _batch(databases: Databases, base: str) -> float:
    with databases.new(base) as url, opened(url) as dj:
        return timed(lambda: record_at_once(dj, range(FEEDBACKS)))


def _figures(rounds: list[Seconds], trips: list[RoundTrip]) -> dict[str, Any]:
    medians = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    rates = {name: FEEDBACKS / median for name, median in medians.items()}

    def least(quick: str, slow: str) -> float:
        return round(min(one[slow] / one[quick] for one in rounds), 3)

    return {
        "per_second": round(rates["single"], 1),
        "round_trips": len(trips) / FEEDBACKS,
        "statements": sum(map(len, trips)) / FEEDBACKS,
        "bare_per_second": round(rates["bare"], 1),
        "ratio": round(rates["single"] / rates["bare"], 3),
        "least_ratio": least("single", "bare"),
        "bare_writes_per_second": round(rates["bare_writes"], 1),
        "ratio_to_writes": round(rates["single"] / rates["bare_writes"], 3),
        "least_ratio_to_writes": least("single", "bare_writes"),
        "batched_per_second": round(rates["batch"], 1),
        "batched_to_single": round(rates["batch"] / rates["single"], 2),
        "least_batched_to_single": least("batch", "single"),
    }


def _sent(figures: Mapping[str, Any]) -> str:
    statements, trips = (f"{figures[key]:.1f} {key.replace('_', ' ')}" for key in ("statements", "round_trips"))
    return statements if figures["statements"] == figures["round_trips"] else f"{statements} in {trips}"


def _rows(figures: Mapping[str, Any], promised: Mapping[str, float]) -> list[tuple[str, ...]]:
    def row(name: str, rate: str, ratio: str) -> tuple[str, ...]:
        ratios = (figures[ratio], figures[f"least_{ratio}"])
        least = f"{promised[ratio]:g}" if ratio in promised else "-"
        return (name, f"{figures[rate]:,.0f}", *(f"{one:.2f}" for one in ratios), least)

    return [
        ("QFZZ, one after the other", f"{figures['per_second']:,.0f}", "-", "-", "-"),
        row("the same statements, bare", "bare_per_second", "ratio"),
        row("only those that write, bare", "bare_writes_per_second", "ratio_to_writes"),
        row(f"QFZZ, a batch of {FEEDBACKS}", "batched_per_second", "batched_to_single"),
    ]
