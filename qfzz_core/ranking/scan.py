"""The reference ranking: score every row that may be chosen, then give the best ones in order."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.formula import Formula

# Rows scored at a time: what that takes stays in the processor's cache. Scoring a million by the five factors takes
# 104 ms with 8,192, 52 with 32,768, 54 with 131,072 and 82 with 524,288.
SCORE_BLOCK = 32_768


class Candidates(Protocol):
    """Rows in the order of the ranking, given in blocks."""

    def next(self, count: int) -> tuple[Rows, Values]:
        """Return the next `count` rows and their scores, fewer only at the end."""
        ...


class Scan:
    """Candidates from scoring all `rows`, given in the order of the catalogue, which equal scores keep."""

    def __init__(self, formula: Formula, rows: Rows, plan: Plan | None = None) -> None:
        if plan is not None:
            plan.looked_at += len(rows)
            plan.scored += len(rows)
        self._rows = rows
        self._scores = np.empty(len(rows))
        for start in range(0, len(rows), SCORE_BLOCK):
            self._scores[start : start + SCORE_BLOCK] = formula.scores(rows[start : start + SCORE_BLOCK])
        self._order: Rows | None = None
        self._given = 0

    def next(self, count: int) -> tuple[Rows, Values]:
        """Return the next `count` rows and their scores, fewer only at the end."""
        start, self._given = self._given, min(self._given + count, len(self._rows))
        chosen = self._best(self._given)[start : self._given]
        return self._rows[chosen], self._scores[chosen]

    def _best(self, count: int) -> Rows:
        """Return the indices of at least the best `count` rows, in order."""
        if self._order is None and count * 4 < len(self._rows):
            return self._partitioned(count)
        if self._order is None:
            self._order = np.argsort(-self._scores, kind="stable")
        return self._order

    def _partitioned(self, count: int) -> Rows:
        if count == 0:
            return np.empty(0, dtype=np.intp)
        last = np.partition(self._scores, len(self._scores) - count)[-count]
        better = np.flatnonzero(self._scores > last)
        ties = np.flatnonzero(self._scores == last)[: count - len(better)]
        chosen = np.concatenate([better, ties])
        return chosen[np.lexsort((chosen, -self._scores[chosen]))]
