"""Tracks and preferences as vectors whose inner product is nearly the score, for engines that know nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking.catalogue import Catalogue
from benchmarks.ranking.taste import ENERGY, GENRE, MOOD, TEMPO, Taste
from qfzz_core.model.tracks import TEMPOS

# Energies are cut into this many steps, each of them one-hot: no inner product of a few numbers gives |a - b|.
ENERGY_STEPS = 21
DIFFERS = "inner product of one-hot vectors in float32: no artists, energies in 21 steps, ties in any order"

Vectors = NDArray[np.float32]


def track_vectors(catalogue: Catalogue) -> Vectors:
    """Return float32 of shape (tracks, genres + tempos + moods + energy steps), four ones in each row."""
    places, width = _places(catalogue)
    vectors = np.zeros((len(catalogue), width), dtype=np.float32)
    for column in places:
        vectors[np.arange(len(catalogue)), column] = 1.0
    return vectors


def _places(catalogue: Catalogue) -> tuple[list[NDArray[np.int64]], int]:
    steps = np.rint(catalogue.energy * (ENERGY_STEPS - 1)).astype(np.int64)
    sizes = (len(catalogue.genres), len(TEMPOS), len(catalogue.moods), ENERGY_STEPS)
    starts = np.cumsum([0, *sizes])
    columns = (catalogue.genre, catalogue.tempo, catalogue.mood, steps)
    return [start + column for start, column in zip(starts[:-1].tolist(), columns, strict=True)], int(starts[-1])


def wanted_vector(wanted: Taste) -> Vectors:
    """Return the query, float32 of shape (width,)."""
    energies = 1.0 - np.abs(np.linspace(0.0, 1.0, ENERGY_STEPS) - wanted.energy)
    parts = (GENRE * wanted.genre, TEMPO * wanted.tempo, MOOD * wanted.mood, ENERGY * energies)
    return np.concatenate(parts).astype(np.float32)
