"""The best of some rows, in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.ranking.formula import Formula


def greatest(numbers: Values, count: int) -> np.float64:
    """Return the `count`-th largest number."""
    sorting = numbers.copy()
    sorting.partition(len(numbers) - count)
    found: np.float64 = sorting[len(numbers) - count]
    return found


def best_of(rows: Rows, scores: Values, count: int) -> tuple[Rows, Values]:
    """Return the best `count` rows in order and their scores; equal scores keep the order of rows."""
    if len(rows) > 4 * count > 0:
        some = (scores >= greatest(scores, count)).nonzero()[0]
        rows, scores = rows[some], scores[some]
    chosen = np.lexsort((rows, -scores))[:count]
    return rows[chosen], scores[chosen]


def united(parts: Sequence[Rows]) -> Rows:
    """Return all rows of several arrays, growing, each once."""
    rows = np.concatenate(parts)
    rows.sort()
    first = np.empty(len(rows), dtype=np.bool_)
    first[:1] = True
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return rows[first]


def united_sums(parts: Sequence[tuple[Rows, Values]]) -> tuple[Rows, Values]:
    """Return all rows of several arrays, growing, each once, and the largest of its sums."""
    rows, sums = np.concatenate([rows for rows, _ in parts]), np.concatenate([sums for _, sums in parts])
    order = rows.argsort()
    rows, sums = rows[order], sums[order]
    again = rows[1:] == rows[:-1]
    if not again.any():
        return rows, sums
    first = np.flatnonzero(~np.concatenate([[False], again]))
    return rows[first], np.maximum.reduceat(sums, first)


class Scores:
    """The scores of rows by one formula, each computed once; its length is how many were."""

    def __init__(self, formula: Formula) -> None:
        self._formula = formula
        self._rows = np.empty(0, dtype=np.intp)
        self._scores = np.empty(0)

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, rows: Rows) -> Values:
        """Return the scores of rows, which grow."""
        if not len(self):
            self._rows, self._scores = rows, self._formula.scores(rows)
            return self._scores
        new = rows[~np.isin(rows, self._rows, assume_unique=True)]
        known = np.concatenate([self._rows, new])
        scores = np.concatenate([self._scores, self._formula.scores(new)])
        order = known.argsort()
        self._rows, self._scores = known[order], scores[order]
        return self._scores[self._rows.searchsorted(rows)]
