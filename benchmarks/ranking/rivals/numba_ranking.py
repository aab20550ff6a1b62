"""A fused scan that numba compiles: one loop over all tracks, a heap of the best."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.cells import cell_numbers
from benchmarks.ranking.taste import ARTIST, ENERGY, GENRE, MOOD, TEMPO, Taste, taste
from qfzz_core.model.tracks import TEMPOS
from qfzz_core.ranking.formula import GRAIN

# No pass over the sums in another order: numba keeps to IEEE arithmetic unless fastmath is on.
STEPS = 1.0 / GRAIN


@numba.njit
def _best(columns, tables, target, count):  # type: ignore[no-untyped-def]
    """Return a heap of (steps, -row); a row is summed in the documented order only if it may displace another."""
    cells, artists, energies = columns
    bounds, parts, liked = tables
    heap = [(-1.0, 0)]
    heap.pop()
    for row in range(len(cells)):
        cell = cells[row]
        artist = liked[artists[row]]
        rough = bounds[cell] + artist - ENERGY * abs(energies[row] - target)
        if len(heap) == count and rough * STEPS < heap[0][0] + 0.25:
            continue
        genre, tempo, mood = parts[cell]
        energy = ENERGY * (1.0 - abs(energies[row] - target))
        steps = np.rint(((((genre + artist) + energy) + tempo) + mood) * STEPS)
        if len(heap) < count:
            heapq.heappush(heap, (steps, -row))
        elif steps > heap[0][0]:
            heapq.heapreplace(heap, (steps, -row))
    return heap


class Numba:
    """One compiled loop, on one thread."""

    name = "numba fused scan"
    exact = True
    differs = ""

    def prepare(self, catalogue: Catalogue) -> None:
        """Number the cells and compile."""
        self._catalogue = catalogue
        self._cells = cell_numbers(catalogue)

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Run the loop and order what it kept."""
        wanted = taste(preferences, self._catalogue)
        liked = np.zeros(len(self._catalogue.artists))
        liked[wanted.artists] = ARTIST * wanted.artist_values
        parts = _parts(wanted)
        catalogue, bounds = self._catalogue, parts.sum(axis=1) + ENERGY
        columns = (self._cells, catalogue.artist, catalogue.energy)
        heap = _best(columns, (bounds, parts, liked), wanted.energy, count)
        return np.array([-row for _, row in sorted(heap, reverse=True)], dtype=np.intp)


def _parts(wanted: Taste) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what genre, tempo and mood add, by cell: float64 of shape (cells, 3)."""
    parts = np.empty((len(wanted.genre), len(TEMPOS), len(wanted.mood), 3))
    parts[..., 0] = GENRE * wanted.genre[:, None, None]
    parts[..., 1] = TEMPO * wanted.tempo[:, None]
    parts[..., 2] = MOOD * wanted.mood
    return parts.reshape(-1, 3)


RIVAL = Numba
