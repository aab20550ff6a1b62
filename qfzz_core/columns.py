"""Columns of the catalogue: one immutable array for each thing that is known of every track.

Row r of every column belongs to the same track. Arrays are read-only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.names import Normaliser

Rows = NDArray[np.intp]


class ColumnData(Protocol):
    """What the columns of every kind can do, for making a new snapshot of an old one."""

    def __len__(self) -> int: ...

    def select(self, rows: Rows) -> Self:
        """Return the column of these rows, in this order."""
        ...

    def joined(self, other: Self) -> Self:
        """Return this column followed by another of the same declaration."""
        ...


class Vocabulary:
    """The categories of one column: code by normal form. Grows, never shrinks, so that snapshots can share it."""

    def __init__(self, normal: Normaliser) -> None:
        self.normal = normal
        self._names: list[str] = []
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def name(self, code: int) -> str | None:
        """Return the normal form that a code stands for, None for -1."""
        return self._names[code] if code >= 0 else None

    def code(self, name: str) -> int:
        """Return the code of a name, -1 if no track ever had it."""
        return self._codes.get(self.normal(name), -1)

    def encode(self, name: str) -> int:
        """Return the code of a name, giving it one if it is new."""
        normal = self.normal(name)
        code = self._codes.setdefault(normal, len(self._names))
        if code == len(self._names):
            self._names.append(normal)
        return code


def sealed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view of the array that nobody can write to."""
    view = array.view()
    view.setflags(write=False)
    return view


@attrs.frozen(eq=False)
class CategoryColumn:
    """`codes`: int32, shape (tracks,), -1 where missing; `vocabulary` tells which name a code stands for."""

    codes: NDArray[np.int32] = attrs.field(converter=sealed)
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.codes)

    def select(self, rows: Rows) -> CategoryColumn:
        """Return the column of these rows."""
        return CategoryColumn(self.codes[rows], self.vocabulary)

    def joined(self, other: CategoryColumn) -> CategoryColumn:
        """Return this column followed by another of the same vocabulary."""
        return CategoryColumn(np.concatenate([self.codes, other.codes]), self.vocabulary)

    def names(self, rows: Rows) -> list[str | None]:
        """Return the normal forms of the categories in these rows, None where missing."""
        return [self.vocabulary.name(code) for code in self.codes[rows].tolist()]


@attrs.frozen(eq=False)
class NumberColumn:
    """`numbers`: float64, shape (tracks,), NaN where missing."""

    numbers: NDArray[np.float64] = attrs.field(converter=sealed)

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, rows: Rows) -> NumberColumn:
        """Return the column of these rows."""
        return NumberColumn(self.numbers[rows])

    def joined(self, other: NumberColumn) -> NumberColumn:
        """Return this column followed by another."""
        return NumberColumn(np.concatenate([self.numbers, other.numbers]))


@attrs.frozen(eq=False)
class FlagColumn:
    """`flags`: int8, shape (tracks,), 1 for true, 0 for false, -1 where missing."""

    flags: NDArray[np.int8] = attrs.field(converter=sealed)

    def __len__(self) -> int:
        return len(self.flags)

    def select(self, rows: Rows) -> FlagColumn:
        """Return the column of these rows."""
        return FlagColumn(self.flags[rows])

    def joined(self, other: FlagColumn) -> FlagColumn:
        """Return this column followed by another."""
        return FlagColumn(np.concatenate([self.flags, other.flags]))


@attrs.frozen(eq=False)
class TagsColumn:
    """The tags of row r are `codes[starts[r]:starts[r + 1]]`: int32 codes, int64 starts of shape (tracks + 1,)."""

    starts: NDArray[np.int64] = attrs.field(converter=sealed)
    codes: NDArray[np.int32] = attrs.field(converter=sealed)
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.starts) - 1

    def select(self, rows: Rows) -> TagsColumn:
        """Return the column of these rows."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        return TagsColumn(starts, self.codes[np.repeat(self.starts[rows], lengths) + within], self.vocabulary)

    def joined(self, other: TagsColumn) -> TagsColumn:
        """Return this column followed by another of the same vocabulary."""
        starts = np.concatenate([self.starts, other.starts[1:] + self.starts[-1]])
        return TagsColumn(starts, np.concatenate([self.codes, other.codes]), self.vocabulary)

    def best(self, rows: Rows, by_code: NDArray[np.float64], default: float) -> NDArray[np.float64]:
        """Return for each row the largest of `by_code` over its tags, `default` where it has none."""
        chosen = self.select(rows)
        values = np.full(len(rows), -np.inf)
        lengths = np.diff(chosen.starts)
        np.maximum.at(values, np.repeat(np.arange(len(rows)), lengths), by_code[chosen.codes])
        values[lengths == 0] = default
        return values


@attrs.frozen(eq=False)
class VectorColumn:
    """`vectors`: float64, shape (tracks, size), rows of NaN where missing."""

    vectors: NDArray[np.float64] = attrs.field(converter=sealed)

    def __len__(self) -> int:
        return len(self.vectors)

    def select(self, rows: Rows) -> VectorColumn:
        """Return the column of these rows."""
        return VectorColumn(self.vectors[rows])

    def joined(self, other: VectorColumn) -> VectorColumn:
        """Return this column followed by another of the same size."""
        return VectorColumn(np.concatenate([self.vectors, other.vectors]))


AnyColumn = CategoryColumn | NumberColumn | FlagColumn | TagsColumn | VectorColumn


class Columns(Mapping[str, Any]):
    """The columns of one snapshot of the catalogue, by name; read-only.

    `columns["energy"].numbers[rows]` are the energies of some rows. KeyError names the columns there are.
    """

    def __init__(self, columns: Mapping[str, AnyColumn], length: int) -> None:
        self._columns = dict(columns)
        self.length = length

    def __getitem__(self, name: str) -> Any:
        try:
            return self._columns[name]
        except KeyError:
            raise KeyError(f'no column "{name}"; there are {", ".join(sorted(self._columns))}') from None

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a column, `default` if there is none of this name."""
        return self._columns.get(name, default)


def as_rows(rows: Sequence[int] | Rows) -> Rows:
    """Return row numbers as the array that the columns take."""
    return np.asarray(rows, dtype=np.intp)
