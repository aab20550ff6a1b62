"""One pass of NumPy: a vector sum over whole columns, then a partition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.cells import Postings, cell_numbers, cell_sums
from benchmarks.ranking.taste import ARTIST, ENERGY, Numbers, Taste, best, taste
from qfzz_core.ranking.formula import GRAIN


class OnePass:
    """One expression over whole columns, as one would write it."""

    name = "one-pass NumPy"
    exact = True
    differs = ""

    def prepare(self, catalogue: Catalogue) -> None:
        """Number the cells, and list the rows of each artist."""
        self._catalogue = catalogue
        self._cells = cell_numbers(catalogue)
        self._postings = Postings.of(catalogue)

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Sum, partition, and rescore the rows around the last place."""
        wanted = taste(preferences, self._catalogue)
        sums = self._sums(wanted)
        count = min(count, len(sums))
        last = np.partition(sums, len(sums) - count)[-count] if count else np.inf
        rows, _ = best(wanted, self._catalogue, np.flatnonzero(sums >= last - GRAIN), count)
        return rows

    def _sums(self, wanted: Taste) -> Numbers:
        sums = cell_sums(wanted).take(self._cells) - ENERGY * np.abs(self._catalogue.energy - wanted.energy)
        places, counts = self._postings.places(wanted.artists)
        sums[self._postings.rows[places]] += np.repeat(ARTIST * wanted.artist_values, counts)
        return np.asarray(sums)


RIVAL = OnePass
