"""The postings of a table as a search sees them: the rows that the table names, and what it adds to their sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.ranking.formula import Term
from qfzz_core.ranking.index.build import MANY, Index, Places, index_rows
from qfzz_core.ranking.index.entries import Ranges, above, risen
from qfzz_core.ranking.index.layout import table_of
from qfzz_core.ranking.index.scanner import FEW, TooManyError, Walk

BLOCK = 4_096  # entries of postings looked at before the floor is looked at again
FIRST_RANGES = 16  # looked at for the first floor
Found = tuple[Places, Values]
NOTHING: Found = np.empty(0, dtype=np.intp), np.empty(0)


class Posted:
    """The rows that one table names: those of categories with few entries one by one, of those with many cell by cell.

    `heights` are the sums of the cells, `peak` is the most that a row has apart from the table, and `top` the most that
    the table adds.
    """

    def __init__(self, term: Term, index: Index, heights: Values, peak: float, walk: Walk) -> None:
        self._walk = walk
        self._heights = heights
        self._peak = peak
        table = table_of(term)
        postings = index.postings[table.name]
        starts, stops = postings.spans(table.codes)
        sums = term.weight * (table.values - table.default)
        order = (-sums).argsort(kind="stable")
        order = order[((stops > starts) & (sums > 0.0))[order]]
        codes, starts, stops, sums = table.codes[order], starts[order], stops[order], sums[order]
        self.top = float(sums[0]) if len(sums) else 0.0
        self._entries = postings.entries
        many = stops - starts > MANY
        few = ~many
        self._few = Ranges(codes[few], sums[few], starts[few], stops[few])
        self._few_seen = (self._few.stops - self._few.starts).cumsum()
        self._runs = postings.runs
        self._many_sums = sums[many]
        runs = self._runs.codes.searchsorted(codes[many])
        self._spans = np.stack([self._runs.firsts[runs], self._runs.firsts[runs + 1]])
        self._many: tuple[int, Ranges] = 0, Ranges.none()  # of how many categories the ranges are known, and these
        self._first: tuple[Places, Found] = NOTHING[0], NOTHING  # the ranges summed for the first floor, and their sums

    def first_floor(self, count: int) -> float:
        """Return a sum that at least `count` rows reach, from the highest cells of the categories with many entries."""
        if not len(self._many_sums):
            return -np.inf
        seen = (self._spans[1] - self._spans[0]).cumsum()
        ranges = self._ranges(max(1, int(seen.searchsorted(BLOCK, "right"))))
        first = ranges.highest(FIRST_RANGES, 2 * count)
        ranges = ranges.some(first)
        if ranges.total() <= FEW:
            found = self._walk.summed(self._entries, ranges)
            self._first = first, found
        else:
            found = self._walk.nearest(self._entries, ranges, count, (ranges.starts, ranges.stops))
        return risen(-np.inf, [found], count)

    def reaching(self, others: float, floor: float, count: int | None, limit: int) -> tuple[Rows, Values, float]:
        """Return the rows that can reach the floor, what they have at least, and the floor, which rises with them.

        `others` is what other tables can add. Raises `TooManyError` if more than `limit` would have to be looked at.
        """
        found = [above(self._walk.least(floor - others), *self._first[1])]
        floor = self._add_many(found, others, floor, count, limit)
        few, taken, at = self._few, sum(len(sums) for _, sums in found), 0
        while at < len(few.heights) and self._peak + few.heights[at] + others >= self._walk.least(floor):
            stop = self._block(at)
            block = Ranges(few.cells[at:stop], few.heights[at:stop], few.starts[at:stop], few.stops[at:stop])
            found.append(self._walk.listed(self._entries, block, self._heights, floor - others))
            taken += len(found[-1][1])
            if taken > limit:
                raise TooManyError
            if len(found[-1][1]):
                floor = risen(floor, found, count)
            at = stop
        places, sums = np.concatenate([places for places, _ in found]), np.concatenate([sums for _, sums in found])
        return index_rows(self._entries, places), sums, floor

    def _add_many(self, found: list[Found], others: float, floor: float, count: int | None, limit: int) -> float:
        """Add the other places that can reach the floor of the categories with many entries, and return the floor."""
        ties = count if others == 0.0 else None  # another table may tell apart what ties here
        left, size = self._left(floor - others), BLOCK
        while len(left.heights):
            block, left = left.parted(size)
            found.append(self._walk.near_enough(self._entries, block, floor - others, ties, limit))
            floor = risen(floor, found, count)
            if len(left.heights):
                left, size = left.some(self._likely(left, floor - others).nonzero()[0]), 4 * size
        return floor

    def _left(self, floor: float) -> Ranges:
        """Return the entries of the categories with many that can reach a floor, but those summed for the first one."""
        least = self._walk.least(floor)
        ranges = self._ranges(int((-self._many_sums).searchsorted(self._peak - least, "right")))
        likely = self._likely(ranges, floor)
        likely[self._first[0]] = False
        return ranges.some(likely.nonzero()[0])

    def _likely(self, ranges: Ranges, floor: float) -> NDArray[np.bool_]:
        """Return of which ranges a row can reach a floor."""
        return ranges.heights >= self._walk.least(floor) - self._walk.top

    def _ranges(self, count: int) -> Ranges:
        """Return the entries of at least the first `count` categories with many, as ranges of one cell each."""
        if self._many[0] < count:
            spans = [slice(*span) for span in zip(*self._spans[:, :count].tolist(), strict=True)]
            cells, starts, stops = self._runs.joined(spans)
            lengths = self._spans[1, :count] - self._spans[0, :count]
            heights = self._heights[cells] + self._many_sums[:count].repeat(lengths)
            self._many = count, Ranges(cells, heights, starts, stops)
        return self._many[1]

    def _block(self, at: int) -> int:
        """Return where a block of categories with few entries that begins at `at` ends."""
        before = int(self._few_seen[at - 1]) if at else 0
        return max(at + 1, int(self._few_seen.searchsorted(before + BLOCK, "right")))
