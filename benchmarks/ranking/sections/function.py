"""One more factor that is a function of columns, a dot product of 64 dimensions, against an equally pruned scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.ranking import measure, ours
from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.cells import Postings, cell_numbers, cell_sums
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import listeners
from benchmarks.ranking.settings import Section, Settings, milliseconds, times
from benchmarks.ranking.taste import ARTIST, ENERGY, Numbers, Taste, exact_sums, rounded, taste
from qfzz_core import ColumnFunction, Request, hookimpl
from qfzz_core.contracts.columns import Columns, VectorColumn

DIMENSIONS = 64
WEIGHT = 0.2
OURS, SCAN = "QFZZ", "equally pruned full scan"
FIRST = 1_024  # rows of the best sums that the scan evaluates first, for a threshold
CHECKED = 12


def measured(settings: Settings) -> Section:
    """Measure with the factor beside the documented five."""
    catalogue = generated(settings.tracks)
    people = listeners(catalogue, settings.listeners)
    vectors = unit(np.random.default_rng(64).normal(size=(len(catalogue), DIMENSIONS)))
    engine = ours.engine_of(catalogue, plugins=[Plugin()], extra={"embedding": VectorColumn(vectors)})
    ours.introduce(engine, people)
    scan = PrunedScan(catalogue, vectors)
    answers = {
        OURS: lambda one: ours.best(engine, one.user_id, settings.limit),
        SCAN: lambda one: scan.answer(one.user_id, one.preferences, settings.limit),
    }
    measure.check(answers, people[:CHECKED])
    contestants = measure.compared(measure.alternated(answers, people, settings.calls), OURS, people)
    return Section(
        title="A column function",
        pattern=f"the best {settings.limit} of {settings.tracks:,} tracks, weight {WEIGHT}, alternating, no feedback",
        head=("", "median ms", "p99 ms", "times"),
        rows=[
            (name, milliseconds(figures["all"]), milliseconds(figures["all"], "p99_ms"), times(figures["all"]["ratio"]))
            for name, figures in contestants.items()
        ],
        figures=contestants,
    )


def unit(vectors: Numbers) -> Numbers:
    """Return vectors of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def wanted_by(user_id: str) -> Numbers:
    """Return a user's vector."""
    return unit(np.random.default_rng(list(user_id.encode())).normal(size=DIMENSIONS))


def nearness(vectors: Numbers, wanted: Numbers) -> Numbers:
    """Return (1 + dot product) / 2 of each row: products first, so that no row's bits depend on the other rows."""
    return np.asarray(((1.0 + (vectors * wanted).sum(axis=1)) / 2.0).clip(0.0, 1.0))


class Nearness:
    """A third-party factor."""

    name = "nearness"
    weight = WEIGHT

    def prepare(self, request: Request) -> ColumnFunction:
        wanted = wanted_by(request.profile.user_id)

        def values(columns: Columns, rows: Rows) -> Numbers:
            return nearness(columns["embedding"].vectors[rows], wanted)

        return ColumnFunction(function=values)


class Plugin:
    """Registers the factor."""

    @hookimpl
    def qfzz_factors(self) -> list[Nearness]:
        return [Nearness()]


class PrunedScan:
    """Sums the cheap factors of every row, then calls the function only for rows that can still be among the best."""

    def __init__(self, catalogue: Catalogue, vectors: Numbers) -> None:
        self._catalogue = catalogue
        self._vectors = vectors
        self._cells = cell_numbers(catalogue)
        self._energies = ENERGY * catalogue.energy
        self._postings = Postings.of(catalogue)

    def answer(self, user_id: str, preferences: Mapping[str, Any], count: int) -> Rows:
        """Return the best rows, in order."""
        taster, vector = taste(preferences, self._catalogue), wanted_by(user_id)
        sums = self._sums(taster)
        first = np.argpartition(-sums, min(FIRST, len(sums) - 1))[:FIRST]
        scores = self._scores(taster, vector, first)
        least = np.sort(scores)[-count] if count <= len(scores) else 0.0
        rows = np.flatnonzero(sums + WEIGHT >= least * (1.0 + WEIGHT) - 1e-9)
        scores = self._scores(taster, vector, rows)
        return rows[np.lexsort((rows, -scores))[:count]]

    def _sums(self, wanted: Taste) -> Numbers:
        sums = (cell_sums(wanted) + ENERGY).take(self._cells)
        sums -= np.abs(self._energies - ENERGY * wanted.energy)
        places, counts = self._postings.places(wanted.artists)
        sums[self._postings.rows[places]] += np.repeat(ARTIST * wanted.artist_values, counts)
        return np.asarray(sums)

    def _scores(self, wanted: Taste, vector: Numbers, rows: Rows) -> Numbers:
        sums = exact_sums(wanted, self._catalogue, rows) + WEIGHT * nearness(self._vectors[rows], vector)
        return rounded(sums / (1.0 + WEIGHT))
