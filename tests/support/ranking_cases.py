"""Catalogues, formulas and filters for comparing ways to rank: random ones, and one of valid tracks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import attrs
import pytest

from qfzz_core import (
    CategoryFilter,
    CategoryTable,
    Column,
    ColumnFunction,
    Engine,
    IdFilter,
    NumericDistance,
    Predicate,
    RangeFilter,
    TrackFunction,
)
from qfzz_core.catalogue.library import CatalogueBuilder
from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.plugins.record import Origin
from qfzz_core.ranking import planner
from qfzz_core.ranking.eligibility import Distinct, MaxPerArtist
from qfzz_core.ranking.filters import ActiveFilter
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.index import build, entries, evaluate, postings, scanner, search
from qfzz_core.ranking.shapes import compiled
from qfzz_plugins.stores.memory import MemoryStore

COLUMNS = [
    Column(name="artist", kind="category", further="artists"),
    Column(name="title", kind="category"),
    Column(name="genre", kind="category", further="genres"),
    Column(name="tempo", kind="category"),
    Column(name="energy", kind="number"),
    Column(name="year", kind="number"),
    Column(name="tags", kind="tags"),
]

GENRES = ["rock", "pop", "jazz", "folk", "soul"]
TEMPOS = ["slow", "medium", "fast"]
TAGS = ["live", "loud", "demo"]
UNKNOWN = [0.0, 0.1, 0.5, 1.0]  # shares of values


def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a catalogue of a few hundred tracks come by every way that one of millions takes."""
    for module in (search, scanner, postings):
        monkeypatch.setattr(module, "FEW_ENTRIES", 8)
    monkeypatch.setattr(scanner, "LONG_RANGE", 2)
    monkeypatch.setattr(search, "AHEAD", 2)
    monkeypatch.setattr(search, "MIN_EVALUATED", 8)
    monkeypatch.setattr(evaluate, "BLOCK", 12)
    monkeypatch.setattr(evaluate, "TRACKS", 12)
    monkeypatch.setattr(evaluate, "MIN_SCORED", 4)
    monkeypatch.setattr(search, "FIRST_CELLS", 3)
    for module in (postings, build):
        monkeypatch.setattr(module, "MANY_ENTRIES", 5)
    monkeypatch.setattr(entries, "FEW_RANGES", 3)
    monkeypatch.setattr(postings, "POSTING_BLOCK", 12)
    monkeypatch.setattr(postings, "FIRST_RANGES", 3)
    monkeypatch.setattr(planner, "MIN_CANDIDATE_BUDGET", 40)


@attrs.frozen
class Case:
    """A catalogue made in steps, and how requests of it score and filter; `unknown` is the share of unknown values."""

    random: Random
    levels: int
    unknown: float = 0.0

    def known(self, value: Any) -> Any:
        return None if self.unknown and self.random.random() < self.unknown else value

    def numbers(self) -> float | None:
        kind = self.random.randrange(10)
        if kind == 0:
            return None
        return self.random.randrange(self.levels) / self.levels if kind < 8 else self.random.random()

    def artist(self) -> str:
        return f"artist {int(self.random.paretovariate(0.6)) % 40}"

    def track(self, number: int) -> dict[str, Any]:
        random = self.random
        return {
            "track_id": f"t{number}",
            "artist": self.known(self.artist()),
            "artists": [self.artist() for _ in range(random.choice([0, 0, 0, 1, 3]))],
            "genres": random.sample(GENRES, random.choice([0, 0, 1, 2])) or None,
            "title": self.known(f"title {random.randrange(3)}"),
            "genre": self.known(random.choice([*GENRES, None])),
            "tempo": self.known(random.choice(TEMPOS)),
            "energy": self.known(self.numbers()),
            "year": random.choice([1990, 2000, 2010, None]),
            "tags": random.sample(TAGS, random.randrange(3)),
        }

    def table(self, column: str, names: Sequence[str], default: float = 0.0) -> CategoryTable:
        chosen = self.random.sample(names, self.random.randrange(len(names) + 1))
        values = {name: self.random.randrange(9) / 8 for name in chosen}
        missing = self.random.choice([None, None, 0.0, 0.5, 1.0])
        return CategoryTable(column=column, values=values, default=default, missing=missing)

    def prepared(self) -> list[Any]:
        random = self.random
        artists = [f"artist {number}" for number in range(45)]
        shapes = [
            self.table("genre", GENRES),
            self.table("artist", artists),
            NumericDistance(
                column="energy",
                target=random.choice([0.5, random.random(), 7.0]),
                scale=random.choice([1.0, 0.25, 1e-3]),
                missing=random.choice([0.0, 0.5, 1.0]),
            ),
            self.table("tempo", TEMPOS, random.choice([0.0, 1.0])),
            self.table("artist", artists, 1.0),  # a penalty
            NumericDistance(column="year", target=2000.0, scale=20.0),
            self.table("tags", TAGS),
            self.table("title", ["title 0", "title 2"]),
            ColumnFunction(function=lambda columns, rows: (rows * 7919 % 101) / 200.0, bound=0.5),
            TrackFunction(function=lambda track: len(track["artist"] or "") / 10.0),
        ]
        usual = shapes[: random.choice([1, 2, 3, 4, 5])]
        return [*usual, *random.sample(shapes[len(usual) :], random.choice([0, 0, 0, 1, 2]))]

    def filters(self) -> list[Any]:
        random = self.random
        some = {f"t{random.randrange(400)}" for _ in range(random.choice([1, 5, 60]))}
        filters = [
            CategoryFilter(column="genre", names=random.sample(GENRES, 2), exclude=random.random() < 0.5),
            CategoryFilter(column="artist", names=["artist 1", "artist 2"], exclude=random.random() < 0.7),
            CategoryFilter(column="tags", names=["live"]),
            RangeFilter(column="energy", low=0.25, high=random.choice([None, 0.5])),
            IdFilter(track_ids=some, exclude=random.random() < 0.7),
            Predicate(function=lambda columns, rows: rows % 2 == 0),
            Predicate(function=lambda columns, rows: rows % 97 == 5),
        ]
        return random.sample(filters, random.choice([0, 0, 1, 2]))


