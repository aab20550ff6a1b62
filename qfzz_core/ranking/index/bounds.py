"""Bounds: what terms add to the sums of rows, at most or by level, and which sums reach a threshold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.ranking.formula import Term
from qfzz_core.ranking.index.build import Index
from qfzz_core.ranking.index.entries import Places, Ranges, SortedEntries, Span, flat
from qfzz_core.ranking.index.layout import TableTerm
from qfzz_core.ranking.shapes import Distance, Function, ValueTable


def cell_bounds(tables: Iterable[TableTerm], index: Index) -> Values:
    """Return the part of the sums that each cell fixes."""
    axes: dict[str, Values] = {}
    for term, table in tables:
        axis = term.weight * table.from_missing(index.dims[table.name])
        axes[table.name] = axes[table.name] + axis if table.name in axes else axis
    grid = np.zeros(1)
    for name, size in index.dims.items():
        grid = np.add.outer(grid, axes[name]).reshape(-1) if name in axes else grid.repeat(size)
    return grid


def upper_bound(term: Term) -> float:
    """Return what a term adds at most to a sum."""
    shape = term.evaluate
    if isinstance(shape, ValueTable):
        return term.weight * shape.upper_bound
    return term.weight * shape.bound if isinstance(shape, Function) else term.weight


class OrderTerm:
    """The term by whose number the rows of a cell are sorted; it adds at most `upper_bound`, and `missing` without a
    number.
    """

    def __init__(self, term: Term, distance: Distance, index: Index) -> None:
        self._distance = distance
        self._weight = term.weight
        self._levels = index.levels
        self.has_missing = index.has_missing
        self.missing = self._weight * distance.missing
        self._by_level = self._weight * distance.of_numbers(index.levels.edges) if index.levels.exact else None
        if self._by_level is not None and self.has_missing:
            # The level MISSING lies beyond the end, so that `parts` clips it to this one.
            self._by_level = np.append(self._by_level, self.missing)
        self.upper_bound = max(self._weight, self.missing) if self.has_missing else self._weight
        self.target_level = int(np.searchsorted(index.levels.edges, distance.target))

    def parts(self, entries: SortedEntries, places: Places) -> Values:
        """Return what the term adds to the sums of entries."""
        if self._by_level is not None:
            return self._by_level.take(entries.levels_at(places), mode="clip")
        return self._weight * self._distance(entries.rows_at(places))

    def levels_within(self, bounds: Values, threshold: float) -> Span:
        """Return from which level on, and before which, rows of cells with these bounds can reach a threshold."""
        edges = self._levels.edges
        with np.errstate(over="ignore"):
            reach = ((bounds - threshold) / self._weight + 1.0) * self._distance.scale
            reach[bounds >= threshold] = np.inf  # however far: the value is never below 0
            low = np.searchsorted(edges, self._distance.target - reach, "right") - 1
            high = np.searchsorted(edges, self._distance.target + reach, "right")
        return np.maximum(low, 0), high

    def thinned(self, entries: SortedEntries, ranges: Ranges, levels: Span, count: int) -> Ranges:
        """Return ranges of one level each, of which only the first `count` rows are kept where all are ties.

        A level that is not pure is kept whole: its later rows may be nearer to the target than the first.
        """
        level, lengths = flat(*levels)
        parts: Iterator[NDArray[Any]] = (part.repeat(lengths) for part in ranges)
        whole = Ranges(*parts)
        starts, stops = entries.between(whole.cells, level, level + 1, (whole.starts, whole.stops))
        stops = np.where(self._levels.pure[level], np.minimum(stops, starts + count), stops)
        return Ranges(whole.cells, whole.bounds, starts, stops).some((stops > starts).nonzero()[0])


Sums = tuple[Rows, Values]  # rows, or places of entries, and a sum for each


def greatest(numbers: Values, count: int) -> float:
    """Return the `count`-th largest number."""
    sorting = numbers.copy()
    sorting.partition(len(numbers) - count)
    return float(sorting[len(numbers) - count])


def reaching(threshold: float, rows: Rows, sums: Values) -> Sums:
    """Return the rows whose sum is not below the threshold, and their sums."""
    some = sums >= threshold
    return rows[some], sums[some]


def raised(threshold: float, found: Sequence[Sums], count: int | None) -> float:
    """Return the threshold, or what `count` of the found reach if that is more."""
    if count is None or sum(len(sums) for _, sums in found) < count:
        return threshold
    return max(threshold, greatest(np.concatenate([sums for _, sums in found]), count))


def best_of(rows: Rows, scores: Values, count: int) -> Sums:
    """Return the best `count` rows in order and their scores; equal scores keep the order of rows."""
    if len(rows) > 4 * count > 0:
        rows, scores = reaching(greatest(scores, count), rows, scores)
    chosen = np.lexsort((rows, -scores))[:count]
    return rows[chosen], scores[chosen]


def united(parts: Sequence[Sums]) -> Rows:
    """Return all rows of several parts, ascending, each once."""
    rows = np.concatenate([rows for rows, _ in parts])
    rows.sort()
    return rows[_firsts(rows)]


def united_sums(parts: Sequence[Sums]) -> Sums:
    """Return all rows of several parts, ascending, each once, and the largest of its sums."""
    rows, sums = np.concatenate([rows for rows, _ in parts]), np.concatenate([sums for _, sums in parts])
    order = rows.argsort()
    rows, sums = rows[order], sums[order]
    first = _firsts(rows).nonzero()[0]
    return (rows, sums) if len(first) == len(rows) else (rows[first], np.maximum.reduceat(sums, first))


def _firsts(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return of each of the ascending rows whether it is the first of its number."""
    first = np.empty(len(rows), dtype=np.bool_)
    first[:1] = True
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return first
