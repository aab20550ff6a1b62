"""The eligible ranking: candidates that pass the filters and constraints, found as far as somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qfzz_core.columns import Columns, Rows, as_rows, sealed
from qfzz_core.contracts import Values
from qfzz_core.ranking.scan import Candidates

Passes = Callable[[Rows], NDArray[np.bool_]]
Keeps = Callable[[Rows], NDArray[np.bool_]]

BLOCK = 256


class EligibleRanking:
    """What a strategy sees: ranks from 1, looked at lazily.

    `predicates` are pure and asked about candidates in blocks; `constraints` are asked after them, in the order of
    the ranking, and may remember what they let pass. `failure` keeps what one of them raised, which a strategy may
    have swallowed.
    """

    def __init__(
        self,
        columns: Columns,
        candidates: Candidates,
        predicates: Sequence[Passes] = (),
        constraints: Sequence[Keeps] = (),
    ) -> None:
        self.columns = columns
        self._candidates = candidates
        self._predicates = predicates
        self._constraints = constraints
        self._rows = np.empty(0, dtype=np.intp)
        self._scores = np.empty(0)
        self._exhausted = False
        self.failure: Exception | None = None

    def take(self, count: int | None) -> Rows:
        """Return the rows of the best `count`, or of all; fewer if fewer are eligible."""
        self._find(np.iinfo(np.intp).max if count is None else count)
        return sealed(self._rows[:count])

    def at(self, ranks: Sequence[int]) -> Rows:
        """Return the rows at these ranks; IndexError if one is not there."""
        indices = self._indices(ranks)
        return self._rows[indices]

    def scores(self, ranks: Sequence[int]) -> Values:
        """Return the scores at these ranks; IndexError if one is not there."""
        indices = self._indices(ranks)
        return self._scores[indices]

    def _indices(self, ranks: Sequence[int]) -> Rows:
        indices = as_rows(ranks) - 1
        if len(indices):
            self._find(int(indices.max()) + 1)
            if indices.min() < 0 or indices.max() >= len(self._rows):
                raise IndexError(f"ranks go from 1 to {len(self._rows)}, got {list(ranks)}")
        return indices

    def _find(self, count: int) -> None:
        block = BLOCK
        while len(self._rows) < count and not self._exhausted:
            block = max(block * 2, min(count - len(self._rows), 1 << 40))
            try:
                rows, scores = self._candidates.next(block)
                passing = self._passing(rows)
            except Exception as error:
                self.failure = error
                raise
            self._exhausted = len(rows) < block
            self._rows = np.concatenate([self._rows, rows[passing]])
            self._scores = np.concatenate([self._scores, scores[passing]])

    def _passing(self, rows: Rows) -> Rows:
        """Return the indices of the rows that pass everything; each test is asked only about what is left."""
        indices = np.arange(len(rows))
        for test in (*self._predicates, *self._constraints):
            if len(indices):
                indices = indices[test(rows[indices])]
        return indices
