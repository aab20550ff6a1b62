"""Looking at the entries of an index: what their sums are, and which of them reach a floor."""

from __future__ import annotations

import attrs
import numpy as np

from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.index.bounds import Order, of_levels
from qfzz_core.ranking.index.build import LEVEL_BITS, MISSING, Places, Sorted
from qfzz_core.ranking.index.entries import Ranges, above, flat

LONG = 512  # entries of one cell up to which looking at all of them is as good as searching for the near ones
FEW = 8_192  # rows up to which ties are not worth thinning out
_CELLS = np.uint32(LEVEL_BITS)


class TooManyError(Exception):
    """So many rows can reach the result that scoring all is as good."""


class Walk:
    """Looks at ranges of entries for one formula, and tells the plan how many.

    `order` is what the place inside a cell adds to a sum, None if nothing does; sums are compared with `slack`. Where
    a method is given a `count`, rows may be left out that tie with `count` others of their cell, unless they are
    `asked` about later.
    """

    def __init__(self, order: Order | None, *, slack: float, asked: bool, plan: Plan) -> None:
        self._order = order
        self._slack = slack
        self._asked = asked
        self._plan = plan
        self.top = 0.0 if order is None else order.top

    def least(self, floor: float) -> float:
        """Return the least sum that can count as reaching a floor; rows that may not be chosen have none."""
        return max(floor - self._slack, -1.0)

    def summed(self, entries: Sorted, ranges: Ranges) -> tuple[Places, Values]:
        """Return the places of ranges of entries one after another, and the sums there."""
        places, lengths = flat(ranges.starts, ranges.stops)
        self._plan.looked_at += len(places)
        sums = ranges.heights.repeat(lengths)
        if self._order is not None:
            sums += self._order.parts(entries, places)
        return places, sums

    def nearest(
        self, entries: Sorted, ranges: Ranges, count: int, within: tuple[Places, Places] | None = None
    ) -> tuple[Places, Values]:
        """Return the places of the `count` entries nearest to the target on either side of it in each range."""
        starts, stops = ranges.starts, ranges.stops
        if self._order is None:
            stops = np.minimum(stops, starts + count)
        else:
            near = entries.places(ranges.cells, self._order.target_level, within)
            starts, stops = np.maximum(starts, near - count), np.minimum(stops, near + count)
        return self.summed(entries, Ranges(ranges.cells, ranges.heights, starts, stops))

    def reaching(
        self, entries: Sorted, ranges: Ranges, floor: float, count: int | None, limit: int
    ) -> tuple[Places, Values]:
        """Return the places of the entries in ranges whose sum reaches the floor, and the sums.

        Raises `TooManyError` if more than `limit` would have to be looked at.
        """
        if count is not None and self._order is None and not self._asked:
            stops = np.minimum(ranges.stops, ranges.starts + count)  # the others of the cell are ties that come later
            ranges = attrs.evolve(ranges, stops=stops)
        if ranges.total() > limit:
            raise TooManyError
        places, sums = self.summed(entries, ranges)
        return above(self.least(floor), places, sums)

    def near(
        self,
        entries: Sorted,
        cells: Places,
        heights: Values,
        floor: float,
        count: int | None,
        *,
        within: tuple[Places, Places] | None = None,
    ) -> Ranges:
        """Return where the rows of cells are, in stretches `within` the entries if they are given, that are near enough
        to the target to reach the floor.
        """
        order = self._order
        if order is None:
            return Ranges(cells, heights, entries.places(cells, 0), entries.places(cells + 1, 0))
        least = self.least(floor)
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

    def near_enough(
        self, entries: Sorted, ranges: Ranges, floor: float, count: int | None, limit: int
    ) -> tuple[Places, Values]:
        """Return the places in ranges, each inside one cell, that reach the floor, and their sums; may raise as
        `reaching` does.
        """
        if self._order is not None:
            long = ranges.stops - ranges.starts > LONG
            if np.count_nonzero(long):
                some = ranges.some(long.nonzero()[0])
                within = some.starts, some.stops
                near = self.near(entries, some.cells, some.heights, floor, count, within=within)
                ranges = ranges.some((~long).nonzero()[0]).and_also(near)
        return self.reaching(entries, ranges, floor, count, limit)

    def listed(self, entries: Sorted, ranges: Ranges, heights: Values, floor: float) -> tuple[Places, Values]:
        """Return the places in ranges of whatever cells that reach the floor, and their sums: the heights of the range
        and of the cell.
        """
        places, lengths = flat(ranges.starts, ranges.stops)
        self._plan.looked_at += len(places)
        sums = heights[entries.keys[places] >> _CELLS] + ranges.heights.repeat(lengths)
        places, sums = above(self.least(floor) - self.top, places, sums)
        if self._order is not None:
            sums += self._order.parts(entries, places)
            places, sums = above(self.least(floor), places, sums)
        return places, sums
