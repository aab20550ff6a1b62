"""The index of a segment: its rows sorted by cell and, inside a cell, by one number; and postings of large categories.

A cell is one combination of the categories of a few small columns, so a table over such a column is one number for
the whole cell. Inside a cell rows are sorted by the level of the ordering number, so that those near a target lie
together. Postings hold the rows of each category of a large column, sorted in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.snapshot import Segment
from qfzz_core.contracts.columns import CategoryColumn, Columns
from qfzz_core.contracts.factors import Values
from qfzz_core.model.cached_property import cached_property
from qfzz_core.ranking.index.entries import LEVEL_BITS, MISSING, NumberLevels, SortedEntries
from qfzz_core.ranking.index.layout import Layout

Arrays = Mapping[str, NDArray[Any]]

# Entries of a category up to which looking at all is as good as looking at its cells first. With 2,000 liked artists,
# the best 50 of a million tracks take 2.1 ms with 256, 1.8 with 1,024, 2.5 with 4,096 and 2.8 with 16,384.
MANY_ENTRIES = 1_024
# Of one segment: requests of yet another kind are scanned. An index of a million rows takes 17 MB and half a second, so
# a plugin that returns another column in every request could fill the memory.
MAX_INDEXES = 4
_LEVEL = np.uint64(LEVEL_BITS)
_ROW = np.uint64(32)


@attrs.frozen(eq=False)
class Runs:
    """The entries of the lists that have many of them, cell by cell.

    Those of list `lists[i]` are the runs from `firsts[i]` to before `firsts[i + 1]`; run r is of cell `cells[r]` and
    has the entries from `starts[r]` to before `stops[r]`.
    """

    lists: NDArray[np.int64]
    firsts: NDArray[np.int64]
    cells: NDArray[np.uint16]
    starts: NDArray[np.uint32]
    stops: NDArray[np.uint32]

    @classmethod
    def of(cls, starts: NDArray[np.int64], entries: SortedEntries) -> Runs:
        """Return the runs of all lists with more than `MANY_ENTRIES` entries."""
        lists = np.flatnonzero(np.diff(starts) > MANY_ENTRIES)
        spans = [slice(starts[number], starts[number + 1]) for number in lists]
        changes = [np.flatnonzero(np.diff(entries.cells_at(span).astype(np.int64), prepend=-1)) for span in spans]
        begins = [change + span.start for change, span in zip(changes, spans, strict=True)]
        firsts = np.cumsum([0, *map(len, begins)])
        run_starts = np.concatenate([np.empty(0, dtype=np.int64), *begins])
        run_stops = np.append(run_starts[1:], 0)
        run_stops[firsts[1:] - 1] = starts[lists + 1]
        cells = entries.cells_at(run_starts).astype(np.uint16)
        return cls(lists, firsts, cells, run_starts.astype(np.uint32), run_stops.astype(np.uint32))


@attrs.frozen(eq=False, slots=False)
class Postings:
    """The rows of each category of a column: list 0 has those without one, list c + 1 those of code c.

    List l is `entries[starts[l]:starts[l + 1]]`.
    """

    starts: NDArray[np.int64]
    entries: SortedEntries

    @classmethod
    def of(cls, column: CategoryColumn, keys: NDArray[np.uint64]) -> Postings:
        """Return the postings of a column."""
        both = (keys << _ROW) | np.arange(len(keys), dtype=np.uint64)
        counts = np.bincount(column.codes + np.int32(1), minlength=len(column.vocabulary) + 1)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(starts, _entries(both[np.lexsort((both, column.codes))]))

    @cached_property
    def runs(self) -> Runs:
        """The entries of lists that have many of them, cell by cell."""
        return Runs.of(self.starts, self.entries)

    def spans(self, lists: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the entries of ascending lists start and stop."""
        # A vocabulary grows with the delta: an artist of a new track has a code that is not in the index, and no rows.
        last = len(self.starts) - 1
        return self.starts[np.minimum(lists, last)], self.starts[np.minimum(lists + 1, last)]


@attrs.frozen(eq=False, slots=False)
class Index:
    """An index of the rows of a segment.

    `dims` are the cell columns with their sizes: a cell's number is what its codes, plus one, make in that mixed
    base. `counts` are the rows of each cell.
    """

    layout: Layout
    dims: Mapping[str, int]
    levels: NumberLevels
    cells: SortedEntries
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
        postings = {name: Postings.of(columns[name], keys) for name in layout.postings}
        both = (keys << _ROW) | np.arange(len(keys), dtype=np.uint64)
        both.sort()
        return cls(layout, dims, levels, _entries(both), counts, postings)

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
            postings = self.postings[name]
            arrays[f"starts {place}"] = postings.starts
            arrays[f"keys {place}"], arrays[f"rows {place}"] = postings.entries.keys, postings.entries.rows
        return arrays

    @classmethod
    def restored(cls, layout: Layout, arrays: Arrays) -> Index:
        """Return the index of a layout whose `arrays` these are; KeyError if they are not."""
        postings = {
            name: Postings(arrays[f"starts {place}"], SortedEntries(arrays[f"keys {place}"], arrays[f"rows {place}"]))
            for place, name in enumerate(layout.postings)
        }
        levels = NumberLevels(arrays["edges"], arrays["pure"])
        cells = SortedEntries(arrays["keys"], arrays["rows"])
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
        postings = sum(each.entries.nbytes + each.starts.nbytes for each in self.postings.values())
        return self.cells.nbytes + self.counts.nbytes + postings


def _dims(layout: Layout, sizes: Sequence[int]) -> dict[str, int]:
    """Return the cell columns with their sizes, the largest last: what is computed of all cells takes long rows."""
    return dict(sorted(zip(layout.cells, sizes, strict=True), key=lambda dim: (dim[1], dim[0])))


def _leveled(layout: Layout, columns: Columns) -> tuple[NumberLevels, NDArray[np.uint64]]:
    """Return the levels, and the level of each row."""
    if layout.order is None:
        return NumberLevels(np.zeros(1), np.ones(1, dtype=np.bool_)), np.zeros(columns.length, dtype=np.uint64)
    numbers = columns[layout.order].at(np.arange(columns.length))
    levels = NumberLevels.of(numbers)
    return levels, levels.level(numbers).astype(np.uint64)


def _entries(both: NDArray[np.uint64]) -> SortedEntries:
    """Return entries of keys in the upper 32 bits and rows in the lower: one array of both sorts in half the time."""
    return SortedEntries((both >> _ROW).astype(np.uint32), both.astype(np.uint32))


def category_sizes(segment: Segment) -> dict[str, int]:
    """Return how many categories each category column of the segment had when a request first needed to know."""

    def sizes(made_of: Segment) -> dict[str, int]:
        columns = made_of.columns
        return {name: len(columns[name].vocabulary) for name in columns if isinstance(columns[name], CategoryColumn)}

    return segment.derived("sizes", sizes)


def index_for(segment: Segment, layout: Layout) -> Index | None:
    """Return an index of the segment that serves requests of this layout, None if there are too many kinds of them."""
    layouts: list[Layout] = segment.derived("layouts", lambda _: [])
    chosen = next((known for known in layouts if known.covers(layout)), layout)
    if chosen not in layouts:  # threads that add one at the same time may add one more than the limit
        if len(layouts) >= MAX_INDEXES:
            return None
        layouts.append(chosen)
    return segment.derived(
        chosen.key,
        lambda made_of: Index.of(chosen, made_of.columns),
        lambda _, arrays: Index.restored(chosen, arrays),
    )
