"""Columns that get longer: append-only arrays, and a writer for each kind of column, which gives immutable columns."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import (
    AnyColumn,
    CategoryColumn,
    Column,
    FlagColumn,
    NumberColumn,
    TagsColumn,
    VectorColumn,
    narrow,
)
from qfzz_core.model.names import NORMALISERS
from qfzz_core.model.vocabulary import Names, Vocabulary

Dtype = TypeVar("Dtype", bound=np.generic)
AColumn = TypeVar("AColumn", bound=AnyColumn)

_LEAST_ROOM = 1024  # rows; tracks added one by one took as long with 16 and with 16,384
# Different numbers of a column that are kept as codes, of two bytes for each track instead of eight. More do not fit
# uint16, and such a column has hardly a number twice.
MOST_LEVELS = 65_535


class AppendOnlyArray(Generic[Dtype]):
    """An array with room behind its end, so that a snapshot of a few more tracks copies nothing.

    Only one thread at a time may extend it. Views that were given out before keep what they show: nothing that they
    show is written again, and an array that has to move or to widen leaves the old one to them.
    """

    def __init__(self, array: NDArray[Dtype]) -> None:
        self._room: NDArray[Any] = array
        self._used = len(array)

    def __len__(self) -> int:
        return self._used

    @property
    def view(self) -> NDArray[Dtype]:
        """The values so far, read-only."""
        view = self._room[: self._used]
        view.setflags(write=False)
        return view

    def extend(self, values: NDArray[Any], dtype: Any = None) -> None:
        """Append values; `dtype` is what holds old and new ones, if that may have become wider."""
        self.reserve(len(values), dtype)
        end = self._used + len(values)
        self._room[self._used : end] = values
        self._used = end

    def reserve(self, count: int, dtype: Any = None) -> None:
        """Make room for so many more values, so that appending them moves nothing."""
        used = self._used + count
        dtype = self._room.dtype if dtype is None else np.promote_types(self._room.dtype, dtype)
        if used > len(self._room) or dtype != self._room.dtype or not self._room.flags.writeable:
            # Half as much again, so that adding rows one by one copies each only twice on average. The array given at
            # first is often read-only: a snapshot still shows it, or it was loaded from a file.
            room = np.empty((max(used * 3 // 2, _LEAST_ROOM), *self._room.shape[1:]), dtype)
            room[: self._used] = self._room[: self._used]
            self._room = room


class NumberLevels:
    """Different numbers, distinguished by their bits, so that -0.0 stays -0.0; the code of a number is its place."""

    def __init__(self, numbers: NDArray[np.float64] | None = None) -> None:
        self._numbers: AppendOnlyArray[np.float64] = AppendOnlyArray(np.empty(0) if numbers is None else numbers)
        bits = self.numbers.view(np.uint64)
        self._codes = np.argsort(bits)
        self._bits = bits[self._codes]

    @property
    def numbers(self) -> NDArray[np.float64]:
        """All numbers by code, read-only."""
        return self._numbers.view

    def codes(self, numbers: NDArray[np.float64]) -> NDArray[np.uint16] | None:
        """Return the codes of numbers, giving codes to new ones; None, with nothing changed, if there are too many."""
        bits = numbers.view(np.uint64)
        places = self._places(bits)
        known = self._bits[places] == bits if len(self._bits) else np.zeros(len(bits), dtype=np.bool_)
        if not known.all():
            new = np.unique(bits[~known])
            if len(self._bits) + len(new) > MOST_LEVELS:
                return None
            self._add(new)
            places = self._places(bits)
        return self._codes[places].astype(np.uint16)

    def _places(self, bits: NDArray[np.uint64]) -> NDArray[np.intp]:
        return np.minimum(self._bits.searchsorted(bits), max(len(self._bits) - 1, 0))

    def _add(self, new: NDArray[np.uint64]) -> None:
        places = self._bits.searchsorted(new)
        codes = np.arange(len(self._bits), len(self._bits) + len(new))
        self._bits = np.insert(self._bits, places, new)
        self._codes = np.insert(self._codes, places, codes)
        self._numbers.extend(new.view(np.float64))


class ColumnWriter(ABC, Generic[AColumn]):
    """Appends rows to a column, which itself stays as it is. A call that raises appends nothing.

    `field` names the array of the column that is written; a writer of more than one adds them to `arrays`.
    """

    field: ClassVar[str]

    def __init__(self, column: AColumn) -> None:
        self._array: AppendOnlyArray[Any] = AppendOnlyArray(getattr(column, self.field))
        self.arrays = [self._array]
        self._of: Callable[[NDArray[Any]], AColumn] = type(column)

    def extend(self, values: Sequence[Any]) -> None:
        """Append a row for each value, None for a missing one."""
        self._add(self._encoded(values))

    def append(self, column: AColumn) -> None:
        """Append the rows of a column of the same kind, size and vocabulary."""
        self._add(getattr(column, self.field))

    def column(self) -> AColumn:
        """Return all rows so far."""
        return self._of(self._array.view)

    @abstractmethod
    def _encoded(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return what the array has for these values."""

    def _add(self, array: NDArray[Any]) -> None:
        self._array.extend(array)


