"""Columns that grow: one writer for each kind, which gives an immutable column whenever it is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

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
from qfzz_core.model.vocabulary import Vocabulary

Dtype = TypeVar("Dtype", bound=np.generic)

_LEAST_ROOM = 1024


class Growing(Generic[Dtype]):
    """An array with room behind its end.

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
        """What is there now, read-only."""
        view = self._room[: self._used]
        view.setflags(write=False)
        return view

    def extend(self, values: NDArray[Any], dtype: Any = None) -> None:
        """Add values at the end; `dtype` is what holds old and new ones, if that may have become wider."""
        used = self._used + len(values)
        dtype = self._room.dtype if dtype is None else np.promote_types(self._room.dtype, dtype)
        if used > len(self._room) or dtype != self._room.dtype or not self._room.flags.writeable:
            self._move(used, dtype)
        self._room[self._used : used] = values
        self._used = used

    def reserve(self, count: int) -> None:
        """Make room for so many values more."""
        if self._used + count > len(self._room) or not self._room.flags.writeable:
            self._move(self._used + count, self._room.dtype)

    def _move(self, least: int, dtype: Any) -> None:
        room = np.empty((max(least * 3 // 2, _LEAST_ROOM), *self._room.shape[1:]), dtype)
        room[: self._used] = self._room[: self._used]
        self._room = room


MOST_LEVELS = 65_535  # different numbers of a column that are kept as codes of two bytes


class Levels:
    """Different numbers, told apart by their bits, so that -0.0 stays -0.0; the code of a number is its place."""

    def __init__(self, numbers: NDArray[np.float64] | None = None) -> None:
        self._numbers: Growing[np.float64] = Growing(np.empty(0) if numbers is None else numbers)
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


class ColumnWriter(Protocol):
    """Adds rows at the end of a column. Either all the rows of a call are added or, if it raises, none."""

    @property
    def growing(self) -> Sequence[Growing[Any]]:
        """The arrays that get longer."""
        ...

    def extend(self, values: Sequence[Any]) -> None:
        """Add a row for each value, None for a missing one."""
        ...

    def append(self, column: Any) -> None:
        """Add the rows of a column of the same kind and vocabulary."""
        ...

    def column(self) -> AnyColumn:
        """Return the column as it is now."""
        ...


class CategoryWriter:
    """Grows a column of categories, and its vocabulary."""

    def __init__(self, column: CategoryColumn) -> None:
        self._vocabulary = column.vocabulary
        self._codes: Growing[Any] = Growing(column.codes)

    @property
    def growing(self) -> tuple[Growing[Any], ...]:
        """The arrays that get longer."""
        return (self._codes,)

    def extend(self, values: Sequence[str | None]) -> None:
        """Add a row for each name, None for a missing one."""
        codes = self._vocabulary.encode_all(values)
        self._codes.extend(codes, narrow(len(self._vocabulary) - 1))

    def extend_new(self, names: Sequence[str]) -> None:
        """Add a row for each name; none of them is there yet, and no two are the same."""
        codes = self._vocabulary.extend(names)
        self._codes.extend(codes, narrow(len(self._vocabulary) - 1))

    def append(self, column: CategoryColumn) -> None:
        """Add the rows of a column of the same vocabulary."""
        self._codes.extend(column.codes, column.codes.dtype)

    def column(self) -> CategoryColumn:
        """Return the column as it is now."""
        return CategoryColumn(self._codes.view, self._vocabulary)


class NumberWriter:
    """Grows a column of numbers, as codes of levels while there are few different ones."""

    def __init__(self, column: NumberColumn) -> None:
        self._levels = None if column.levels is None else Levels(column.levels)
        self._stored: Growing[Any] = Growing(column.stored)

    @property
    def growing(self) -> tuple[Growing[Any], ...]:
        """The arrays that get longer."""
        return (self._stored,)

    def extend(self, values: Sequence[float | None]) -> None:
        """Add a row for each number, None for a missing one."""
        if None in values:
            values = [math.nan if value is None else value for value in values]
        self._add(np.array(values, dtype=np.float64))

    def append(self, column: NumberColumn) -> None:
        """Add the rows of a column."""
        self._add(column.at(np.arange(len(column))))

    def _add(self, numbers: NDArray[np.float64]) -> None:
        if self._levels is not None:
            codes = self._levels.codes(numbers)
            if codes is not None:
                self._stored.extend(codes)
                return
            self._stored = Growing(self._levels.numbers[self._stored.view])
            self._levels = None
        self._stored.extend(numbers)

    def column(self) -> NumberColumn:
        """Return the column as it is now."""
        return NumberColumn(self._stored.view, None if self._levels is None else self._levels.numbers)


class FlagWriter:
    """Grows a column of flags."""

    def __init__(self, column: FlagColumn) -> None:
        self._flags = Growing(column.flags)

    @property
    def growing(self) -> tuple[Growing[Any], ...]:
        """The arrays that get longer."""
        return (self._flags,)

    def extend(self, values: Sequence[bool | None]) -> None:
        """Add a row for each flag, None for a missing one."""
        self._flags.extend(np.array([-1 if value is None else int(value) for value in values], dtype=np.int8))

    def append(self, column: FlagColumn) -> None:
        """Add the rows of a column."""
        self._flags.extend(column.flags)

    def column(self) -> FlagColumn:
        """Return the column as it is now."""
        return FlagColumn(self._flags.view)


class TagsWriter:
    """Grows a column of tags, and its vocabulary."""

    def __init__(self, column: TagsColumn) -> None:
        self._vocabulary = column.vocabulary
        self._starts = Growing(column.starts)
        self._codes: Growing[Any] = Growing(column.codes)

    @property
    def growing(self) -> tuple[Growing[Any], ...]:
        """The arrays that get longer."""
        return (self._starts, self._codes)

    def extend(self, values: Sequence[Sequence[str] | None]) -> None:
        """Add a row for each list of tags, None for a missing one."""
        tags = [value or () for value in values]
        codes = self._vocabulary.encode_all(list(chain.from_iterable(tags)))
        self._add(np.fromiter(map(len, tags), np.int64, len(tags)), codes, narrow(len(self._vocabulary) - 1))

    def append(self, column: TagsColumn) -> None:
        """Add the rows of a column of the same vocabulary."""
        self._add(np.diff(column.starts), column.codes, column.codes.dtype)

    def _add(self, lengths: NDArray[np.int64], codes: NDArray[Any], dtype: Any) -> None:
        self._starts.extend(np.cumsum(lengths) + len(self._codes))
        self._codes.extend(codes, dtype)

    def column(self) -> TagsColumn:
        """Return the column as it is now."""
        return TagsColumn(self._starts.view, self._codes.view, self._vocabulary)


class VectorWriter:
    """Grows a column of vectors."""

    def __init__(self, column: VectorColumn) -> None:
        self._size = column.vectors.shape[1]
        self._vectors = Growing(column.vectors)

    @property
    def growing(self) -> tuple[Growing[Any], ...]:
        """The arrays that get longer."""
        return (self._vectors,)

    def extend(self, values: Sequence[Sequence[float] | None]) -> None:
        """Add a row for each vector, None for a missing one."""
        rows = [[math.nan] * self._size if value is None else value for value in values]
        self._vectors.extend(np.array(rows, dtype=np.float64).reshape(len(values), self._size))

    def append(self, column: VectorColumn) -> None:
        """Add the rows of a column."""
        self._vectors.extend(column.vectors)

    def column(self) -> VectorColumn:
        """Return the column as it is now."""
        return VectorColumn(self._vectors.view)


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


_WRITERS: dict[type, Any] = {
    CategoryColumn: CategoryWriter,
    NumberColumn: NumberWriter,
    FlagColumn: FlagWriter,
    TagsColumn: TagsWriter,
    VectorColumn: VectorWriter,
}


def writer_of(column: AnyColumn) -> ColumnWriter:
    """Return a writer that goes on where a column ends; the column stays as it is."""
    writer: ColumnWriter = _WRITERS[type(column)](column)
    return writer
