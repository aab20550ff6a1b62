"""The index: rows sorted by cell and, inside a cell, by one number; and postings of large categories.

A cell is one combination of the categories of a few small columns, so a table over such a column is one number for
the whole cell. Inside a cell rows are sorted by the level of the ordering number, so that those near a target lie
together. Postings hold the rows of each category of a large column, sorted in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import CategoryColumn, Columns, Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.ranking.index.layout import Layout

Keys = NDArray[np.uint32]
Places = NDArray[np.intp]

LEVEL_BITS = 16
MISSING = (1 << LEVEL_BITS) - 1  # the level of rows without a number: the last of their cell
MOST_LEVELS = MISSING - 1
MANY = 1_024  # entries of a category up to which looking at all of them is as good as looking at its cells first
FEW_RANGES = 64  # ranges up to which searching one after the other is as fast as in all at once
_LEVEL = np.uint64(LEVEL_BITS)
_ROW = np.uint64(32)


@attrs.frozen(eq=False)
class Levels:
    """The ordering numbers in at most 65,534 levels that grow with the number.

    Level l holds the numbers from `edges[l]` to below `edges[l + 1]`; it is `pure` if they are all `edges[l]`.
    `exact` says that all levels are. Without an ordering column there is the one level 0.
    """

    edges: Values
    pure: NDArray[np.bool_]
    exact: bool

    @classmethod
    def of(cls, numbers: Values) -> Levels:
        """Return levels of numbers, NaN being none of them: every distinct number, or so many equal shares."""
        distinct, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
        if len(distinct) <= MOST_LEVELS:
            return cls(distinct, np.ones(len(distinct), dtype=np.bool_), True)
        share = np.cumsum(counts) * MOST_LEVELS // (counts.sum() + 1)
        first = np.flatnonzero(np.diff(share, prepend=-1))
        pure = np.diff(first, append=len(distinct)) == 1
        return cls(distinct[first], pure, bool(pure.all()))

    def level(self, numbers: Values) -> NDArray[np.intp]:
        """Return the levels of numbers, `MISSING` for NaN."""
        levels = np.searchsorted(self.edges, numbers, "right") - 1
        levels[np.isnan(numbers)] = MISSING
        return levels


@attrs.frozen(eq=False)
class Sorted:
    """Rows in growing order of `keys`, each of which is a cell and a level in it; equal keys in order of the row."""

    keys: Keys
    rows: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.keys)

    def places(self, cells: Places, levels: Places | int, within: tuple[Places, Places] | None = None) -> Places:
        """Return where the rows of cells begin whose level is `levels` or above, or would begin.

        Without `within`, all entries are sorted by key; with it, those of each range from a start to before a stop.
        """
        keys = ((cells << LEVEL_BITS) + levels).astype(np.uint32)
        return self.keys.searchsorted(keys) if within is None else _lower_bounds(self.keys, keys, *within)

    def between(
        self, cells: Places, low: Places, high: Places, within: tuple[Places, Places] | None = None
    ) -> tuple[Places, Places]:
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


@attrs.frozen(eq=False)
class Runs:
    """The entries of the categories that have many of them, cell by cell.

    Those of category `codes[i]` are the runs from `firsts[i]` to before `firsts[i + 1]`; run r is of cell `cells[r]`
    and has the entries from `starts[r]` to before `stops[r]`.
    """

    codes: NDArray[np.int64]
    firsts: NDArray[np.int64]
    cells: NDArray[np.uint16]
    starts: NDArray[np.uint32]
    stops: NDArray[np.uint32]

    @classmethod
    def of(cls, starts: NDArray[np.int64], entries: Sorted) -> Runs:
        """Return the runs of all categories with more than `MANY` entries."""
        codes = np.flatnonzero(np.diff(starts) > MANY)
        begins = [_beginnings(entries.keys[starts[code] : starts[code + 1]]) + starts[code] for code in codes]
        firsts = np.cumsum([0, *map(len, begins)])
        run_starts = np.concatenate([np.empty(0, dtype=np.int64), *begins])
        run_stops = np.append(run_starts[1:], 0)
        run_stops[firsts[1:] - 1] = starts[codes + 1]
        cells = (entries.keys[run_starts] >> np.uint32(LEVEL_BITS)).astype(np.uint16)
        return cls(codes, firsts, cells, run_starts.astype(np.uint32), run_stops.astype(np.uint32))

    def joined(self, spans: Sequence[slice]) -> tuple[Places, Places, Places]:
        """Return the cells of several stretches of runs, where these begin and where they end, at least one stretch."""
        cells = np.concatenate([self.cells[span] for span in spans], dtype=np.intp)
        starts = np.concatenate([self.starts[span] for span in spans], dtype=np.intp)
        return cells, starts, np.concatenate([self.stops[span] for span in spans], dtype=np.intp)


def _beginnings(keys: Keys) -> NDArray[np.int64]:
    """Return where each cell begins in keys of one category."""
    return np.flatnonzero(np.diff((keys >> np.uint32(LEVEL_BITS)).astype(np.int64), prepend=-1))


@attrs.frozen(eq=False, slots=False)
class Postings:
    """The rows of each category of a column: those of code c are `entries[starts[c]:starts[c + 1]]`."""

    starts: NDArray[np.int64]
    entries: Sorted

    @cached_property
    def runs(self) -> Runs:
        """The entries of categories that have many of them, cell by cell."""
        return Runs.of(self.starts, self.entries)

    def spans(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the entries of codes, which grow, start and stop; those newer than the index have none."""
        last = len(self.starts) - 1
        if not len(codes) or codes[-1] < last:
            return self.starts[codes], self.starts[codes + 1]
        return self.starts[np.minimum(codes, last)], self.starts[np.minimum(codes + 1, last)]


