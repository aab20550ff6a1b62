"""Threshold search: the best rows of an index, looking only at those that can be among them.

The sum of a row's weighted values has a part that its cell fixes, a part that the distance of its number from the
target fixes, a part for each posting that names it, and a part that has to be asked for. From the first two follows a
floor that `count` rows reach for sure; what cannot reach the floor is never looked at. Sums are compared with slack,
because they are added in another order than the specification's; the rows that are left are scored exactly.

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
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index.bounds import Order, heights
from qfzz_core.ranking.index.build import Index, Places, index_rows
from qfzz_core.ranking.index.entries import Ranges, above, risen
from qfzz_core.ranking.index.evaluate import Asking
from qfzz_core.ranking.index.layout import Parts, table_of
from qfzz_core.ranking.index.postings import Posted
from qfzz_core.ranking.index.scanner import FEW, TooManyError, Walk
from qfzz_core.ranking.index.sums import Scores, best_of, united, united_sums

FIRST_CELLS = 16  # looked at for the first floor
AHEAD = 4  # times as many rows as are wanted are asked about first
LEAST_ASKED = 256
MOST = 1 / 4  # share of the rows beyond which looking at all of them is as good
MOST_ASKED = 1 / 2  # the same where asking costs more than looking

Found = list[tuple[Rows, Values]]


class Search:
    """The best rows of one index by one formula, but for the `deleted`, which are growing.

    `allowed` says of each cell whether its rows may be chosen.
    """

    def __init__(
        self,
        formula: Formula,
        parts: Parts,
        index: Index,
        *,
        deleted: Rows,
        allowed: NDArray[np.bool_] | None = None,
        plan: Plan | None = None,
    ) -> None:
        self._plan = plan or Plan()
        self._earlier = self._plan.scored
        self._scores = Scores(formula)
        self._deleted = deleted
        self._index = index
        self._slack = formula.total * 2.0**-38  # above the grain of scores, and far above the error of a sum
        self._asking = Asking(formula, parts.asked, slack=self._slack, plan=self._plan)
        order = None if parts.order is None else Order(parts.order, index)
        self._walk = Walk(order, slack=self._slack, asked=self._asking.most > 0.0, plan=self._plan)
        self._heights = heights(parts.cells, index)
        self._heights += index.barred
        if allowed is not None:
            self._heights[~allowed] = -np.inf
        defaults = sum(term.weight * table_of(term).default for term in parts.postings)
        if defaults:
            self._heights += defaults
        self._highest = float(self._heights.max(initial=-np.inf))
        self._peak = self._highest + self._walk.top  # what a row can reach by its cell and number alone
        self._posted = [Posted(term, index, self._heights, self._peak, self._walk) for term in parts.postings]
        self._limit = max(FEW, int(len(index.cells) * MOST))
        self._most_asked = max(FEW, int(len(index.cells) * MOST_ASKED))

    # -- what is asked for

    def best(self, count: int) -> tuple[Rows, Values, bool]:
        """Return the best rows in order, their scores, and whether these are all that may be chosen.

        They are the best `count`, or fewer if some of these are deleted. Raises `TooManyError` if that is no better
        done by looking at everything.
        """
        if self._asking.most == 0.0:
            found, floor = self._candidates(count)
            rows = united([rows for rows, _ in found])
            alive = without(rows, self._deleted)
            count -= len(rows) - len(alive)
            scores = self._scored(alive)
        else:
            alive, scores, floor = self._asked(count)
        return *best_of(alive, scores, len(alive) if floor == -np.inf else max(count, 0)), floor == -np.inf

    def _scored(self, rows: Rows) -> Values:
        scores = self._scores.of(rows)
        self._plan.scored = self._earlier + len(self._scores)
        return scores

    def _asked(self, count: int) -> tuple[Rows, Values, float]:
        """Return the rows that can be among the best when the terms that have to be asked count too, their scores, and
        the floor that the others do not reach by what need not be asked.
        """
        wanted, least = max(AHEAD * count, LEAST_ASKED), -np.inf
        while True:
            found, floor = self._candidates(wanted)
            best = self._asking.best(*self._alive_united(found), count, least)
            if floor <= best.least - self._asking.most:
                return *best.scored(), best.least - self._asking.most
            least = best.least
            if least > -np.inf:
                with suppress(TooManyError):
                    found, floor = self._collected(least - self._asking.most, None, self._most_asked)
                    return *self._asking.best(*self._alive_united(found), count, least).scored(), floor
            wanted *= 4
            if wanted > self._limit:
                raise TooManyError

    def _alive_united(self, found: Found) -> tuple[Rows, Values]:
        rows, sums = united_sums(found)
        if not len(self._deleted):
            return rows, sums
        alive = ~among(rows, self._deleted)
        return rows[alive], sums[alive]

    def _candidates(self, count: int) -> tuple[Found, float]:
        """Return at least the best `count` rows by what need not be asked, and the floor that all of these reach."""
        floor = max((posted.first_floor(count) for posted in self._posted), default=-np.inf)
        if self._in_reach(floor):
            floor = max(floor, self._first_floor(count))
        return self._collected(floor, count, self._limit)

    def _in_reach(self, floor: float) -> bool:
        """Return whether a row can reach the floor by its cell and number alone."""
        return self._peak >= floor - self._slack

    def _collected(self, floor: float, count: int | None, limit: int) -> tuple[Found, float]:
        """Return all rows that reach a floor, some twice, with the most that they have, and the floor.

        It rises to what `count` of them reach.
        """
        found: Found = []
        for posted in self._posted:
            others = sum(other.top for other in self._posted if other is not posted)
            rows, sums, floor = posted.reaching(others, floor, count, limit)
            found.append((rows, sums + others))
        if self._in_reach(floor):
            places, sums = self._in_cells(floor, count, limit)
            floor = risen(floor, [(places, sums)], count)
            found.append((index_rows(self._index.cells, places), sums))
        return [above(floor - self._slack, rows, sums) for rows, sums in found], floor

    # -- cells

    def _first_floor(self, count: int) -> float:
        """Return a sum that at least `count` rows reach, from the rows near the target in the highest cells."""
        cells = self._first_cells(count)
        if cells is None:
            return -np.inf
        entries = self._index.cells
        ranges = Ranges(cells, self._heights[cells], entries.places(cells, 0), entries.places(cells + 1, 0))
        return risen(-np.inf, [self._walk.nearest(entries, ranges, count)], count)

    def _first_cells(self, count: int) -> Places | None:
        """Return a few of the highest cells, which together have twice `count` rows; None if all have too few."""
        counts = self._index.counts
        for below in (0.0, self._walk.top / 2):
            cells = (self._heights >= self._highest - below).nonzero()[0]
            if self._highest > -np.inf and int(counts[cells].sum()) >= 2 * count:
                return self._enough(cells, counts[cells], count)  # where most rows are, the nearest ones are
        cells = (self._heights > -np.inf).nonzero()[0]
        return self._enough(cells, self._heights[cells], count) if int(counts[cells].sum()) >= count else None

    def _enough(self, cells: Places, worth: NDArray[Any], count: int) -> Places:
        """Return the cells that are worth most, a few or as many as have twice `count` rows."""
        if len(cells) > FIRST_CELLS:
            cells = cells[(-worth).argsort(kind="stable")]
            enough = int(self._index.counts[cells].cumsum().searchsorted(2 * count)) + 1
            cells = cells[: max(FIRST_CELLS, enough)]
        return cells

    def _in_cells(self, floor: float, count: int | None, limit: int) -> tuple[Places, Values]:
        """Return the places of the rows whose cell and number reach the floor, and their sums."""
        cells = (self._heights >= self._walk.least(floor) - self._walk.top).nonzero()[0]
        self._plan.cells += len(cells)
        ranges = self._walk.near(self._index.cells, cells, self._heights[cells], floor, count)
        return self._walk.reaching(self._index.cells, ranges, floor, count, limit)
