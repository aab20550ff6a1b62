"""A fused scan in NumPy: chunks that stay in the cache, a table of cells, artists from postings, a running best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.cells import Postings, cell_numbers, cell_sums
from benchmarks.ranking.taste import ARTIST, ENERGY, Numbers, Taste, best, taste
from qfzz_core.ranking.formula import GRAIN

CHUNK = 32_768


class Best:
    """The best `count` rows so far, in order, with their exact scores."""

    def __init__(self, wanted: Taste, catalogue: Catalogue, count: int) -> None:
        self._wanted = wanted
        self._catalogue = catalogue
        self._count = count
        self._rows: Rows = np.empty(0, dtype=np.intp)
        self._last_tie = -1
        self.last = -np.inf

    @property
    def rows(self) -> Rows:
        return self._rows

    def least_sum(self, first_row: int) -> float:
        """Return above which sum a row from `first_row` on may be among the best; sums may err by a fraction of GRAIN.

        A row of the last score enters only before another of that score.
        """
        return self.last + (-GRAIN if first_row <= self._last_tie else GRAIN / 4)

    def add(self, rows: Rows) -> None:
        """Take in rows, some of which may be there already."""
        candidates = np.union1d(self._rows, rows) if len(self._rows) else rows
        self._rows, scores = best(self._wanted, self._catalogue, candidates, self._count)
        if len(self._rows) == self._count:
            self.last = scores[-1]
            self._last_tie = int(self._rows[-1])


class Fused:
    """The quickest exact scan that NumPy alone allows, as far as we know."""

    name = "fused NumPy scan"
    exact = True
    differs = ""

    def prepare(self, catalogue: Catalogue) -> None:
        """Number the cells, weight the energies, and lay both out once more artist by artist."""
        self._catalogue = catalogue
        self._cells = cell_numbers(catalogue)
        self._energies = ENERGY * catalogue.energy
        self._postings = Postings.of(catalogue)
        self._artists_cells = self._cells[self._postings.rows]
        self._artists_energies = self._energies[self._postings.rows]
        self._sums = np.empty(CHUNK)
        self._distances = np.empty(CHUNK)

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Score the rows of liked artists, then all rows without their artists, chunk by chunk."""
        wanted = taste(preferences, self._catalogue)
        count = min(count, len(self._cells))
        found = Best(wanted, self._catalogue, count)
        if not count:
            return found.rows
        table = cell_sums(wanted) + ENERGY
        self._liked(wanted, table, found, count)
        for start in range(0, len(self._cells), CHUNK):
            sums = self._chunk(start, table, ENERGY * wanted.energy)
            least = found.least_sum(start) if found.last > -np.inf else kth(sums, count) - GRAIN
            if sums.max() > least:
                found.add(np.flatnonzero(sums > least) + start)
        return found.rows

    def _liked(self, wanted: Taste, table: Numbers, found: Best, count: int) -> None:
        places, counts = self._postings.places(wanted.artists)
        if len(places):
            distances = self._artists_energies.take(places) - ENERGY * wanted.energy
            sums = table.take(self._artists_cells.take(places)) - np.abs(distances)
            sums += np.repeat(ARTIST * wanted.artist_values, counts)
            found.add(np.sort(self._postings.rows[places[sums > kth(sums, count) - GRAIN]]))

    def _chunk(self, start: int, table: Numbers, target: float) -> Numbers:
        """Return the sums without artists of a chunk's rows, in an array that the next chunk overwrites."""
        cells = self._cells[start : start + CHUNK]
        sums, distances = self._sums[: len(cells)], self._distances[: len(cells)]
        np.subtract(self._energies[start : start + CHUNK], target, out=distances)
        np.abs(distances, out=distances)
        table.take(cells, out=sums, mode="wrap")  # any mode but "raise" writes without a second buffer
        sums -= distances
        return sums


def kth(sums: Numbers, count: int) -> float:
    """Return the `count`-th largest of some numbers, or minus infinity if there are fewer."""
    return float(np.partition(sums, len(sums) - count)[-count]) if count <= len(sums) else -np.inf


RIVAL = Fused
