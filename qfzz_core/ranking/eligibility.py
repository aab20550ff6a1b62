"""The eligible ranking: candidates that pass the filters and constraints, found as far as somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qfzz_core.contracts.columns import CategoryColumn, Columns, Rows, as_rows
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.model.editions import work_title
from qfzz_core.model.plain import sealed
from qfzz_core.ranking.filters import Mask, Passes
from qfzz_core.ranking.scan import Candidates

Keeps = Callable[[Rows], Mask]

# Candidates taken at a time when some of them may not pass. When a tenth of a million tracks passes a range, the best
# 50 take 0.97 ms with 16, 64 and 256, and 1.04 with 1,024.
MIN_BLOCK = 64
# Times the candidates that should be enough are taken, because shares are guesses. When a tenth passes a predicate,
# 50 take 1.48 ms with 1, 1.10 with 1.25, 1.23 with 2 and 1.59 with 4.
OVERSAMPLING = 1.25


class EligibleRanking:
    """What a strategy sees: ranks from 1, looked at lazily.

    `tests` are pure and called with candidates in blocks; `constraints` make what is called after them, in the order of
    the ranking, and may remember what they let pass. `share` is a guess at the share of candidates that pass the tests.
    When it turns out that more candidates would have to be tested than the `budget` for the share that passes,
    `filtered` gives candidates that all pass the tests. `failure` keeps what one of them raised, which a strategy may
    have swallowed.
    """

    def __init__(
        self,
        columns: Columns,
        candidates: Candidates,
        tests: Sequence[Passes] = (),
        *,
        constraints: Sequence[Callable[[], Keeps]] = (),
        filtered: Callable[[], Candidates] | None = None,
        budget: Callable[[float], float] = lambda share: 0.0,
        share: float = 1.0,
        plan: Plan | None = None,
    ) -> None:
        self.columns = columns
        self._plan = plan or Plan()
        self._constraints = constraints
        self._filtered = filtered if tests else None
        self._budget = budget
        self._guess = share
        self.failure: Exception | None = None
        self._begin(candidates, tests)

    def _begin(self, candidates: Candidates, tests: Sequence[Passes]) -> None:
        self._candidates = candidates
        self._tests = tests
        self._keeps = [make() for make in self._constraints]
        self._rows = np.empty(0, dtype=np.intp)
        self._scores = np.empty(0)
        self._tested = 0
        self._passed = 0  # of those tested, the tests
        self._exhausted = False

    def take(self, count: int | None) -> Rows:
        """Return the rows of the best `count`, or of all; fewer if fewer are eligible."""
        self._find(np.iinfo(np.intp).max if count is None else count)
        return sealed(self._rows[:count])

    def at(self, ranks: Sequence[int] | Rows) -> Rows:
        """Return the rows at these ranks; IndexError if one is not there."""
        indices = self._indices(ranks)
        return self._rows[indices]

    def scores(self, ranks: Sequence[int] | Rows) -> Values:
        """Return the scores at these ranks; IndexError if one is not there."""
        indices = self._indices(ranks)
        return self._scores[indices]

    def _indices(self, ranks: Sequence[int] | Rows) -> Rows:
        indices = as_rows(ranks) - 1
        if len(indices):
            self._find(int(indices.max()) + 1)
            if indices.min() < 0 or indices.max() >= len(self._rows):
                raise IndexError(f"ranks go from 1 to {len(self._rows)}, got {list(ranks)}")
        return indices

    def _find(self, count: int) -> None:
        if len(self._rows) >= count or self._exhausted:
            return
        try:
            with self._plan.timed("rank"):
                while len(self._rows) < count and not self._exhausted:
                    self._look(self._block(count - len(self._rows)))
        except Exception as error:
            self.failure = error
            raise

    def _block(self, missing: int) -> int:
        """Return how many candidates to take: what is missing, and more if only a share of them passes."""
        if not self._tests and not self._keeps:
            return missing
        block = missing / self._share(len(self._rows)) * OVERSAMPLING
        if self._filtered and self._tested and self._tested + block > self._budget(self._share(self._passed)):
            filtered, self._filtered, self._guess = self._filtered, None, 1.0
            self._begin(filtered(), ())
            return missing
        return max(MIN_BLOCK, int(block))

    def _share(self, some: int) -> float:
        """Return the share that some are of the candidates tested, the guess if there are none."""
        return (some + self._guess) / (self._tested + 1)

    def _look(self, block: int) -> None:
        rows, scores = self._candidates.next(block)
        self._tested += len(rows)
        self._exhausted = len(rows) < block
        if self._tests or self._keeps:
            passing = _passing(rows, np.arange(len(rows)), self._tests)
            self._passed += len(passing)
            passing = _passing(rows, passing, self._keeps)
            rows, scores = rows[passing], scores[passing]
        self._rows = np.concatenate([self._rows, rows])
        self._scores = np.concatenate([self._scores, scores])


def _passing(rows: Rows, indices: Rows, tests: Sequence[Passes]) -> Rows:
    """Return those of the indices whose rows pass everything; each test is called only with what is left."""
    for test in tests:
        if len(indices):
            indices = indices[test(rows[indices])]
    return indices


class MaxPerArtist:
    """Keeps the first `limit` rows of each artist that it is called with; a row counts for each of its artists."""

    def __init__(self, artists: CategoryColumn, limit: int) -> None:
        self._artists = artists
        self._limit = limit
        self._seen: dict[int, int] = {}

    def __call__(self, rows: Rows) -> Mask:
        """Return which rows are kept, remembering them."""
        artists = self._artists.vocabulary.members(self._artists.codes[rows])
        return np.fromiter(map(self._keeps, artists), np.bool_, len(rows))

    def _keeps(self, artists: tuple[int, ...]) -> bool:
        seen = self._seen
        for artist in artists:
            if seen.get(artist, 0) >= self._limit:
                return False
        for artist in artists:
            seen[artist] = seen.get(artist, 0) + 1
        return True


class Distinct:
    """Keeps the first row of each artist and work that it is called with; of several artists, the first one counts.

    A work is a title without what editions add to it; with `whole`, the whole title.
    """

    def __init__(self, artists: CategoryColumn, titles: CategoryColumn, *, whole: bool = False) -> None:
        self._artists = artists
        self._titles = titles
        self._whole = whole
        self._seen: set[tuple[int, Any]] = set()

    def __call__(self, rows: Rows) -> Mask:
        """Return which rows are kept, remembering them."""
        artists = self._artists.vocabulary.primaries(self._artists.codes[rows])
        titles = self._titles.codes[rows].tolist() if self._whole else self._works(rows)
        return np.fromiter(map(self._keeps, zip(artists.tolist(), titles, strict=True)), np.bool_, len(rows))

    def _works(self, rows: Rows) -> list[str | None]:
        return [title and work_title(title) for title in self._titles.names(rows)]

    def _keeps(self, key: tuple[int, Any]) -> bool:
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new
