"""How prepared factors score rows: each shape compiled against the columns of one snapshot.

A compiled shape is called with rows and gives their values; what else it knows of itself (a table's entries, a
distance's target, a function's bound) is what the index prunes by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import CategoryColumn, Columns, NumberColumn, Rows, TagsColumn
from qfzz_core.contracts.factors import CategoryTable, ColumnFunction, NumericDistance, TrackFunction, Values
from qfzz_core.errors import shown
from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.plain import number_of, number_or_nan, own_text, sealed
from qfzz_core.model.tracks import Track
from qfzz_core.plugins.faults import BrokenContractError, answer, refuse_coroutine

Evaluate = Callable[[Rows], Values]
FetchTracks = Callable[[Rows], Sequence[Track]]
Codes = NDArray[np.int64]

# Dictionaries held at a time for a track function: few, because a request takes the same time with 62 to 16,000.
TRACK_BLOCK = 1_000
# Categories up to which a table is an array over all of them, which it also is for more than FEW_ROWS rows at once.
# Making the array and looking 50 rows up takes 4 us with 4,096 categories, 8 with 16,384 and 21 with 65,536; searching
# 40 named codes for them takes 5 us, for 500 rows 10 and for 16,384 rows 590, when the array takes 47 to 60.
DENSE = 4_096
FEW_ROWS = 16_384
_MISSING = np.array([-1], dtype=np.int64)  # the code of a track without a category


@attrs.frozen(eq=False, slots=False)
class ValueTable:
    """A table over a column: `values` of the ascending `codes`, of which -1 is a missing one, `default` for others."""

    name: str
    column: CategoryColumn | TagsColumn
    codes: Codes
    values: Values
    default: float
    # Of the vocabulary when the table was made: it may grow meanwhile, and no row of the snapshot has a newer code.
    _size: int = attrs.field(init=False, default=attrs.Factory(lambda table: len(table.column.vocabulary), True))

    @property
    def identity(self) -> bytes:
        """What no other table over a column of the same snapshot has, unless it gives the same values."""
        return repr((self.name, self.default, len(self.codes))).encode() + self.codes.tobytes() + self.values.tobytes()

    @cached_property
    def _all(self) -> Values:
        """The values of all categories, the last for code -1."""
        values = np.empty(self._size + 1)
        values.fill(self.default)
        values[self.codes] = self.values
        return values

    @cached_property
    def upper_bound(self) -> float:
        """The largest value that a row can have."""
        return max(self.default, float(self.values.max(initial=0.0)))

    def of_codes(self, codes: NDArray[Any]) -> Values:
        """Return the values of categories by code, -1 for a missing one."""
        if self._size <= DENSE or len(codes) > FEW_ROWS:
            values: Values = self._all[codes]
            return values
        if not len(self.codes):
            return np.full(len(codes), self.default)
        places = np.minimum(self.codes.searchsorted(codes), len(self.codes) - 1)
        return np.where(self.codes[places] == codes, self.values[places], self.default)

    def from_missing(self, size: int) -> Values:
        """Return the values of the `size` codes from -1 on, all of which there are."""
        values = np.empty(size)
        values[0] = self._all[-1]
        values[1:] = self._all[: size - 1]
        return values

    def __call__(self, rows: Rows) -> Values:
        """Return the values of rows."""
        if isinstance(self.column, TagsColumn):
            return self.column.best(rows, self._all, self._all[-1])
        return self.of_codes(self.column.codes[rows])


@attrs.frozen(eq=False)
class Distance:
    """A distance on a number column."""

    name: str
    column: NumberColumn
    target: float
    scale: float
    missing: float

    @property
    def identity(self) -> bytes:
        """What no other distance on a column of the same snapshot has, unless it gives the same values."""
        return repr((self.name, self.target, self.scale, self.missing)).encode()

    def of_numbers(self, numbers: Values) -> Values:
        """Return the values of numbers, NaN standing for a missing one."""
        with np.errstate(over="ignore", invalid="ignore"):  # too far away is a value of 0
            values = 1.0 - np.abs(numbers - self.target) / self.scale
        return np.where(np.isnan(values), self.missing, np.maximum(values, 0.0))

    def __call__(self, rows: Rows) -> Values:
        """Return the values of rows."""
        return self.of_numbers(self.column.at(rows))


@attrs.frozen(eq=False)
class Function:
    """A function that has to be evaluated; no value is above `bound`."""

    evaluate: Evaluate
    bound: float

    def __call__(self, rows: Rows) -> Values:
        """Return the values of rows."""
        return self.evaluate(rows)


def compiled(prepared: Any, columns: Columns, fetch: FetchTracks) -> ValueTable | Distance | Function:
    """Return what gives the values of rows, float64 in [0, 1], of what a factor's `prepare` returned.

    Raises `BrokenContractError` for a shape that is not one of the four or is not valid; a function raises it too
    when it is called, for values that are not what was promised.
    """
    refuse_coroutine(prepared)
    if isinstance(prepared, CategoryTable):
        return _table(prepared, columns)
    if isinstance(prepared, NumericDistance):
        return _distance(prepared, columns)
    if isinstance(prepared, ColumnFunction):
        return _column_function(prepared, columns)
    if isinstance(prepared, TrackFunction):
        return _track_function(prepared, fetch)
    raise BrokenContractError(
        "prepare must return CategoryTable, NumericDistance, ColumnFunction, TrackFunction or None, "
        f"got {type(prepared).__name__}"
    )


def _column(columns: Columns, name: str, *kinds: type) -> Any:
    if name not in columns:
        raise BrokenContractError(f'no column "{name}" is declared; there are {", ".join(sorted(columns))}')
    column = columns[name]
    if not isinstance(column, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise BrokenContractError(f'column "{name}" is a {type(column).__name__}, not a {wanted}')
    return column


def _unit(value: Any, what: str, bound: float = 1.0) -> float:
    if type(value) is float and 0.0 <= value <= bound:  # which it nearly always is
        return value
    number = number_of(value)
    if number is None:
        refuse_coroutine(value)
        raise BrokenContractError(f"{what} must be a number from 0 to {bound:g}, got {shown(value)}")
    if not 0.0 <= number <= bound:
        raise BrokenContractError(f"{what} must be from 0 to {bound:g}, got {number}")
    return number


def _table(prepared: CategoryTable, columns: Columns) -> ValueTable:
    column = _column(columns, prepared.column, CategoryColumn, TagsColumn)
    default = _unit(prepared.default, "the table's default")
    codes, values = column.vocabulary.with_combinations(*_coded(prepared.values, column), default)
    missing = default if prepared.missing is None else _unit(prepared.missing, "the table's value for missing")
    if missing != default:
        codes, values = np.concatenate([_MISSING, codes]), np.concatenate([np.array([missing]), values])
    return ValueTable(own_text(prepared.column), column, codes, values, default)


def _coded(mapping: Mapping[str, float], column: CategoryColumn | TagsColumn) -> tuple[Codes, Values]:
    """Return the table by ascending code; of two spellings of one name the larger value counts, in whatever order."""
    values = _table_values(mapping)
    codes = column.vocabulary.codes(mapping).astype(np.int64)
    if len(codes) > 1:
        order = codes.argsort(kind="stable")
        codes, values = codes[order], values[order]
    if len(codes) and codes[0] < 0:
        known = int(codes.searchsorted(0))  # before it are names that no track ever had
        codes, values = codes[known:], values[known:]
    again = np.count_nonzero(codes[1:] == codes[:-1])
    return _unique(codes, values) if again else (codes, values)


def _unique(codes: Codes, values: Values) -> tuple[Codes, Values]:
    order = np.lexsort((-values, codes))
    codes, values = codes[order], values[order]
    first = np.diff(codes, prepend=-1) != 0
    return codes[first], values[first]


def _table_values(mapping: Mapping[str, float]) -> Values:
    if {float}.issuperset(map(type, mapping.values())):
        values = np.fromiter(mapping.values(), dtype=np.float64, count=len(mapping))
        if not len(values) or (np.minimum.reduce(values) >= 0.0 and np.maximum.reduce(values) <= 1.0):  # not for NaN
            return values
    return np.array(
        [_unit(value, f"the table's value of {shown(name)}") for name, value in mapping.items()], dtype=float
    )


def _distance(prepared: NumericDistance, columns: Columns) -> Distance:
    column = _column(columns, prepared.column, NumberColumn)
    missing = _unit(prepared.missing, "the value for missing numbers")
    target, scale = number_or_nan(prepared.target), number_or_nan(prepared.scale)
    if not (math.isfinite(target) and math.isfinite(scale) and scale > 0):
        raise BrokenContractError(f"target must be finite and scale finite and above 0, got {target} and {scale}")
    return Distance(own_text(prepared.column), column, target, scale, missing)


def _column_function(prepared: ColumnFunction, columns: Columns) -> Function:
    bound = _unit(prepared.bound, "the bound")

    function, seen = prepared.function, columns.shown

    def evaluate(rows: Rows) -> Values:
        return checked_values(answer(function, seen, sealed(rows)), len(rows), bound)

    return Function(evaluate, bound)


def checked_values(result: Any, count: int, bound: float) -> Values:
    """Return a function's values as an array of its own; raises `BrokenContractError` for all but what it promised."""
    refuse_coroutine(result)
    try:
        given = np.asarray(result)
    except (TypeError, ValueError):
        given = np.asarray(None)
    if given.dtype.kind not in "biuf":
        raise BrokenContractError(f"values must be numbers, got {type(result).__name__} of {given.dtype}")
    values = given.astype(np.float64)  # a copy: the plugin may keep its own array
    if values.shape != (count,):
        raise BrokenContractError(f"values must have the shape ({count},), got {values.shape}")
    if not ((values >= 0.0) & (values <= bound)).all():
        wrong = values[~((values >= 0.0) & (values <= bound))][0]
        raise BrokenContractError(f"values must lie in [0, {bound:g}], got {wrong}")
    return values


def _track_function(prepared: TrackFunction, fetch: FetchTracks) -> Function:
    bound, function = _unit(prepared.bound, "the bound"), prepared.function

    def evaluate(rows: Rows) -> Values:
        values = np.empty(len(rows))
        for start in range(0, len(rows), TRACK_BLOCK):
            for offset, track in enumerate(fetch(rows[start : start + TRACK_BLOCK]), start):
                values[offset] = _unit(answer(function, track), "the value of a track", bound)
        return values

    return Function(evaluate, bound)
