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

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.columns import Rows
from qfzz_core.contracts import Values
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index import LEVEL_BITS, MISSING, Index, Places, Sorted, index_rows
from qfzz_core.ranking.layout import Parts, table_of
from qfzz_core.ranking.ordering import Scores, best_of, greatest, united
from qfzz_core.ranking.plan import Plan
from qfzz_core.ranking.ranges import Ranges, above, flat, risen
from qfzz_core.ranking.sums import Bonus, Order, heights, most, of_levels

FIRST_CELLS = 64  # cells looked at for the first floor
LONG = 512  # entries of one cell up to which looking at all of them is as good as searching for the near ones
AHEAD = 16  # times as many rows as are wanted are asked about first, and at most as many again
LEAST_ASKED = 512
FEW = 8_192  # rows up to which ties are not worth thinning out
_CELLS = np.uint32(LEVEL_BITS)
MOST = 1 / 4  # share of the rows beyond which looking at all of them is as good


class TooManyError(Exception):
    """So many rows can reach the result that scoring all is as good."""


class Search:
    """The best rows of one index by one formula, but for the `dead`, which are growing.

    `allowed` says of each cell whether its rows may be chosen.
    """

    def __init__(
        self,
        formula: Formula,
        parts: Parts,
        index: Index,
        *,
        dead: Rows,
        allowed: NDArray[np.bool_] | None = None,
        plan: Plan | None = None,
    ) -> None:
        self._plan = plan or Plan()
        self._earlier = self._plan.scored
        self._scores = Scores(formula)
        self._total = formula.total
        self._dead = dead
        self._index = index
        self._order = None if parts.order is None else Order(parts.order, index)
        self._top = 0.0 if self._order is None else self._order.top
        self._slack = formula.total * 2.0**-38  # above the grain of scores, and far above the error of a sum
        self._asked = sum(term.weight * most(term) for term in parts.asked)
        self._heights = heights(parts.cells, index) + index.barred
        if allowed is not None:
            self._heights[~allowed] = -np.inf
        self._bonuses = [Bonus(term, index) for term in parts.postings]
        defaults = sum(term.weight * table_of(term).default for term in parts.postings)
        if defaults:
            self._heights += defaults
        self._peak = float(self._heights.max(initial=-np.inf))
        self._limit = max(FEW, int(len(index.cells) * MOST))

    # -- what is asked for

    def best(self, count: int) -> tuple[Rows, Values, bool]:
        """Return the best rows in order, their scores, and whether these are all that may be chosen.

        They are the best `count`, or fewer if some of these are dead. Raises `TooManyError` if that is no better done
        by looking at everything.
        """
        if self._asked == 0.0:
            rows, floor = self._candidates(count)
            alive = self._alive(rows)
            count -= len(rows) - len(alive)
            scores = self._scored(alive)
        else:
            alive, scores, floor = self._asking(count)
        return *best_of(alive, scores, len(alive) if floor == -np.inf else max(count, 0)), floor == -np.inf

    def _alive(self, rows: Rows) -> Rows:
        return rows[~np.isin(rows, self._dead)] if len(self._dead) else rows

    def _scored(self, rows: Rows) -> Values:
        scores = self._scores.of(rows)
        self._plan.scored = self._earlier + len(self._scores)
        return scores

    def _asking(self, count: int) -> tuple[Rows, Values, float]:
        """Return the rows that can be among the best when the terms that have to be asked count too, and the scores."""
        wanted = max(AHEAD * count, LEAST_ASKED)
        while True:
            rows, floor = self._candidates(wanted)
            rows = self._alive(rows)
            scores = self._scored(rows)
            if floor == -np.inf:
                return rows, scores, floor
            if len(rows) >= count:
                needed = float(greatest(scores, count)) * self._total - self._asked - self._slack
                if floor <= needed:
                    return rows, scores, floor
                with suppress(TooManyError):
                    rows = self._alive(self._collected(needed, None, AHEAD * wanted)[0])
                    return rows, self._scored(rows), needed
            wanted *= 4
            if wanted > self._limit:
                raise TooManyError

    def _candidates(self, count: int) -> tuple[Rows, float]:
        """Return at least the best `count` rows by what need not be asked, and the floor that all of these reach."""
        floor = max((self._posted_floor(bonus, count) for bonus in self._bonuses if bonus.has_many), default=-np.inf)
        if self._in_reach(floor):
            floor = max(floor, self._first_floor(count))
        return self._collected(floor, count, self._limit)

    def _in_reach(self, floor: float) -> bool:
        """Return whether a row can reach the floor by its cell and number alone."""
        return self._peak + self._top >= floor - self._slack

    def _collected(self, floor: float, count: int | None, limit: int) -> tuple[Rows, float]:
        """Return all rows that reach a floor, growing, and the floor; it rises to what `count` of them reach."""
        found: list[tuple[Rows, Values]] = []
        for bonus in self._bonuses:
            others = sum(other.top for other in self._bonuses if other is not bonus)
            rows, sums, floor = self._posted(bonus, others, floor, count, limit)
            found.append((rows, sums + others))
        if self._in_reach(floor):
            places, sums = self._in_cells(floor, count, limit)
            floor = risen(floor, [(places, sums)], count)
            found.append((index_rows(self._index.cells, places), sums))
        reaching = [rows[sums >= floor - self._slack] for rows, sums in found]
        return united(reaching), floor

    # -- cells

    def _first_floor(self, count: int) -> float:
        """Return a sum that at least `count` rows reach, from the rows near the target in the highest cells."""
        cells = self._highest(count)
        if cells is None:
            return -np.inf
        entries = self._index.cells
        ranges = Ranges(cells, self._heights[cells], entries.places(cells, 0), entries.places(cells + 1, 0))
        _, sums = self._nearest(entries, ranges, count)
        return float(greatest(sums, count)) if len(sums) >= count else -np.inf

    def _nearest(
        self, entries: Sorted, ranges: Ranges, count: int, within: tuple[Places, Places] | None = None
    ) -> tuple[Places, Values]:
        """Return the places of the `count` entries nearest to the target on either side of it in each range."""
        starts, stops = ranges.starts, ranges.stops
        if self._order is None:
            stops = np.minimum(stops, starts + count)
        else:
            near = entries.places(ranges.cells, self._order.target_level, within)
            starts, stops = np.maximum(starts, near - count), np.minimum(stops, near + count)
        return self._summed(entries, Ranges(ranges.cells, ranges.heights, starts, stops))

    def _highest(self, count: int) -> Places | None:
        """Return a few of the highest cells, which together have twice `count` rows; None if all have too few."""
        counts = self._index.counts
        for below in (0.0, self._top / 2):
            cells = (self._heights >= self._peak - below).nonzero()[0]
            if self._peak > -np.inf and int(counts[cells].sum()) >= 2 * count:
                return self._enough(cells, count)
        cells = (self._heights > -np.inf).nonzero()[0]
        return self._enough(cells, count) if int(counts[cells].sum()) >= count else None

    def _enough(self, cells: Places, count: int) -> Places:
        if len(cells) > FIRST_CELLS:
            cells = cells[np.argsort(-self._heights[cells], kind="stable")]
            enough = int(np.searchsorted(np.cumsum(self._index.counts[cells]), 2 * count)) + 1
            cells = cells[: max(FIRST_CELLS, enough)]
        return cells

    def _in_cells(self, floor: float, count: int | None, limit: int) -> tuple[Places, Values]:
        """Return the places of the rows whose cell and number reach the floor, and their sums."""
        cells = (self._heights >= self._least(floor) - self._top).nonzero()[0]
        self._plan.cells += len(cells)
        entries = self._index.cells
        heights = self._heights[cells]
        if self._order is None:
            ranges = Ranges(cells, heights, entries.places(cells, 0), entries.places(cells + 1, 0))
            return self._reaching(entries, ranges, floor, count, limit)
        return self._reaching(entries, self._near(entries, cells, heights, floor, count=count), floor, count, limit)

    def _reaching(
        self, entries: Sorted, ranges: Ranges, floor: float, count: int | None, limit: int
    ) -> tuple[Places, Values]:
        """Return the places of the entries in ranges whose sum reaches the floor, and the sums."""
        if count is not None and self._order is None and not self._asked:
            stops = np.minimum(ranges.stops, ranges.starts + count)  # the others of the cell are ties that come later
            ranges = attrs.evolve(ranges, stops=stops)
        if ranges.total() > limit:
            raise TooManyError
        places, sums = self._summed(entries, ranges)
        return above(self._least(floor), places, sums)

    def _least(self, floor: float) -> float:
        """Return the least sum that can count as reaching a floor; rows that may not be chosen have none."""
        return max(floor - self._slack, -1.0)

    def _near(
        self,
        entries: Sorted,
        cells: Places,
        heights: Values,
        floor: float,
        *,
        count: int | None,
        within: tuple[Places, Places] | None = None,
    ) -> Ranges:
        """Return where the rows of cells are that are near enough to the target to reach the floor.

        Where a `count` is given, of ties in one cell no more than so many are needed: they are in order.
        """
        order = self._order
        assert order is not None
        least = self._least(floor)
        low, high = order.levels_within(heights, least)
        ranges = Ranges(cells, heights, *entries.between(cells, low, high, within))
        thin = count is not None and not self._asked and ranges.total() > max(FEW + 8 * count, int((high - low).sum()))
        blank = (heights + order.missing >= least).nonzero()[0] if order.has_missing else None
        result = of_levels(order, entries, ranges, (low, high), count or 0) if thin else ranges
        if blank is not None:
            some = None if within is None else (within[0][blank], within[1][blank])
            last = np.full(len(blank), MISSING)
            between = entries.between(cells[blank], last, last + 1, some)
            result = result.and_also(Ranges(cells[blank], heights[blank], *between))
        return result

    def _summed(self, entries: Sorted, ranges: Ranges) -> tuple[Places, Values]:
        """Return the places of ranges of entries one after another, and the sums there."""
        places, lengths = flat(ranges.starts, ranges.stops)
        self._plan.looked_at += len(places)
        sums = ranges.heights.repeat(lengths)
        if self._order is not None:
            sums += self._order.parts(entries, places)
        return places, sums

    # -- postings

    def _posted(
        self, bonus: Bonus, others: float, floor: float, count: int | None, limit: int
    ) -> tuple[Rows, Values, float]:
        """Return the rows that a table names and that can reach the floor, what they have at least, and the floor.

        `others` is what other tables can add to them. The floor rises with what is found.
        """
        found = [self._of_many(bonus, others, floor, count, limit)]
        floor, taken, at = risen(floor, found, count), len(found[0][1]), 0
        while at < len(bonus.few_sums) and self._peak + self._top + bonus.few_sums[at] + others >= floor - self._slack:
            stop = bonus.block(at)
            found.append(self._of_few(bonus, slice(at, stop), floor - others))
            taken += len(found[-1][1])
            if taken > limit:
                raise TooManyError
            if len(found[-1][1]):
                floor = risen(floor, found, count)
            at = stop
        places, sums = np.concatenate([places for places, _ in found]), np.concatenate([sums for _, sums in found])
        return index_rows(bonus.entries, places), sums, floor

    def _of_many(
        self, bonus: Bonus, others: float, floor: float, count: int | None, limit: int
    ) -> tuple[Places, Values]:
        """Return the places that can reach the floor of all categories with many entries, and their sums."""
        if not bonus.has_many:
            return np.empty(0, dtype=np.intp), np.empty(0)
        ranges = bonus.ranges(self._heights, floor - self._slack - self._peak - self._top - others)
        likely = self._likely(ranges, floor - others)
        ties = count if others == 0.0 else None  # another table may tell apart what ties here
        return self._near_enough(bonus.entries, likely, floor - others, ties, limit)

    def _posted_floor(self, bonus: Bonus, count: int) -> float:
        """Return a sum that at least `count` rows reach, from the highest cells of the categories with many entries."""
        ranges = self._likely(bonus.first_ranges(self._heights), -np.inf)
        if len(ranges.heights) > FIRST_CELLS:
            ranges = ranges.some(np.argpartition(-ranges.heights, FIRST_CELLS)[:FIRST_CELLS])
        if ranges.total() <= FEW:
            found = self._summed(bonus.entries, ranges)
        else:
            found = self._nearest(bonus.entries, ranges, count, (ranges.starts, ranges.stops))
        return risen(-np.inf, [found], count)

    def _likely(self, ranges: Ranges, floor: float) -> Ranges:
        """Return the ranges in which a row can reach the floor."""
        return ranges.some((ranges.heights >= self._least(floor) - self._top).nonzero()[0])

    def _near_enough(
        self, entries: Sorted, ranges: Ranges, floor: float, count: int | None, limit: int
    ) -> tuple[Places, Values]:
        """Return the places in ranges that reach the floor, and their sums."""
        if self._order is not None:
            long = ranges.stops - ranges.starts > LONG
            if long.any():
                some = ranges.some(long.nonzero()[0])
                near = self._near(
                    entries, some.cells, some.heights, floor, count=count, within=(some.starts, some.stops)
                )
                ranges = ranges.some((~long).nonzero()[0]).and_also(near)
        return self._reaching(entries, ranges, floor, count, limit)

    def _of_few(self, bonus: Bonus, some: slice, floor: float) -> tuple[Places, Values]:
        """Return the places that reach the floor of some of the categories with few entries, and their sums."""
        places, lengths = flat(bonus.few_starts[some], bonus.few_stops[some])
        self._plan.looked_at += len(places)
        cells = bonus.entries.keys[places] >> _CELLS
        sums = self._heights[cells] + bonus.few_sums[some].repeat(lengths)
        places, sums = above(self._least(floor) - self._top, places, sums)
        if self._order is not None:
            sums += self._order.parts(bonus.entries, places)
            places, sums = above(self._least(floor), places, sums)
        return places, sums
