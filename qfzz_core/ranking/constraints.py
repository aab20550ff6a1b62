"""Constraints of a result: at most some tracks of an artist, no recording twice; the best-ranked stay."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import CategoryColumn, Rows


class MaxPerArtist:
    """Keeps the first `limit` rows of each artist it is asked about."""

    def __init__(self, artists: CategoryColumn, limit: int) -> None:
        self._codes = artists.codes
        self._limit = limit
        self._kept: Counter[int] = Counter()

    def __call__(self, rows: Rows) -> NDArray[np.bool_]:
        """Return which rows are kept, remembering them."""
        return np.array([self._keeps(code) for code in self._codes[rows].tolist()], dtype=np.bool_)

    def _keeps(self, code: int) -> bool:
        self._kept[code] += 1
        return self._kept[code] <= self._limit


class Distinct:
    """Keeps the first row of each artist and title it is asked about."""

    def __init__(self, artists: CategoryColumn, titles: CategoryColumn) -> None:
        self._artists = artists.codes
        self._titles = titles.codes
        self._kept: set[tuple[int, int]] = set()

    def __call__(self, rows: Rows) -> NDArray[np.bool_]:
        """Return which rows are kept, remembering them."""
        recordings = zip(self._artists[rows].tolist(), self._titles[rows].tolist(), strict=True)
        return np.array([self._keeps(recording) for recording in recordings], dtype=np.bool_)

    def _keeps(self, recording: tuple[int, int]) -> bool:
        known = len(self._kept)
        self._kept.add(recording)
        return len(self._kept) > known
