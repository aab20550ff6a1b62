"""Columns of the catalogue: how one is declared, and the immutable arrays that plugins are given.

Row r of every column belongs to the same track. Arrays are read-only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.validators import not_blank, one_of
from qfzz_core.errors import ArgumentTypeError, InvalidInput, shown
from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.names import text_of
from qfzz_core.model.plain import own_text, sealed, several_of, whole_of
from qfzz_core.model.vocabulary import Vocabulary, read_only

Rows = NDArray[np.intp]

_SIGNED = [(np.iinfo(dtype).max, dtype) for dtype in (np.int8, np.int16, np.int32, np.int64)]


def narrow(largest: int) -> type[np.signedinteger[Any]]:
    """Return the narrowest of int8, int16, int32 and int64 that holds numbers from -1 to `largest`."""
    return next(dtype for most, dtype in _SIGNED if largest <= most)


@attrs.frozen(eq=False)
class CategoryColumn:
    """`codes`: shape (tracks,), -1 where missing; `vocabulary` has the name that a code stands for.

    A track with several names has one code, which stands for all of them: `vocabulary.having(name)` are the codes of
    all tracks that have a name.

    The dtype is the narrowest of int8, int16 and int32 that held the vocabulary when the snapshot was made: convert
    before you calculate with codes.
    """

    codes: NDArray[np.signedinteger[Any]] = attrs.field(converter=sealed)
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.codes)

    def shown(self) -> CategoryColumn:
        """Return the column as plugins see it: its vocabulary gives codes and names, and takes none."""
        return CategoryColumn(self.codes, read_only(self.vocabulary))

    def select(self, rows: Rows) -> CategoryColumn:
        """Return the column of these rows."""
        return CategoryColumn(self.codes[rows], self.vocabulary)

    def names(self, rows: Rows) -> list[str | None]:
        """Return the normal forms of the categories in these rows, None where missing; of several, the first one."""
        return self.vocabulary.names(self.codes[rows])

    def all_names(self, rows: Rows) -> list[tuple[str, ...]]:
        """Return the normal forms of all categories of each of these rows, the first one first; () where missing."""
        return self.vocabulary.all_names(self.codes[rows])


@attrs.frozen(eq=False)
class NumberColumn:
    """Numbers with NaN where missing: `at(rows)` gives some, `numbers` all of them.

    A column of few different numbers is kept as their places in `levels`, which are in no particular order: `stored`
    is then uint16, otherwise float64 and `levels` None. The numbers are the same to the last bit.
    """

    stored: NDArray[Any] = attrs.field(converter=sealed)
    levels: NDArray[np.float64] | None = attrs.field(default=None, converter=attrs.converters.optional(sealed))

    def __len__(self) -> int:
        return len(self.stored)

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """All numbers: float64, shape (tracks,), made at the first use and kept."""
        return self.stored if self.levels is None else sealed(self.levels[self.stored])

    def at(self, rows: Rows) -> NDArray[np.float64]:
        """Return the numbers of these rows, float64."""
        chosen = self.stored[rows]
        return chosen if self.levels is None else self.levels[chosen]

    def select(self, rows: Rows) -> NumberColumn:
        """Return the column of these rows."""
        return NumberColumn(self.stored[rows], self.levels)


@attrs.frozen(eq=False)
class FlagColumn:
    """`flags`: int8, shape (tracks,), 1 for true, 0 for false, -1 where missing."""

    flags: NDArray[np.int8] = attrs.field(converter=sealed)

    def __len__(self) -> int:
        return len(self.flags)

    def select(self, rows: Rows) -> FlagColumn:
        """Return the column of these rows."""
        return FlagColumn(self.flags[rows])


@attrs.frozen(eq=False)
class TagsColumn:
    """The tags of row r are `codes[starts[r]:starts[r + 1]]`: int64 starts of shape (tracks + 1,), codes as in
    `CategoryColumn`.
    """

    starts: NDArray[np.int64] = attrs.field(converter=sealed)
    codes: NDArray[np.signedinteger[Any]] = attrs.field(converter=sealed)
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.starts) - 1

    def shown(self) -> TagsColumn:
        """Return the column as plugins see it: its vocabulary gives codes and names, and takes none."""
        return TagsColumn(self.starts, self.codes, read_only(self.vocabulary))

    def select(self, rows: Rows) -> TagsColumn:
        """Return the column of these rows."""
        return TagsColumn(*self.of_rows(rows), self.vocabulary)

    def of_rows(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.signedinteger[Any]]]:
        """Return starts and codes of these rows."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        return starts, self.codes[np.repeat(self.starts[rows], lengths) + within]

    def best(self, rows: Rows, by_code: NDArray[np.float64], default: float) -> NDArray[np.float64]:
        """Return for each row the largest of `by_code` over its tags, `default` where it has none."""
        starts, codes = self.of_rows(rows)
        values = np.full(len(rows), -np.inf)
        lengths = np.diff(starts)
        np.maximum.at(values, np.repeat(np.arange(len(rows)), lengths), by_code[codes])
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


