"""Candidates from an index: the best of the base, merged with the delta, without what is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows, among
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index.result_cache import Found, Memory
from qfzz_core.ranking.index.scanner import TooManyError
from qfzz_core.ranking.scan import Candidates

Best = tuple[Rows, Values, bool]


class Finder(Protocol):
    """Finds the best rows."""

    def best(self, count: int) -> Best:
        """Return the best rows in order, their scores, and whether these are all that may be chosen."""
        ...


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


class Merging:
    """Finds the best of a snapshot: those of the base by a search, between them those of the `delta`, which are few.

    With a question, begins with what is remembered of it, and remembers what it found. `search` is made when it is
    needed.
    """

    def __init__(
        self,
        formula: Formula,
        snapshot: Snapshot,
        delta: Rows,
        search: Callable[[], Finder],
        *,
        question: bytes | None,
        plan: Plan,
    ) -> None:
        self._formula = formula
        self._snapshot = snapshot
        self._delta = delta
        self._scored = len(delta), np.empty(0)  # from which place in the delta on, and the scores
        self._make = search
        self._search: Finder | None = None
        self._memory = Memory.of(snapshot.segment)
        self._question = question
        self._plan = plan

    def best(self, count: int) -> Best:
        """Return the best `count` of the base in order, or fewer if some of these are deleted, and what lies between
        them; and whether this is all that may be chosen.
        """
        known = self._recalled(count)
        found = self._brought_up(known or self._searched(count))
        if self._question and found is not known:
            self._memory.keep(self._question, found)
        return found.rows, found.scores, found.whole

    def _recalled(self, count: int) -> Found | None:
        found = self._memory.recalled(self._question) if self._question else None
        if found is None or not found.answers(count, len(self._snapshot.table), len(self._snapshot.deleted)):
            return None
        self._plan.recalled = len(found.rows)
        return found

    def _searched(self, count: int) -> Found:
        self._search = self._search or self._make()
        return Found(count, self._snapshot.base, len(self._snapshot.deleted), *self._search.best(count))

    def _brought_up(self, found: Found) -> Found:
        """Return what was found without what has died since, and with what was added since."""
        length, deleted = len(self._snapshot.table), self._snapshot.deleted
        rows, scores = found.rows, found.scores
        if found.deleted < len(deleted):
            alive = ~among(rows, deleted)
            rows, scores = rows[alive], scores[alive]
        if found.length < length:
            rows, scores = self._merged(rows, scores, found)
        if rows is found.rows and found.length == length:
            return found
        return Found(found.count, length, len(deleted), rows, scores, found.whole)

    def _merged(self, rows: Rows, scores: Values, found: Found) -> tuple[Rows, Values]:
        """Return rows, and between them those of the delta that were added since they were found."""
        positions = self._snapshot.positions
        added, added_scores = self._added(found.length)
        if not found.whole:  # what comes after the last row may lie between rows of the base not yet seen
            row, score = rows[-1:], scores[-1:]
            if not len(row):
                return rows, scores
            before = (added_scores > score) | ((added_scores == score) & (positions[added] <= positions[row]))
            added, added_scores = added[before], added_scores[before]
        if not len(added):
            return rows, scores
        rows, scores = np.concatenate([rows, added]), np.concatenate([scores, added_scores])
        order = np.lexsort((positions[rows], -scores))
        return rows[order], scores[order]

    def _added(self, length: int) -> tuple[Rows, Values]:
        """Return the rows of the delta from a row on, and their scores, each of which is computed once."""
        first = int(self._delta.searchsorted(length))
        known, scores = self._scored
        if first < known:
            known, scores = first, np.concatenate([self._formula.scores(self._delta[first:known]), scores])
            self._scored = known, scores
        return self._delta[first:], scores[first - known :]


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
