"""Candidates from an index: the best of the base, merged with the delta segment, without what is deleted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows, among
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index.result_cache import CachedResult, ResultCache
from qfzz_core.ranking.index.scanner import TooManyError
from qfzz_core.ranking.index.search import Search
from qfzz_core.ranking.scan import Candidates

NOTHING = CachedResult(0, 0, 0, np.empty(0, dtype=np.intp), np.empty(0), whole=False)


class IndexCandidates:
    """Candidates of a snapshot: those of the base by a search, between them those of the `delta`, which are few.

    With a cache key, begins with the cached result, and caches what it found. `search` is made when it is needed.
    """

    def __init__(
        self,
        formula: Formula,
        snapshot: Snapshot,
        delta: Rows,
        search: Callable[[], Search],
        *,
        key: bytes | None,
        plan: Plan,
    ) -> None:
        self._formula = formula
        self._snapshot = snapshot
        self._delta = delta
        self._scored = len(delta), np.empty(0)  # from which place in the delta on, and the scores
        self._make = search
        self._search: Search | None = None
        self._cache = ResultCache.of(snapshot.segment)
        self._key = key
        self._plan = plan
        self._result = NOTHING
        self._given = 0

    def next(self, count: int) -> tuple[Rows, Values]:
        """Return the next `count` rows and their scores, fewer only at the end; may raise `TooManyError`."""
        start, wanted = self._given, self._given + count
        result = self._result
        # A strategy that looks rank by rank would search for every rank, so each search goes twice as deep.
        depth = max(wanted, 2 * len(result.rows)) if start else wanted
        while len(result.rows) < wanted and not result.whole:
            # One more than the base has, because a search knows that it found all rows when there are too few.
            self._result = result = self._best(min(depth, self._snapshot.base + 1))
            depth *= 2
        self._given = min(wanted, len(result.rows))
        return result.rows[start : self._given], result.scores[start : self._given]

    def _best(self, count: int) -> CachedResult:
        """Return the best `count` of the base in order, or fewer if some of these are deleted, and what lies between
        them.
        """
        cached = self._cached(count)
        result = self._current(cached or self._searched(count))
        if self._key and result is not cached:
            self._cache.put(self._key, result)
        return result

    def _cached(self, count: int) -> CachedResult | None:
        result = self._cache.get(self._key) if self._key else None
        if result is None or not result.serves(count, len(self._snapshot.table), len(self._snapshot.deleted)):
            return None
        self._plan.cached = len(result.rows)
        return result

    def _searched(self, count: int) -> CachedResult:
        self._search = self._search or self._make()
        found = self._search.best(count)
        return CachedResult(count, self._snapshot.base, len(self._snapshot.deleted), *found)

    def _current(self, result: CachedResult) -> CachedResult:
        """Return a result with the delta applied: without what was deleted since, and with what was added since."""
        length, deleted = len(self._snapshot.table), self._snapshot.deleted
        rows, scores = result.rows, result.scores
        if result.deleted < len(deleted):
            alive = ~among(rows, deleted)
            rows, scores = rows[alive], scores[alive]
        if result.length < length:
            rows, scores = self._merged(rows, scores, result)
        if rows is result.rows and result.length == length:
            return result
        return CachedResult(result.count, length, len(deleted), rows, scores, result.whole)

    def _merged(self, rows: Rows, scores: Values, result: CachedResult) -> tuple[Rows, Values]:
        """Return rows, and between them those of the delta that were added since they were found."""
        positions = self._snapshot.positions
        added, added_scores = self._added(result.length)
        if not result.whole:  # what comes after the last row may lie between rows of the base not yet seen
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


class Fallback:
    """Candidates from an index, until a search says that looking at all rows is as good."""

    def __init__(self, indexed: Candidates, scan: Callable[[], Candidates]) -> None:
        self._candidates = indexed
        self._scan = scan
        self._given = 0

    def next(self, count: int) -> tuple[Rows, Values]:
        """Return the next `count` rows and their scores, fewer only at the end."""
        try:
            found = self._candidates.next(count)
        except TooManyError:
            self._candidates = self._scan()
            self._candidates.next(self._given)
            found = self._candidates.next(count)
        self._given += len(found[0])
        return found