AnyColumn = CategoryColumn | NumberColumn | FlagColumn | TagsColumn | VectorColumn


@attrs.frozen(init=False, eq=False, repr=False)
class Columns(Mapping[str, Any]):
    """The columns of one snapshot of the catalogue, by name; read-only.

    `columns["energy"].at(rows)` are the energies of some rows. KeyError names the columns there are. `length` is the
    number of rows, those included that are no longer part of the catalogue.
    """

    _columns: Mapping[str, AnyColumn]
    length: int
    _rows_of: Callable[[Iterable[str]], Rows] | None

    def __init__(
        self, columns: Mapping[str, AnyColumn], length: int, rows_of: Callable[[Iterable[str]], Rows] | None = None
    ) -> None:
        """`rows_of` is what `rows` calls; without it, `rows` finds no track."""
        self.__attrs_init__(MappingProxyType(dict(columns)), length, rows_of)

    @cached_property
    def shown(self) -> Columns:
        """The columns as plugins see them: they lead to nothing by which the engine's own could be changed."""
        columns = {
            name: column.shown() if isinstance(column, CategoryColumn | TagsColumn) else column
            for name, column in self._columns.items()
        }
        return Columns(columns, self.length, self._rows_of)

    def rows(self, track_ids: Iterable[str]) -> Rows:
        """Return the rows of tracks: intp, one for each id in the order given, -1 where the catalogue lacks the track.

        A track that was replaced has its new row, one that was removed has none. Raises TypeError for a lone string
        and for what holds no strings.
        """
        given = several_of(track_ids)
        if given is None or any(text_of(each) is None for each in given):
            raise ArgumentTypeError(f"track_ids must be several ids, got {shown(track_ids)}")
        return as_rows([-1] * len(given)) if self._rows_of is None else self._rows_of(list(given))

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


def as_rows(rows: Sequence[int] | Rows) -> Rows:
    """Return row numbers as the array that the columns take."""
    return np.asarray(rows, dtype=np.intp)


def among(rows: Rows, some: Rows) -> NDArray[np.bool_]:
    """Return which rows are among some, which ascend: quick where both are few."""
    if not len(some):
        return np.zeros(len(rows), dtype=np.bool_)
    places = np.minimum(some.searchsorted(rows), len(some) - 1)
    found: NDArray[np.bool_] = some[places] == rows
    return found


def without(rows: Rows, deleted: Rows) -> Rows:
    """Return those of the rows that are not among the deleted ones, which ascend."""
    return rows[~among(rows, deleted)] if len(deleted) else rows


# ---- declarations ---------------------------------------------------------------------------------------------------

ColumnKind = Literal["category", "tags", "number", "flag", "vector"]
Source = str | Callable[[Mapping[str, Any]], Any]
Provider = Callable[[Sequence[str]], Sequence[Any]]


@attrs.frozen(kw_only=True)
class Column:
    """Where a column comes from.

    `source` is a key of the track or a function of the track (the column's own name if not given); instead of it a
    `provider` gives the values of a batch of track ids. `missing` replaces what is absent or unusable. `compare` says
    when two categories or tags are the same: by "name", by "genre", or "exact". `size` is the length of a vector.
    `further` is the key of the track that lists further names of a category, as "genres" does beside "genre".
    `version` stands for what a function as `source` says: change it with the function. Without one, catalogues with
    this column are not cached on disk.
    """

    name: str = attrs.field(converter=own_text, validator=not_blank)
    kind: ColumnKind = attrs.field(converter=own_text, validator=one_of(*get_args(ColumnKind)))
    source: Source | None = attrs.field(default=None, converter=own_text)
    provider: Provider | None = None
    missing: Any = None
    compare: Literal["name", "genre", "exact"] = attrs.field(
        default="name", converter=own_text, validator=one_of("name", "genre", "exact")
    )
    size: int | None = attrs.field(default=None)
    version: str | None = attrs.field(default=None, converter=own_text)
    further: str | None = attrs.field(default=None, converter=own_text)

    @size.validator
    def _check_size(self, _: Any, size: Any) -> None:
        if self.kind == "vector" and (whole_of(size) or 0) < 1:
            raise InvalidInput(f"size of a vector must be a whole number, 1 or more, got {shown(size)}")

    @further.validator
    def _check_further(self, _: Any, further: Any) -> None:
        takes_it = self.kind == "category" and self.compare != "exact" and self.provider is None
        if further is not None and not (takes_it and isinstance(further, str)):
            raise InvalidInput(
                "further must be the key of a track, and the column one of categories by name or genre without a "
                f"provider, got {shown(further)} for the {self.kind} column {shown(self.name)}"
            )