class CategoryWriter(ColumnWriter[CategoryColumn]):
    """Appends categories, and new ones to the vocabulary."""

    field = "codes"

    def __init__(self, column: CategoryColumn) -> None:
        super().__init__(column)
        self.vocabulary = column.vocabulary
        self._of = partial(CategoryColumn, vocabulary=column.vocabulary)

    def extend_new(self, names: Sequence[str]) -> None:
        """Append a row for each name; all names must be new, and no two the same."""
        self._add(self.vocabulary.extend(names))

    def _encoded(self, values: Sequence[Names]) -> NDArray[Any]:
        return self.vocabulary.encode_all(values)

    def _add(self, array: NDArray[Any]) -> None:
        self._array.extend(array, narrow(len(self.vocabulary) - 1))


class TagsWriter(CategoryWriter):
    """Appends lists of tags, and new tags to the vocabulary."""

    def __init__(self, column: Any) -> None:
        super().__init__(column)
        self._starts = AppendOnlyArray(column.starts)
        self.arrays.append(self._starts)

    def extend(self, values: Sequence[Sequence[str] | None]) -> None:
        """Append a row for each list of tags, None for a missing one."""
        tags = [value or () for value in values]
        codes = self._encoded(list(chain.from_iterable(tags)))
        self._starts.extend(np.cumsum(np.fromiter(map(len, tags), np.int64, len(tags))) + len(self._array))
        self._add(codes)

    def append(self, column: Any) -> None:
        """Append the rows of a column of the same vocabulary."""
        self._starts.extend(column.starts[1:] + len(self._array))
        self._add(column.codes)

    def column(self) -> Any:
        """Return all rows so far."""
        return TagsColumn(self._starts.view, self._array.view, self.vocabulary)


class NumberWriter(ColumnWriter[NumberColumn]):
    """Appends numbers, as codes of levels while there are few different ones."""

    field = "stored"

    def __init__(self, column: NumberColumn) -> None:
        super().__init__(column)
        self._levels = None if column.levels is None else NumberLevels(column.levels)

    def append(self, column: NumberColumn) -> None:
        """Append the rows of a column, whatever its levels."""
        self._add(column.numbers)

    def column(self) -> NumberColumn:
        """Return all rows so far."""
        return NumberColumn(self._array.view, None if self._levels is None else self._levels.numbers)

    def _encoded(self, values: Sequence[float | None]) -> NDArray[np.float64]:
        if None in values:
            values = [math.nan if value is None else value for value in values]
        return np.array(values, dtype=np.float64)

    def _add(self, array: NDArray[np.float64]) -> None:
        if self._levels is not None:
            codes = self._levels.codes(array)
            if codes is not None:
                self._array.extend(codes)
                return
            # For good: numbers that became too many once would become so again after the next track.
            self._array = AppendOnlyArray(self._levels.numbers[self._array.view])
            self.arrays, self._levels = [self._array], None
        self._array.extend(array)


class FlagWriter(ColumnWriter[FlagColumn]):
    """Appends flags."""

    field = "flags"

    def _encoded(self, values: Sequence[bool | None]) -> NDArray[np.int8]:
        return np.array([-1 if value is None else int(value) for value in values], dtype=np.int8)


class VectorWriter(ColumnWriter[VectorColumn]):
    """Appends vectors."""

    field = "vectors"

    def _encoded(self, values: Sequence[Sequence[float] | None]) -> NDArray[np.float64]:
        size = self._array.view.shape[1]
        rows = [[math.nan] * size if value is None else value for value in values]
        return np.array(rows, dtype=np.float64).reshape(len(values), size)


def empty_column(declared: Column) -> AnyColumn:
    """Return the column of no tracks."""
    if declared.kind == "category":
        return CategoryColumn(np.empty(0, np.int8), Vocabulary(NORMALISERS[declared.compare]))
    if declared.kind == "number":
        return NumberColumn(np.empty(0, np.uint16), np.empty(0))
    if declared.kind == "flag":
        return FlagColumn(np.empty(0, np.int8))
    if declared.kind == "tags":
        return TagsColumn(np.zeros(1, np.int64), np.empty(0, np.int8), Vocabulary(NORMALISERS[declared.compare]))
    return VectorColumn(np.empty((0, declared.size or 1)))


_WRITERS: dict[type, type[ColumnWriter[Any]]] = {
    CategoryColumn: CategoryWriter,
    NumberColumn: NumberWriter,
    FlagColumn: FlagWriter,
    TagsColumn: TagsWriter,
    VectorColumn: VectorWriter,
}


def writer_of(column: AnyColumn) -> ColumnWriter[Any]:
    """Return a writer that appends to a column; the column stays as it is."""
    return _WRITERS[type(column)](column)
