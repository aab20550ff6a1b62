"""What the terms of a formula add to the sums of an index's rows: by cell, by distance from the target, by posting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfzz_core.contracts import Values
from qfzz_core.ranking.formula import Term
from qfzz_core.ranking.index import MANY, MISSING, Index, Places, Sorted, index_rows
from qfzz_core.ranking.layout import distance_of, table_of
from qfzz_core.ranking.ranges import Ranges, flat
from qfzz_core.ranking.shapes import Function, Table

BLOCK = 4_096  # entries of postings looked at before the floor is looked at again
_LEVELS = np.uint32(MISSING)


def heights(terms: Sequence[Term], index: Index) -> Values:
    """Return the part of the sums that each cell fixes."""
    grid = np.zeros(1)
    for name, size in index.dims.items():
        axis = np.zeros(size)
        for term in terms:
            table = table_of(term)
            if table.name == name:
                axis += _by_cell(table, term.weight, size)
        grid = (grid.reshape(-1, 1) + axis).reshape(-1)
    return grid


def _by_cell(table: Table, weight: float, size: int) -> Values:
    """Return the weighted values of the codes from -1 to `size` - 2."""
    values = np.full(size, weight * table.default)
    known = int(table.codes.searchsorted(size - 1))  # the vocabulary may have grown since
    values[table.codes[:known] + 1] = weight * table.values[:known]
    return values


def most(term: Term) -> float:
    """Return the largest value that a row can have."""
    shape = term.evaluate
    if isinstance(shape, Table):
        return shape.top
    return shape.bound if isinstance(shape, Function) else 1.0


class Order:
    """The term by whose number the rows of a cell are sorted."""

    def __init__(self, term: Term, index: Index) -> None:
        self._distance = distance_of(term)
        self._weight = term.weight
        self._levels = index.levels
        self.has_missing = index.has_missing
        self.missing = self._weight * self._distance.missing
        self._by_level = self._level_parts() if index.levels.exact else None
        self.top = self._weight if not self.has_missing else max(self._weight, self.missing)
        self.target_level = int(np.searchsorted(index.levels.edges, self._distance.target))
        self.pure = index.levels.pure

    def parts(self, entries: Sorted, places: Places) -> Values:
        """Return what the term adds to the sums of entries."""
        if self._by_level is not None:
            known: Values = self._by_level[entries.keys[places] & _LEVELS]
            return known
        return self._weight * self._distance.of_numbers(self._distance.column.at(index_rows(entries, places)))

    def _level_parts(self) -> Values:
        """Return what the term adds for each level, the missing one included."""
        known = self._weight * self._distance.of_numbers(self._levels.edges)
        if not self.has_missing:
            return known
        parts = np.empty(MISSING + 1)
        parts[: len(known)] = known
        parts[MISSING] = self.missing
        return parts

    def levels_within(self, heights: Values, least: float) -> tuple[Places, Places]:
        """Return from which level on, and before which, rows of these heights can have a sum of `least`."""
        edges = self._levels.edges
        with np.errstate(over="ignore"):
            reach = ((heights - least) / self._weight + 1.0) * self._distance.scale
            reach[heights >= least] = np.inf  # however far: the value is never below 0
            low = np.searchsorted(edges, self._distance.target - reach, "right") - 1
            high = np.searchsorted(edges, self._distance.target + reach, "right")
        return np.maximum(low, 0), high


class Bonus:
    """What a table adds to the sums of the categories that it names, the largest first: of those with few entries one
    by one, of those with many cell by cell.
    """

    def __init__(self, term: Term, index: Index) -> None:
        table = table_of(term)
        postings = index.postings[table.name]
        starts, stops = postings.spans(table.codes)
        sums = term.weight * (table.values - table.default)
        order = ((stops > starts) & (sums > 0.0)).nonzero()[0]
        order = order[np.argsort(-sums[order], kind="stable")]
        codes, starts, stops, sums = table.codes[order], starts[order], stops[order], sums[order]
        self.entries = postings.entries
        self.top = float(sums.max(initial=0.0))
        many = stops - starts > MANY
        few = ~many
        self.few_starts, self.few_stops, self.few_sums = starts[few], stops[few], sums[few]
        self._few_seen = (self.few_stops - self.few_starts).cumsum()
        self._runs = postings.runs
        self._many_sums = sums[many]
        self._many = self._runs.codes.searchsorted(codes[many])
        self.has_many = len(self._many) > 0
        self._found: tuple[int, Ranges] | None = None  # the ranges that were looked up last, of how many categories

    def ranges(self, heights: Values, least: float) -> Ranges:
        """Return the entries of the categories with many of them and at least so much, as ranges of one cell each."""
        return self._ranges(heights, int((-self._many_sums).searchsorted(-least, "right")))

    def first_ranges(self, heights: Values) -> Ranges:
        """Return the entries of the first categories with many of them, as ranges of one cell each."""
        seen = (self._runs.firsts[self._many + 1] - self._runs.firsts[self._many]).cumsum()
        return self._ranges(heights, max(1, int(seen.searchsorted(BLOCK, "right"))))

    def _ranges(self, heights: Values, count: int) -> Ranges:
        if self._found is not None and self._found[0] == count:
            return self._found[1]
        many, runs = self._many[:count], self._runs
        places, lengths = flat(runs.firsts[many], runs.firsts[many + 1])
        cells = runs.cells[places].astype(np.intp)
        sums = heights[cells] + self._many_sums[:count].repeat(lengths)
        ranges = Ranges(cells, sums, runs.starts[places].astype(np.intp), runs.stops[places].astype(np.intp))
        self._found = count, ranges
        return ranges

    def block(self, at: int) -> int:
        """Return where a block of categories with few entries that begins at `at` ends."""
        before = int(self._few_seen[at - 1]) if at else 0
        return max(at + 1, int(np.searchsorted(self._few_seen, before + BLOCK, "right")))


def of_levels(order: Order, entries: Sorted, ranges: Ranges, levels: tuple[Places, Places], count: int) -> Ranges:
    """Return ranges of one level each, of which only the first `count` rows are kept where all are ties."""
    level, lengths = flat(*levels)
    cells, heights = ranges.cells.repeat(lengths), ranges.heights.repeat(lengths)
    within = ranges.starts.repeat(lengths), ranges.stops.repeat(lengths)
    starts, stops = entries.between(cells, level, level + 1, within)
    stops = np.where(order.pure[level], np.minimum(stops, starts + count), stops)
    some = (stops > starts).nonzero()[0]
    return Ranges(cells[some], heights[some], starts[some], stops[some])