@attrs.frozen(eq=False, slots=False)
class Index:
    """An index of the rows of a segment.

    `dims` are the cell columns with their sizes: a cell's number is what its codes, plus one, make in that mixed
    base. `counts` are the rows of each cell.
    """

    layout: Layout
    dims: Mapping[str, int]
    levels: Levels
    cells: Sorted
    counts: NDArray[np.int64]
    postings: Mapping[str, Postings]

    @classmethod
    def of(cls, layout: Layout, columns: Columns) -> Index:
        """Return the index of all rows of the columns."""
        dims = _dims(layout, [len(columns[name].vocabulary) + 1 for name in layout.cells])
        levels, keys = _leveled(layout, columns)
        cells = np.zeros(columns.length, dtype=np.uint64)
        for name, size in dims.items():
            cells *= np.uint64(size)
            cells += (columns[name].codes + np.int32(1)).astype(np.uint64)
        counts = np.bincount(cells.view(np.int64), minlength=int(np.prod([*dims.values()], dtype=np.int64)))
        keys |= cells << _LEVEL
        postings = {name: _posted(columns[name], keys) for name in layout.postings}
        return cls(layout, dims, levels, _sorted(keys), counts, postings)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what it consists of, by name, for keeping it on disk."""
        arrays: dict[str, NDArray[Any]] = {
            "sizes": np.array([self.dims[name] for name in self.layout.cells], dtype=np.int64),
            "edges": self.levels.edges,
            "pure": self.levels.pure,
            "keys": self.cells.keys,
            "rows": self.cells.rows,
            "counts": self.counts,
        }
        for place, name in enumerate(self.layout.postings):
            posting = self.postings[name]
            arrays[f"starts {place}"] = posting.starts
            arrays[f"keys {place}"], arrays[f"rows {place}"] = posting.entries.keys, posting.entries.rows
        return arrays

    @classmethod
    def restored(cls, layout: Layout, arrays: Mapping[str, NDArray[Any]]) -> Index:
        """Return the index of a layout whose `arrays` these are; KeyError if they are not."""
        postings = {
            name: Postings(arrays[f"starts {place}"], Sorted(arrays[f"keys {place}"], arrays[f"rows {place}"]))
            for place, name in enumerate(layout.postings)
        }
        levels = Levels(arrays["edges"], arrays["pure"], bool(arrays["pure"].all()))
        cells = Sorted(arrays["keys"], arrays["rows"])
        return cls(layout, _dims(layout, arrays["sizes"].tolist()), levels, cells, arrays["counts"], postings)

    @cached_property
    def barred(self) -> Values:
        """What keeps cells without rows out of every comparison: 0 for the others, minus infinity for them."""
        return np.where(self.counts == 0, -np.inf, 0.0)

    @cached_property
    def has_missing(self) -> bool:
        """Whether any row lacks the ordering number."""
        return self.layout.order is not None and bool(((self.cells.keys & np.uint32(MISSING)) == MISSING).any())

    @property
    def nbytes(self) -> int:
        """The memory it takes, in bytes."""
        held = [self.cells, *(posting.entries for posting in self.postings.values())]
        starts = sum(posting.starts.nbytes for posting in self.postings.values())
        return sum(part.keys.nbytes + part.rows.nbytes for part in held) + self.counts.nbytes + starts


def _dims(layout: Layout, sizes: Sequence[int]) -> dict[str, int]:
    """Return the cell columns with their sizes, the largest last: what is computed of all cells takes long rows."""
    return dict(sorted(zip(layout.cells, sizes, strict=True), key=lambda dim: (dim[1], dim[0])))


def _leveled(layout: Layout, columns: Columns) -> tuple[Levels, NDArray[np.uint64]]:
    """Return the levels, and the level of each row."""
    if layout.order is None:
        return Levels(np.zeros(1), np.ones(1, dtype=np.bool_), True), np.zeros(columns.length, dtype=np.uint64)
    numbers = columns[layout.order].at(np.arange(columns.length))
    levels = Levels.of(numbers)
    return levels, levels.level(numbers).astype(np.uint64)


def _sorted(keys: NDArray[np.uint64]) -> Sorted:
    """Return the rows 0, 1, 2, ... sorted by their keys, which have 32 bits."""
    both = (keys << _ROW) | np.arange(len(keys), dtype=np.uint64)
    both.sort()
    return _halves(both)


def _halves(both: NDArray[np.uint64]) -> Sorted:
    return Sorted((both >> _ROW).astype(np.uint32), both.astype(np.uint32))


def _posted(column: CategoryColumn, keys: NDArray[np.uint64]) -> Postings:
    """Return the postings of a column, leaving out the rows where it is missing."""
    present = np.flatnonzero(column.codes >= 0)
    codes = column.codes[present]
    both = (keys[present] << _ROW) | present.astype(np.uint64)
    order = np.lexsort((both, codes))
    counts = np.bincount(codes, minlength=len(column.vocabulary))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Postings(starts, _halves(both[order]))


def index_rows(entries: Sorted, places: Places) -> Rows:
    """Return the rows at some places of the sorted entries."""
    return entries.rows[places].astype(np.intp)
