"""Scans ranges of an index's entries: what their sums are, and which of them reach a threshold."""

from __future__ import annotations

import numpy as np

from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.index.bounds import OrderTerm, Sums, reaching
from qfzz_core.ranking.index.entries import MISSING, Places, Ranges, SortedEntries, Span, flat

# Entries of one cell up to which looking at all is as good as searching for the near ones: a search takes about a
# microsecond, in which 500 are summed. The best 50 of a million take 0.73 ms with 32, 0.68 with 512, 0.70 with 8,192.
LONG_RANGE = 512
# Entries up to which ties are not worth thinning out, and a search not worth giving up. The best 50 of a million take
# 1.29 ms with 512, 1.18 with 2,048, 1.13 with 8,192, 1.14 with 32,768 and 1.17 with 131,072.
FEW_ENTRIES = 8_192


class TooManyError(Exception):
    """So many rows can reach the result that scoring all is as good."""


class RangeScanner:
    """Scans ranges of entries for one formula, and counts for the plan how many were looked at.

    `order` is what the place inside a cell adds to a sum, None if nothing does; sums are compared with `slack`. Where
    a method has a `count`, rows may be left out that tie with `count` others of their cell, but with `evaluates` none
    are: terms that are evaluated later can put apart what ties here.
    """

    def __init__(self, order: OrderTerm | None, *, slack: float, evaluates: bool, plan: Plan) -> None:
        self._order = order
        self._slack = slack
        self._evaluates = evaluates
        self._plan = plan
        self.upper_bound = 0.0 if order is None else order.upper_bound  # of what the place inside a cell adds

    def cutoff(self, threshold: float) -> float:
        """Return the least sum that counts as reaching a threshold.

        Sums are 0 or more, but minus infinity in cells that may not be chosen: without the -1, a threshold of minus
        infinity, when fewer rows than wanted are allowed, would let all of them in.
        """
        return max(threshold - self._slack, -1.0)

    def summed(self, entries: SortedEntries, ranges: Ranges) -> Sums:
        """Return the places of ranges of entries one after another, and the sums there."""
        places, lengths = flat(ranges.starts, ranges.stops)
        self._plan.looked_at += len(places)
        sums = ranges.bounds.repeat(lengths)
        if self._order is not None:
            sums += self._order.parts(entries, places)
        return places, sums

    def nearest(self, entries: SortedEntries, ranges: Ranges, count: int, within: Span | None = None) -> Sums:
        """Return the places of the `count` entries nearest to the target on either side of it in each range."""
        starts, stops = ranges.starts, ranges.stops
        if self._order is None:
            stops = np.minimum(stops, starts + count)
        else:
            near = entries.places(ranges.cells, self._order.target_level, within)
            starts, stops = np.maximum(starts, near - count), np.minimum(stops, near + count)
        return self.summed(entries, Ranges(ranges.cells, ranges.bounds, starts, stops))

    def reaching(self, entries: SortedEntries, ranges: Ranges, threshold: float, count: int | None, limit: int) -> Sums:
        """Return the places of the entries in ranges whose sum reaches the threshold, and the sums.

        Raises `TooManyError` if more than `limit` would have to be looked at.
        """
        if count is not None and self._order is None and not self._evaluates:
            # The others of a cell tie with these and come later in the catalogue. A term that is evaluated later could
            # put a late one first, so then all of them stay.
            ranges = ranges._replace(stops=np.minimum(ranges.stops, ranges.starts + count))
        if ranges.total() > limit:
            raise TooManyError
        return reaching(self.cutoff(threshold), *self.summed(entries, ranges))

    def near(
        self,
        entries: SortedEntries,
        cells: Places,
        bounds: Values,
        threshold: float,
        count: int | None,
        *,
        within: Span | None = None,
    ) -> Ranges:
        """Return where the rows of cells are, in stretches `within` the entries if they are given, that are near enough
        to the target to reach the threshold.
        """
        order = self._order
        if order is None:
            return Ranges(cells, bounds, entries.places(cells, 0), entries.places(cells + 1, 0))
        cutoff = self.cutoff(threshold)
        low, high = order.levels_within(bounds, cutoff)
        ranges = Ranges(cells, bounds, *entries.between(cells, low, high, within))
        ties = None if self._evaluates else count  # making one range of each level pays if it spares more entries
        if ties is not None and ranges.total() > max(FEW_ENTRIES + 8 * ties, int((high - low).sum())):
            ranges = order.thinned(entries, ranges, (low, high), ties)
        if order.has_missing:
            blank = (bounds + order.missing >= cutoff).nonzero()[0]
            last = np.full(len(blank), MISSING)
            some = None if within is None else (within[0][blank], within[1][blank])
            starts, stops = entries.between(cells[blank], last, last + 1, some)
            if ties is not None:
                stops = np.minimum(stops, starts + ties)
            ranges = ranges.and_also(Ranges(cells[blank], bounds[blank], starts, stops))
        return ranges

    def near_enough(
        self, entries: SortedEntries, ranges: Ranges, threshold: float, count: int | None, limit: int
    ) -> Sums:
        """Return the places in ranges, each inside one cell, that reach the threshold, and their sums; may raise as
        `reaching` does.
        """
        if self._order is not None:
            long = ranges.lengths() > LONG_RANGE
            if np.count_nonzero(long):
                cells, bounds, *within = ranges.some(long.nonzero()[0])
                near = self.near(entries, cells, bounds, threshold, count, within=(within[0], within[1]))
                ranges = ranges.some((~long).nonzero()[0]).and_also(near)
        return self.reaching(entries, ranges, threshold, count, limit)

    def listed(self, entries: SortedEntries, ranges: Ranges, bounds: Values, threshold: float) -> Sums:
        """Return the places in ranges of whatever cells that reach the threshold, and their sums: the bounds of the
        range and of the cell.
        """
        places, lengths = flat(ranges.starts, ranges.stops)
        self._plan.looked_at += len(places)
        sums = bounds[entries.cells_at(places)] + ranges.bounds.repeat(lengths)
        places, sums = reaching(self.cutoff(threshold) - self.upper_bound, places, sums)
        if self._order is not None:
            sums += self._order.parts(entries, places)
            places, sums = reaching(self.cutoff(threshold), places, sums)
        return places, sums