class Snapshots:
    """A store with tracks, and the catalogue of it as it is brought up to date."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.store = MemoryStore()
        self.builder = CatalogueBuilder(self.store, COLUMNS, refuse)
        self.store.write_tracks([case.track(number) for number in range(case.random.choice([0, 30, 200, 400]))])
        self.builder.current()

    def changed(self) -> Snapshot:
        random = self.case.random
        for _ in range(random.choice([0, 0, 1, 3])):
            self.store.write_tracks([self.case.track(random.randrange(450)) for _ in range(random.randrange(1, 9))])
            self.store.remove_tracks([f"t{random.randrange(450)}" for _ in range(random.randrange(4))])
        return self.builder.current()


def refuse(column: Column, error: Exception) -> None:
    raise AssertionError(column.name) from error


def weighted(case: Case) -> list[tuple[float, Any]]:
    """Return what prepared factors may be, with weights."""
    weights = [0.30, 0.25, 0.20, 0.15, 0.10, 0.05]
    return [(case.random.choice(weights), prepared) for prepared in case.prepared()]


def formula(factors: Sequence[tuple[float, Any]], catalogue: Snapshot) -> Formula:
    """Return the formula of prepared factors over a catalogue."""
    return Formula(
        [
            Term(f"f{place}", weight, prepared, compiled(prepared, catalogue.columns, catalogue.fetch), Origin("x"))
            for place, (weight, prepared) in enumerate(factors)
        ]
    )


def filters(case: Case) -> list[ActiveFilter]:
    """Return what filters may be."""
    return [ActiveFilter(f"filter {place}", found) for place, found in enumerate(case.filters())]


def looked_at(ranking: Any, depths: Sequence[int]) -> list[tuple[list[int], list[float]]]:
    found = []
    for depth in depths:
        rows = ranking.take(depth)
        found.append((rows.tolist(), ranking.scores(range(1, len(rows) + 1)).tolist()))
    return found


def constraint(case: Case, catalogue: Snapshot) -> list[Any]:
    columns = catalogue.columns
    most = MaxPerArtist, columns["artist"], 1 + case.random.randrange(3)
    once = Distinct, columns["artist"], columns["title"]
    return [lambda made=made: made[0](*made[1:]) for made in (most, once) if case.random.random() < 0.2]


FOUR_GENRES = ["jazz", "rock", "pop", "folk"]


def tracks(count: int) -> list[dict[str, Any]]:
    """Return valid tracks, ten of each artist."""
    return [
        {
            "track_id": f"t{number}",
            "title": f"title {number}",
            "artist": f"artist {number % (count // 10)}",
            "genre": FOUR_GENRES[number % 4],
            "mood": ["calm", "upbeat", "dark"][number % 3],
            "energy": (number * 37 % 101) / 100,
            "tempo": ["slow", "medium", "fast"][number * 7 % 3],
            "duration": 100 + number % 50,
        }
        for number in range(count)
    ]


@contextmanager
def serving(plugins: Sequence[Any] = ()) -> Iterator[Engine]:
    """Give an engine that serves 2,000 of these tracks."""
    with Engine(store="memory:", seed=1, plugins=plugins) as engine:
        engine.add_content(tracks(2_000))
        yield engine


TASTE = {
    "genres": {"jazz": 0.8},
    "artists": {"artist 3": 1.0, "artist 8": 0.5},
    "moods": {"dark": 0.7},
    "discovery_factor": 0.0,
}
