"""The entries of an index: rows sorted by cell and, inside a cell, by the level of one number; and ranges of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.model.cached_property import cached_property

Keys = NDArray[np.uint32]
Places = NDArray[np.intp]
Span = tuple[Places, Places]  # where several ranges start and stop

LEVEL_BITS = 16
MISSING = (1 << LEVEL_BITS) - 1  # the level of rows without a number: the last of their cell
MAX_LEVELS = MISSING - 1
# Ranges up to which searching one after the other is as fast as in all at once: 16 take 15 and 47 us, 64 take 51 and
# 48 us, 256 take 195 and 58 us.
FEW_RANGES = 64
_CELL = np.uint32(LEVEL_BITS)
_LEVEL = np.uint32(MISSING)


@attrs.frozen(eq=False, slots=False)
class NumberLevels:
    """The ordering numbers in at most 65,534 levels that ascend with the number.

    Level l holds the numbers from `edges[l]` to below `edges[l + 1]`; it is `pure` if they are all `edges[l]`. Without
    an ordering column there is the one level 0.
    """

    edges: Values
    pure: NDArray[np.bool_]

    @classmethod
    def of(cls, numbers: Values) -> NumberLevels:
        """Return levels of numbers, NaN being none of them: every distinct number, or so many equal shares."""
        distinct, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
        if len(distinct) <= MAX_LEVELS:
            return cls(distinct, np.ones(len(distinct), dtype=np.bool_))
        share = np.cumsum(counts) * MAX_LEVELS // (counts.sum() + 1)
        first = np.flatnonzero(np.diff(share, prepend=-1))
        return cls(distinct[first], np.diff(first, append=len(distinct)) == 1)

    @cached_property
    def exact(self) -> bool:
        """Whether all levels are pure."""
        return bool(self.pure.all())

    def level(self, numbers: Values) -> NDArray[np.intp]:
        """Return the levels of numbers, `MISSING` for NaN."""
        levels = np.searchsorted(self.edges, numbers, "right") - 1
        levels[np.isnan(numbers)] = MISSING
        return levels


@attrs.frozen(eq=False)
class SortedEntries:
    """Rows in ascending order of `keys`, each of which is a cell and a level in it; equal keys in order of the row."""

    keys: Keys
    rows: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def nbytes(self) -> int:
        """The memory they take, in bytes."""
        return self.keys.nbytes + self.rows.nbytes

    def rows_at(self, places: Places) -> Rows:
        """Return the rows at some places."""
        return self.rows[places].astype(np.intp)

    def cells_at(self, places: Places | slice) -> Keys:
        """Return the cells at some places."""
        return self.keys[places] >> _CELL

    def levels_at(self, places: Places) -> Keys:
        """Return the levels at some places."""
        return self.keys[places] & _LEVEL

    def places(self, cells: Places, levels: Places | int, within: Span | None = None) -> Places:
        """Return where the rows of cells begin whose level is `levels` or above, or would begin.

        Without `within`, all entries are sorted by key; with it, those of each range from a start to before a stop.
        """
        keys = ((cells << LEVEL_BITS) + levels).astype(np.uint32)
        return self.keys.searchsorted(keys) if within is None else _lower_bounds(self.keys, keys, *within)

    def between(self, cells: Places, low: Places, high: Places, within: Span | None = None) -> Span:
        """Return where the rows of cells begin and end whose level is from `low` to below `high`."""
        both = None if within is None else (np.concatenate([within[0]] * 2), np.concatenate([within[1]] * 2))
        found = self.places(np.concatenate([cells, cells]), np.concatenate([low, high]), both)
        return found[: len(cells)], found[len(cells) :]


def _lower_bounds(keys: Keys, wanted: Keys, starts: Places, stops: Places) -> Places:
    """Return for each range where the first key is that is not below the wanted one."""
    if len(wanted) <= FEW_RANGES:
        ranges = zip(wanted, starts.tolist(), stops.tolist(), strict=True)
        found = [start + keys[start:stop].searchsorted(key) for key, start, stop in ranges]
        return np.array(found, dtype=np.intp)
    before, left = starts - 1, stops - starts  # the last place known to be below, and how many after it are not known
    for _ in range(int(left.max(initial=0)).bit_length()):  # binary search in all ranges at once
        half = (left + 1) >> 1
        before += half * (keys[before + half] < wanted)
        left -= half
    return before + 1


class Ranges(NamedTuple):
    """Ranges of entries: the cell that each lies in, what its rows have apart from the distance, where it is."""

    cells: Places
    bounds: Values
    starts: Places
    stops: Places

    @classmethod
    def none(cls) -> Ranges:
        """Return no ranges."""
        empty = np.empty(0, dtype=np.intp)
        return cls(empty, np.empty(0), empty, empty)

    def lengths(self) -> Places:
        """Return how many entries each range has."""
        return self.stops - self.starts

    def total(self) -> int:
        """Return how many entries all ranges have together."""
        return int(self.lengths().sum())

    def some(self, chosen: Places | NDArray[np.bool_] | slice) -> Ranges:
        """Return some of the ranges."""
        return Ranges(self.cells[chosen], self.bounds[chosen], self.starts[chosen], self.stops[chosen])

    def highest(self, few: int, count: int) -> Places:
        """Return which `few` ranges are the highest, or as many more as it takes to have `count` entries together."""
        if len(self.bounds) <= few:
            return np.arange(len(self.bounds))
        found: Places = (-self.bounds).argpartition(few)[:few]
        lengths = self.lengths()
        if int(lengths[found].sum()) < count:
            found = (-self.bounds).argsort(kind="stable")
            found = found[: max(few, int(lengths[found].cumsum().searchsorted(count)) + 1)]
        return found

    def parted(self, size: int) -> tuple[Ranges, Ranges]:
        """Return the highest ranges, with about `size` entries together, and the others."""
        if self.total() <= size:
            return self, Ranges.none()
        order = (-self.bounds).argsort(kind="stable")
        first = int(self.lengths()[order].cumsum().searchsorted(size)) + 1
        return self.some(order[:first]), self.some(order[first:])

    def and_also(self, other: Ranges) -> Ranges:
        """Return these ranges and others."""
        parts: Iterator[NDArray[Any]] = (np.concatenate(pair) for pair in zip(self, other, strict=True))
        return Ranges(*parts)


def flat(starts: Places, stops: Places) -> tuple[Places, Places]:
    """Return the numbers of several ranges one after another, and how many each range has."""
    lengths = stops - starts
    ends = lengths.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + (starts - ends + lengths).repeat(lengths), lengths
