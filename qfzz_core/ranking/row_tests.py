"""Tests of rows; the same test serves a few candidates and the whole snapshot."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import CategoryColumn, FlagColumn, NumberColumn, Rows, TagsColumn
from qfzz_core.contracts.filters import CategoryFilter, RangeFilter
from qfzz_core.plugins.faults import BrokenContractError

Mask = NDArray[np.bool_]
Passes = Callable[[Rows], Mask]

ID_COST = 16  # so many times as long it takes to look up the id of a row as the row of an id, when there are many
NARROW = 4  # codes are looked up one by one unless those between the wanted ones are fewer than one in so many


class IdTest:
    """Tests which rows have one of some track ids, or with `exclude` which have not.

    Looks the ids of few rows up among those ids; for more rows, the rows of those ids.
    """

    def __init__(self, snapshot: Snapshot, track_ids: Collection[str], exclude: bool) -> None:
        self._snapshot = snapshot
        self._track_ids = track_ids
        self._exclude = exclude
        self._named: Mask | None = None  # of all rows, whether they have one of the ids

    def __call__(self, rows: Rows) -> Mask:
        """Return which rows pass."""
        if self._named is None and len(rows) * ID_COST < len(self._track_ids):
            named = self._known(self._snapshot.ids(rows))
        else:
            named = self._flags()[rows]
        return ~named if self._exclude else named

    def _known(self, track_ids: list[str]) -> Mask:
        known = frozenset(track_ids).intersection(self._track_ids)  # without a set of the others, which are many
        return np.fromiter(map(known.__contains__, track_ids), np.bool_, len(track_ids))

    def _flags(self) -> Mask:
        if self._named is None:
            self._named = np.zeros(self._snapshot.columns.length, dtype=np.bool_)
            self._named[self._snapshot.rows(self._track_ids)] = True
        return self._named


class ColumnTest:
    """Tests rows by an array that has an entry for each: any rows, or a stretch of them without looking them up."""

    def __init__(self, array: NDArray[Any], passes: Callable[[NDArray[Any]], Mask]) -> None:
        self._array = array
        self._passes = passes

    def __call__(self, rows: Rows) -> Mask:
        """Return which rows pass."""
        return self._passes(self._array[rows])

    def stretch(self, start: int, stop: int) -> Rows:
        """Return the rows that pass, from `start` to before `stop` or the end."""
        rows: Rows = self._passes(self._array[start:stop]).nonzero()[0] + start
        return rows


class CodeTest(ColumnTest):
    """Tests rows by codes: those pass that have a true entry in `inside`, the last of which is that of code -1."""

    def __init__(self, codes: NDArray[Any], inside: Mask) -> None:
        super().__init__(codes, lambda some: inside.take(some, mode="wrap"))
        wanted = inside[:-1].nonzero()[0]
        self._low, self._high = (int(wanted[0]), int(wanted[-1])) if len(wanted) else (1, 0)
        self._last = len(inside) - 2
        between = self._high - self._low + 1
        self._whole = between == len(wanted)
        self._compares = not inside[-1] and (self._whole or between <= len(inside) // NARROW)

    def stretch(self, start: int, stop: int) -> Rows:
        """Return the rows that pass, from `start` to before `stop` or the end."""
        if not self._compares:
            return super().stretch(start, stop)
        codes = self._array[start:stop]
        between = codes >= self._low  # several times as fast as looking codes up
        if self._high < self._last:
            between &= codes <= self._high
        rows: Rows = between.nonzero()[0] + start
        return rows if self._whole else rows[self(rows)]


def category_test(column: CategoryColumn | TagsColumn, prepared: CategoryFilter) -> Passes:
    """Return the test of a filter on categories or tags."""
    codes = column.vocabulary.codes(prepared.names)
    named = np.zeros(len(column.vocabulary) + 1, dtype=np.bool_)
    named[codes[codes >= 0]] = True
    if isinstance(column, CategoryColumn):
        return CodeTest(column.codes, named != bool(prepared.exclude))

    def passes(rows: Rows) -> Mask:
        some = column.select(rows)
        counts = np.concatenate([[0], np.cumsum(named[some.codes])])
        found: Mask = counts[some.starts[1:]] > counts[some.starts[:-1]]
        return ~found if prepared.exclude else found

    return passes


def range_test(column: NumberColumn | FlagColumn, prepared: RangeFilter) -> ColumnTest:
    """Return the test of a filter on numbers; what is missing never passes."""
    low, high = _end(prepared.low, -math.inf), _end(prepared.high, math.inf)

    def passes(numbers: NDArray[Any]) -> Mask:
        mask = numbers >= low
        mask &= numbers <= high
        return mask

    if isinstance(column, FlagColumn):
        return CodeTest(column.flags, passes(np.array([0.0, 1.0, np.nan])))
    if column.levels is None:
        return ColumnTest(column.stored, passes)
    return CodeTest(column.stored, passes(np.append(column.levels, np.nan)))


def _end(given: Any, open_end: float) -> float:
    if given is None:
        return open_end
    if not isinstance(given, Real):
        raise BrokenContractError(f"a range ends at a number or None, got {given!r}")
    return float(given)
