"""Candidates from an index: the best of the base, merged with the tail, without what is dead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qfzz_core.catalogue.snapshot import Catalogue
from qfzz_core.columns import Rows
from qfzz_core.contracts import Values
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.recall import Finder
from qfzz_core.ranking.scan import Candidates
from qfzz_core.ranking.walk import TooManyError


class Indexed:
    """Candidates from what finds those of the base, and from scoring the tail, which is small."""

    def __init__(self, formula: Formula, catalogue: Catalogue, finder: Finder, tail: Rows) -> None:
        self._finder = finder
        self._catalogue = catalogue
        self._tail = tail, formula.scores(tail) if len(tail) else np.empty(0)
        self._rows = np.empty(0, dtype=np.intp)
        self._scores = np.empty(0)
        self._whole = False
        self._given = 0

    def next(self, count: int) -> tuple[Rows, Values]:
        """Return the next `count` rows and their scores, fewer only at the end; may raise `TooManyError`."""
        start, wanted = self._given, self._given + count
        depth = max(wanted, 2 * len(self._rows)) if start else wanted
        while len(self._rows) < wanted and not self._whole:
            self._look(min(depth, self._catalogue.base + 1))
            depth *= 2
        self._given = min(wanted, len(self._rows))
        return self._rows[start : self._given], self._scores[start : self._given]

    def _look(self, depth: int) -> None:
        """Find the rows down to about the `depth`-th of the base."""
        rows, scores, self._whole = self._finder.best(depth)
        if not self._whole and not len(rows):
            return  # all of them were dead
        self._rows, self._scores = self._merged(rows, scores) if len(self._tail[0]) else (rows, scores)

    def _merged(self, rows: Rows, scores: Values) -> tuple[Rows, Values]:
        """Return rows of the base, and among them those of the tail."""
        positions = self._catalogue.positions
        tail, tail_scores = self._tail
        if not self._whole:  # what comes after the last row of the base may lie between rows of it not yet seen
            row, score = rows[-1], scores[-1]
            before = (tail_scores > score) | ((tail_scores == score) & (positions[tail] <= positions[row]))
            tail, tail_scores = tail[before], tail_scores[before]
        if not len(tail):
            return rows, scores
        rows, scores = np.concatenate([rows, tail]), np.concatenate([scores, tail_scores])
        order = np.lexsort((positions[rows], -scores))
        return rows[order], scores[order]


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
