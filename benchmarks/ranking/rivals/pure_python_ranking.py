"""Pure Python: one track after the other, as the formula is written."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.taste import ARTIST, ENERGY, GENRE, MOOD, TEMPO, taste
from qfzz_core.ranking.formula import GRAIN


class PurePython:
    """Lists of codes and a heap."""

    name = "pure Python"
    exact = True
    differs = ""

    def prepare(self, catalogue: Catalogue) -> None:
        """Make lists of the columns."""
        self._catalogue = catalogue
        columns = (catalogue.genre, catalogue.artist, catalogue.energy, catalogue.tempo, catalogue.mood)
        self._columns = [column.tolist() for column in columns]

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Score every track and keep the best."""
        wanted = taste(preferences, self._catalogue)
        genres, tempos, moods = wanted.genre.tolist(), wanted.tempo.tolist(), wanted.mood.tolist()
        liked = dict(zip(wanted.artists.tolist(), wanted.artist_values.tolist(), strict=True)).get
        target = wanted.energy
        scores = [
            GENRE * genres[genre]
            + ARTIST * liked(artist, 0.0)
            + ENERGY * (1.0 - abs(energy - target))
            + TEMPO * tempos[tempo]
            + MOOD * moods[mood]
            for genre, artist, energy, tempo, mood in zip(*self._columns, strict=True)
        ]
        rounded = [round(score / GRAIN) for score in scores]  # halves to even, as the grain wants it
        return np.array(heapq.nsmallest(count, range(len(scores)), key=lambda row: -rounded[row]), dtype=np.intp)


RIVAL = PurePython
