"""Threshold search: the best rows of an index, looking only at those that can be among them.

The sum of a row's weighted values has a part that its cell fixes, a part that the distance of its number from the
target fixes, a part for each posting that names it, and a part that has to be evaluated. From the first two follows a
threshold that `count` rows reach for sure; what cannot reach the threshold is never looked at. Sums are compared with
slack, because they are added in another order than the specification's; the rows that are left are scored exactly.

This is the threshold algorithm of Fagin, Lotem and Naor ("Optimal aggregation algorithms for middleware", 2003) with
sorted access by cell instead of by attribute.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows, among, without
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.filters import Mask
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index.bounds import OrderTerm, Sums, best_of, cell_bounds, raised, reaching, united, united_sums
from qfzz_core.ranking.index.build import Index
from qfzz_core.ranking.index.entries import Places, Ranges
from qfzz_core.ranking.index.evaluate import Evaluator, ExactScores
from qfzz_core.ranking.index.layout import Parts
from qfzz_core.ranking.index.postings import PostingLists
from qfzz_core.ranking.index.scanner import FEW_ENTRIES, RangeScanner, TooManyError

# Looked at for the first threshold. With 2,000 liked artists the best 50 of a million take 2.9 ms with 1 cell, 2.3 with
# 16, 2.2 with 64 and 2.6 with 256; with few or no liked artists it makes no difference.
FIRST_CELLS = 16
# So many times as many rows as are wanted are evaluated first, but no fewer than MIN_EVALUATED: what has the best sums
# need not have the best scores. With a function of 64 dimensions and AHEAD of 1, 4, 16 and 64, the best 50 of a million
# take 2.7, 2.7, 3.1 and 3.1 ms; with MIN_EVALUATED of 64, 256, 1,024 and 4,096 they take 3.2, 3.2, 3.3 and 4.6 ms.
AHEAD = 4
MIN_EVALUATED = 256
# Share of the rows beyond which looking at all of them is as good: the best 20,000 of a million take 10, 13 and 17 ms
# with 1/16, 1/4 and 1, but the best 60,000 take 49, 45 and 24, because the limit turns a search into a scan of 50 ms.
MAX_SCANNED = 1 / 4
# The same where evaluating costs more than looking: somebody without liked artists waits 17, 13, 14 and 13 ms for the
# best 50 with a function of 64 dimensions at 1/32, 1/8, 1/2 and 1, on average 139, 98, 50 and 49.
MAX_EVALUATED = 1 / 2


class Search:
    """The best rows of one index by one formula, but for the `deleted`, which are ascending.

    `allowed` says of each cell whether its rows may be chosen.
    """

    def __init__(
        self, formula: Formula, parts: Parts, index: Index, *, deleted: Rows, allowed: Mask | None, plan: Plan
    ) -> None:
        self._plan = plan
        self._earlier = plan.scored
        self._scores = ExactScores(formula)
        self._deleted = deleted
        self._index = index
        # Four times the grain, far above the error of a sum. Without it a row is lost whose sum is a last bit below the
        # threshold, or whose score is rounded up to that of the last one found and which comes before it.
        self._slack = formula.total * 2.0**-38
        self._evaluator = Evaluator(formula, parts.evaluated, slack=self._slack, plan=plan)
        order = None if parts.order is None else OrderTerm(*parts.order, index)
        evaluates = self._evaluator.upper_bound > 0.0
        self._scanner = RangeScanner(order, slack=self._slack, evaluates=evaluates, plan=plan)
        self._bounds = cell_bounds(parts.cells, index)
        self._bounds += index.barred
        if allowed is not None:
            self._bounds[~allowed] = -np.inf
        if defaults := sum(term.weight * table.default for term, table in parts.postings):
            self._bounds += defaults
        self._highest = float(self._bounds.max(initial=-np.inf))
        self._bound = self._highest + self._scanner.upper_bound  # what a row can reach by its cell and number alone
        self._postings = [
            PostingLists(*pair, index, cells=self._bounds, bound=self._bound, scanner=self._scanner)
            for pair in parts.postings
        ]
        self._limit = max(FEW_ENTRIES, int(len(index.cells) * MAX_SCANNED))
        self._evaluated_limit = max(FEW_ENTRIES, int(len(index.cells) * MAX_EVALUATED))

    def best(self, count: int) -> tuple[Rows, Values, bool]:
        """Return the best rows in order, their scores, and whether these are all that may be chosen.

        They are the best `count`, or fewer if some of these are deleted. Raises `TooManyError` if that is no better
        done by looking at everything.
        """
        if self._evaluator.upper_bound == 0.0:
            found, threshold = self._candidates(count)
            rows = united(found)
            alive = without(rows, self._deleted)
            # The threshold counts deleted rows, too: of the best 50, 3 of them deleted, only 47 are known to be best.
            count -= len(rows) - len(alive)
            scores = self._scores.of(alive)
            self._plan.scored = self._earlier + len(self._scores)
        else:
            alive, scores, threshold = self._evaluated(count)
        whole = threshold == -np.inf
        return *best_of(alive, scores, len(alive) if whole else max(count, 0)), whole

    def _evaluated(self, count: int) -> tuple[Rows, Values, float]:
        """Return the rows that can be among the best when the evaluated terms count too, their scores, and the
        threshold that the others do not reach by what the index holds.
        """
        evaluator = self._evaluator
        wanted, threshold = max(AHEAD * count, MIN_EVALUATED), -np.inf
        while True:
            found, below = self._candidates(wanted)
            best = evaluator.best(*self._alive_united(found), count, threshold)
            threshold = best.threshold
            needed = threshold - evaluator.upper_bound
            if below <= needed:
                return *best.scored(), needed
            if threshold > -np.inf:
                with suppress(TooManyError):
                    found, below = self._collected(needed, None, self._evaluated_limit)
                    return *evaluator.best(*self._alive_united(found), count, threshold).scored(), below
            wanted *= 4
            if wanted > self._limit:
                raise TooManyError

    def _alive_united(self, found: list[Sums]) -> Sums:
        rows, sums = united_sums(found)
        alive = ~among(rows, self._deleted)
        return rows[alive], sums[alive]

    def _candidates(self, count: int) -> tuple[list[Sums], float]:
        """Return at least the best `count` rows by what the index holds, and the threshold that all of these reach."""
        threshold = max((postings.first_threshold(count) for postings in self._postings), default=-np.inf)
        if self._in_reach(threshold):
            threshold = max(threshold, self._first_threshold(count))
        return self._collected(threshold, count, self._limit)

    def _in_reach(self, threshold: float) -> bool:
        """Return whether a row can reach the threshold by its cell and number alone."""
        return self._bound >= threshold - self._slack

    def _collected(self, threshold: float, count: int | None, limit: int) -> tuple[list[Sums], float]:
        """Return all rows that reach a threshold, some twice, with the most that they have, and the threshold.

        It is raised to what `count` of them reach.
        """
        found: list[Sums] = []
        for postings in self._postings:
            others = sum(other.upper_bound for other in self._postings if other is not postings)
            rows, sums, threshold = postings.reaching(others, threshold, count, limit)
            found.append((rows, sums + others))
        if self._in_reach(threshold):
            places, sums = self._in_cells(threshold, count, limit)
            threshold = raised(threshold, [(places, sums)], count)
            found.append((self._index.cells.rows_at(places), sums))
        return [reaching(threshold - self._slack, rows, sums) for rows, sums in found], threshold

    # -- cells

    def _first_threshold(self, count: int) -> float:
        """Return a sum that at least `count` rows reach, from the rows near the target in the highest cells."""
        cells = self._first_cells(count)
        if cells is None:
            return -np.inf
        entries = self._index.cells
        ranges = Ranges(cells, self._bounds[cells], entries.places(cells, 0), entries.places(cells + 1, 0))
        return raised(-np.inf, [self._scanner.nearest(entries, ranges, count)], count)

    def _first_cells(self, count: int) -> Places | None:
        """Return a few of the highest cells, which together have twice `count` rows; None if all have too few."""
        counts = self._index.counts
        for below in (0.0, self._scanner.upper_bound / 2):
            cells = (self._bounds >= self._highest - below).nonzero()[0]
            if self._highest > -np.inf and int(counts[cells].sum()) >= 2 * count:
                return self._enough(cells, counts[cells], count)  # where most rows are, the nearest ones are
        cells = (self._bounds > -np.inf).nonzero()[0]
        return self._enough(cells, self._bounds[cells], count) if int(counts[cells].sum()) >= count else None

    def _enough(self, cells: Places, worth: NDArray[Any], count: int) -> Places:
        """Return the cells that are worth most, a few or as many as have twice `count` rows."""
        if len(cells) > FIRST_CELLS:
            cells = cells[(-worth).argsort(kind="stable")]
            enough = int(self._index.counts[cells].cumsum().searchsorted(2 * count)) + 1
            cells = cells[: max(FIRST_CELLS, enough)]
        return cells

    def _in_cells(self, threshold: float, count: int | None, limit: int) -> Sums:
        """Return the places of the rows whose cell and number reach the threshold, and their sums."""
        cells = (self._bounds >= self._scanner.cutoff(threshold) - self._scanner.upper_bound).nonzero()[0]
        self._plan.cells += len(cells)
        ranges = self._scanner.near(self._index.cells, cells, self._bounds[cells], threshold, count)
        return self._scanner.reaching(self._index.cells, ranges, threshold, count, limit)
