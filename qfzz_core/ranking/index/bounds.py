"""What the terms of a formula add to the sums of an index's rows: by cell, by distance from the target, by posting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfzz_core.contracts.factors import Values
from qfzz_core.ranking.formula import Term
from qfzz_core.ranking.index.build import MISSING, Index, Places, Sorted, index_rows
from qfzz_core.ranking.index.entries import Ranges, flat
from qfzz_core.ranking.index.layout import distance_of, table_of
from qfzz_core.ranking.shapes import Function, Table

_LEVELS = np.uint32(MISSING)


def heights(terms: Sequence[Term], index: Index) -> Values:
    """Return the part of the sums that each cell fixes."""
    axes: dict[str, Values] = {}
    for term in terms:
        table = table_of(term)
        axis = term.weight * table.from_missing(index.dims[table.name])
        axes[table.name] = axes[table.name] + axis if table.name in axes else axis
    grid = np.zeros(1)
    for name, size in index.dims.items():
        grid = np.add.outer(grid, axes[name]).reshape(-1) if name in axes else grid.repeat(size)
    return grid


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


def of_levels(order: Order, entries: Sorted, ranges: Ranges, levels: tuple[Places, Places], count: int) -> Ranges:
    """Return ranges of one level each, of which only the first `count` rows are kept where all are ties."""
    level, lengths = flat(*levels)
    cells, heights = ranges.cells.repeat(lengths), ranges.heights.repeat(lengths)
    within = ranges.starts.repeat(lengths), ranges.stops.repeat(lengths)
    starts, stops = entries.between(cells, level, level + 1, within)
    stops = np.where(order.pure[level], np.minimum(stops, starts + count), stops)
    some = (stops > starts).nonzero()[0]
    return Ranges(cells[some], heights[some], starts[some], stops[some])
