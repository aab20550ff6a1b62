"""The posting lists of a table as a search sees them: the rows that the table names, and what it adds to their sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.ranking.formula import Term
from qfzz_core.ranking.index.bounds import Sums, raised, reaching
from qfzz_core.ranking.index.build import MANY_ENTRIES, Index
from qfzz_core.ranking.index.entries import Places, Ranges, flat
from qfzz_core.ranking.index.scanner import FEW_ENTRIES, RangeScanner, TooManyError
from qfzz_core.ranking.shapes import ValueTable

# Entries looked at before the threshold is raised. With 2,000 liked artists, the best 50 of a million tracks take
# 2.4 ms with 1,024, 2.0 with 4,096, 2.4 with 16,384 and 2.7 with 65,536.
POSTING_BLOCK = 4_096
# Ranges looked at for the first threshold: the same take 2.9 ms with 4, 2.2 with 16, 2.5 with 64 and 2.8 with 256.
FIRST_RANGES = 16
NONE: Places = np.empty(0, dtype=np.intp)


class PostingLists:
    """The rows that one table names: those of categories with few entries one by one, of those with many cell by cell.

    `cells` are the bounds of the cells, and `bound` is the largest sum that a row can have apart from the table, which
    adds at most `upper_bound`.
    """

    def __init__(
        self, term: Term, table: ValueTable, index: Index, *, cells: Values, bound: float, scanner: RangeScanner
    ) -> None:
        self._scanner = scanner
        self._cells = cells
        self._bound = bound
        postings = index.postings[table.name]
        starts, stops = postings.spans(table.codes + 1)
        lists = Ranges(table.codes + 1, term.weight * (table.values - table.default), starts, stops)
        order = (-lists.bounds).argsort(kind="stable")
        lists = lists.some(order[((stops > starts) & (lists.bounds > 0.0))[order]])
        self.upper_bound = float(lists.bounds[0]) if len(lists.bounds) else 0.0
        self._entries = postings.entries
        many = lists.lengths() > MANY_ENTRIES
        self._few = lists.some(~many)
        self._few_seen = self._few.lengths().cumsum()
        self._runs = postings.runs
        self._many_bounds = lists.bounds[many]
        runs = self._runs.lists.searchsorted(lists.cells[many])
        self._spans = np.stack([self._runs.firsts[runs], self._runs.firsts[runs + 1]])
        self._many = 0, Ranges.none()  # of how many categories the ranges are known, and these
        self._first: tuple[Places, Sums] = NONE, (NONE, np.empty(0))  # what was summed for the first threshold

    def first_threshold(self, count: int) -> float:
        """Return a sum that at least `count` rows reach, from the highest cells of the categories with many entries."""
        if not len(self._many_bounds):
            return -np.inf
        seen = (self._spans[1] - self._spans[0]).cumsum()
        ranges = self._ranges(max(1, int(seen.searchsorted(POSTING_BLOCK, "right"))))
        first = ranges.highest(FIRST_RANGES, 2 * count)
        ranges = ranges.some(first)
        if ranges.total() <= FEW_ENTRIES:
            found = self._scanner.summed(self._entries, ranges)
            self._first = first, found
        else:
            found = self._scanner.nearest(self._entries, ranges, count, (ranges.starts, ranges.stops))
        return raised(-np.inf, [found], count)

    def reaching(self, others: float, threshold: float, count: int | None, limit: int) -> tuple[Rows, Values, float]:
        """Return the rows that can reach the threshold, what they have at least, and the threshold, raised by them.

        `others` is what other tables can add. Raises `TooManyError` if more than `limit` would have to be looked at.
        """
        found = [reaching(self._scanner.cutoff(threshold - others), *self._first[1])]
        threshold = self._add_many(found, others, threshold, count, limit)
        few, taken, at = self._few, sum(len(sums) for _, sums in found), 0
        while at < len(few.bounds) and self._bound + few.bounds[at] + others >= self._scanner.cutoff(threshold):
            stop = self._block(at)
            block = few.some(slice(at, stop))
            found.append(self._scanner.listed(self._entries, block, self._cells, threshold - others))
            taken += len(found[-1][1])
            if taken > limit:
                raise TooManyError
            if len(found[-1][1]):
                threshold = raised(threshold, found, count)
            at = stop
        places, sums = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
        return self._entries.rows_at(places), sums, threshold

    def _add_many(self, found: list[Sums], others: float, threshold: float, count: int | None, limit: int) -> float:
        """Add the other places that can reach the threshold of the categories with many entries, and return it raised.

        Ties are thinned out only when no other table adds anything: of tracks that tie in a liked artist's list, a
        liked title can put a late one first.
        """
        ties = count if others == 0.0 else None
        left, size = self._left(threshold - others), POSTING_BLOCK
        while len(left.bounds):
            block, left = left.parted(size)
            found.append(self._scanner.near_enough(self._entries, block, threshold - others, ties, limit))
            threshold = raised(threshold, found, count)
            if len(left.bounds):
                left, size = left.some(self._likely(left, threshold - others).nonzero()[0]), 4 * size
        return threshold

    def _left(self, threshold: float) -> Ranges:
        """Return the entries of categories with many that can reach a threshold, but those summed for the first one."""
        cutoff = self._scanner.cutoff(threshold)
        ranges = self._ranges(int((-self._many_bounds).searchsorted(self._bound - cutoff, "right")))
        likely = self._likely(ranges, threshold)
        likely[self._first[0]] = False
        return ranges.some(likely.nonzero()[0])

    def _likely(self, ranges: Ranges, threshold: float) -> NDArray[np.bool_]:
        """Return of which ranges a row can reach a threshold."""
        return ranges.bounds >= self._scanner.cutoff(threshold) - self._scanner.upper_bound

    def _ranges(self, count: int) -> Ranges:
        """Return the entries of at least the first `count` categories with many, as ranges of one cell each."""
        if self._many[0] < count:
            runs, lengths = flat(*self._spans[:, :count])
            known = (self._runs.cells, self._runs.starts, self._runs.stops)
            cells, starts, stops = (array[runs].astype(np.intp) for array in known)
            bounds = self._cells[cells] + self._many_bounds[:count].repeat(lengths)
            self._many = count, Ranges(cells, bounds, starts, stops)
        return self._many[1]

    def _block(self, at: int) -> int:
        """Return where a block of categories with few entries that begins at `at` ends."""
        before = int(self._few_seen[at - 1]) if at else 0
        return max(at + 1, int(self._few_seen.searchsorted(before + POSTING_BLOCK, "right")))
