"""What a factor costs in each of the four shapes: one request, with the factor beside the documented five.

The same preference (some moods) is a table, a function of columns and a function of a track; a distance is about the
length. Every contestant answers one listener, then every contestant the next, in an order that rotates, so that what
else the machine does falls on all. Ratios are those of medians against the table; processor time is beside them. What
was found for earlier requests is forgotten before each.

    python -m benchmarks.shapes [--tracks 100000] [--listeners 40] [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from benchmarks.ranking.generator import MOODS, generated
from benchmarks.ranking.listeners import Listener, listeners
from benchmarks.ranking.ours import forget
from qfzz_core import CategoryTable, ColumnFunction, Engine, NumericDistance, Request, TrackFunction, hookimpl
from qfzz_core.contracts.columns import Columns, Rows
from qfzz_core.contracts.factors import Prepared, Values
from qfzz_plugins.stores.memory import MemoryStore

LIKED = {mood: 1.0 - place / 10 for place, mood in enumerate(MOODS[:5])}
PLAIN = "table"
LIMIT = 50


@attrs.define
class Shaped:
    """A factor that answers in one shape, and counts the tracks that its function is called with."""

    shape: str
    name: str = "shaped"
    weight: float = 0.1
    evaluated: int = 0

    def prepare(self, request: Request) -> Prepared:
        if self.shape == PLAIN:
            return CategoryTable(column="mood", values=LIKED)
        if self.shape == "distance":
            return NumericDistance(column="duration", target=200, scale=300)
        if self.shape == "function of columns":
            return ColumnFunction(function=self._values)
        return TrackFunction(function=self._value)

    def _values(self, columns: Columns, rows: Rows) -> Values:
        self.evaluated += len(rows)
        column = columns["mood"]
        worth = np.zeros(len(column.vocabulary) + 1)  # the last is for tracks without a mood, whose code is -1
        for mood, value in LIKED.items():
            if (code := column.vocabulary.code(mood)) >= 0:
                worth[code] = value
        return np.asarray(worth[column.codes[rows]])

    def _value(self, track: Mapping[str, Any]) -> float:
        self.evaluated += 1
        return LIKED.get(track["mood"], 0.0)

    @hookimpl
    def qfzz_factors(self) -> list[Shaped]:
        return [self]


SHAPES = (PLAIN, "distance", "function of columns", "function of a track")


@attrs.define
class Contestant:
    """An engine, its factor if it has one more, and the seconds that its requests took."""

    engine: Engine
    factor: Shaped | None
    wall: list[float] = attrs.field(factory=list)
    cpu: list[float] = attrs.field(factory=list)

    def answers(self, listener: Listener) -> None:
        forget(self.engine)
        wall, cpu = time.perf_counter(), time.process_time()
        self.engine.recommend_tracks(listener.user_id, listener.preferences, limit=LIMIT)
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)

    def forgets(self) -> None:
        """Forget what was measured, after every listener was served once to warm up."""
        self.wall, self.cpu = [], []
        if self.factor:
            self.factor.evaluated = 0


def measured(tracks: int, people: int, rounds: int) -> dict[str, dict[str, float]]:
    catalogue = generated(tracks)
    store = MemoryStore()
    store.write_tracks(list(catalogue.tracks()))
    contestants = {name: contestant(store, name) for name in ("none", *SHAPES)}
    crowd = listeners(catalogue, people)
    serve(contestants, crowd)
    for each in contestants.values():
        each.forgets()
    for _ in range(rounds):
        serve(contestants, crowd)
    plain = contestants[PLAIN]
    return {name: figures(each, plain) for name, each in contestants.items()}


def contestant(store: MemoryStore, name: str) -> Contestant:
    factor = Shaped(name) if name in SHAPES else None
    return Contestant(Engine(store=store, plugins=[factor] if factor else [], installed=(), seed=1), factor)


def serve(contestants: Mapping[str, Contestant], crowd: Sequence[Listener]) -> None:
    """Let every contestant answer every listener, each listener in another order."""
    everyone = list(contestants.values())
    for number, listener in enumerate(crowd):
        first = number % len(everyone)
        for each in everyone[first:] + everyone[:first]:
            each.answers(listener)


def figures(one: Contestant, plain: Contestant) -> dict[str, float]:
    median, cpu = statistics.median(one.wall), statistics.median(one.cpu)
    return {
        "ms": round(median * 1e3, 3),
        "cpu_ms": round(cpu * 1e3, 3),
        "times": round(median / statistics.median(plain.wall), 2),
        "cpu_times": round(cpu / statistics.median(plain.cpu), 2),
        "evaluated": round(one.factor.evaluated / len(one.wall)) if one.factor else 0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100_000, help="how large the catalogue is (default: 100000)")
    parser.add_argument("--listeners", type=int, default=40, help="how many listeners there are (default: 40)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each of them is served (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    results = measured(options.tracks, options.listeners, options.rounds)
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print(f"{options.tracks:,} tracks, the best {LIMIT}")
    print(f"{'one more factor':<22}{'ms':>9}{'cpu ms':>9}{'times':>8}{'cpu':>8}{'evaluated':>14}")
    for name, each in results.items():
        line = f"{name:<22}{each['ms']:>9.3f}{each['cpu_ms']:>9.3f}{each['times']:>8.2f}{each['cpu_times']:>8.2f}"
        print(f"{line}{each['evaluated']:>14,}")


if __name__ == "__main__":
    main()
