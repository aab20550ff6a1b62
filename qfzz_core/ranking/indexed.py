"""Candidates from an index: the best of the base, merged with the tail, without what is dead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qfzz_core.catalogue.snapshot import Catalogue
from qfzz_core.columns import Rows
from qfzz_core.contracts import Values
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.recall import Best, Finder
from qfzz_core.ranking.row_tests import Mask
from qfzz_core.ranking.scan import Candidates
from qfzz_core.ranking.walk import TooManyError


class Indexed:
    """Candidates from what finds the best of a `base` of so many rows, and what lies between them."""

    def __init__(self, finder: Finder, base: int) -> None:
        self._finder = finder
        self._base = base
        self._rows = np.empty(0, dtype=np.intp)
        self._scores = np.empty(0)
        self._whole = False
        self._given = 0

    def next(self, count: int) -> tuple[Rows, Values]:
        """Return the next `count` rows and their scores, fewer only at the end; may raise `TooManyError`."""
        start, wanted = self._given, self._given + count
        depth = max(wanted, 2 * len(self._rows)) if start else wanted
        while len(self._rows) < wanted and not self._whole:
            self._rows, self._scores, self._whole = self._finder.best(min(depth, self._base + 1))
            depth *= 2
        self._given = min(wanted, len(self._rows))
        return self._rows[start : self._given], self._scores[start : self._given]


class Merged:
    """Finds the best of a base as another finder does, and between them the rows of the `tail`, which is small."""

    def __init__(self, formula: Formula, catalogue: Catalogue, finder: Finder, tail: Rows) -> None:
        self._positions = catalogue.positions
        self._finder = finder
        self._tail = tail, formula.scores(tail)

    def best(self, count: int) -> Best:
        """Return what the other finder returns for so many, and what comes before the last of that."""
        rows, scores, whole = self._finder.best(count)
        tail, tail_scores = self._tail
        if not whole:  # what comes after the last row of the base may lie between rows of it not yet seen
            before = self._before(rows[-1:], scores[-1:])
            tail, tail_scores = tail[before], tail_scores[before]
        if not len(tail):
            return rows, scores, whole
        rows, scores = np.concatenate([rows, tail]), np.concatenate([scores, tail_scores])
        order = np.lexsort((self._positions[rows], -scores))
        return rows[order], scores[order], whole

    def _before(self, row: Rows, score: Values) -> Mask:
        """Return which rows of the tail come before a row; before none, because all that were found are dead, none."""
        tail, scores = self._tail
        if not len(row):
            return np.zeros(len(tail), dtype=np.bool_)
        before: Mask = (scores > score) | ((scores == score) & (self._positions[tail] <= self._positions[row]))
        return before


class Switching:
    """Candidates from an index, until a search says that looking at all rows is as good."""

    def __init__(self, indexed: Indexed, scan: Callable[[], Candidates]) -> None:
        self._candidates: Candidates = indexed
        self._scan: Callable[[], Candidates] | None = scan
        self._given = 0

    def next(self, count: int) -> tuple[Rows, Values]:
        """Return the next `count` rows and their scores, fewer only at the end."""
        try:
            found = self._candidates.next(count)
        except TooManyError:
            assert self._scan is not None
            self._candidates, self._scan = self._scan(), None
            self._candidates.next(self._given)
            found = self._candidates.next(count)
        self._given += len(found[0])
        return found
