"""From a prepared shape to values of rows. The ranking knows the four shapes and no factor by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from qfzz_core.columns import CategoryColumn, Columns, NumberColumn, Rows, TagsColumn, sealed
from qfzz_core.contracts import CategoryTable, ColumnFunction, NumericDistance, TrackFunction, Values
from qfzz_core.plugins.faults import BrokenContractError, answer, refuse_coroutine
from qfzz_core.tracks import Track

Evaluate = Callable[[Rows], Values]
FetchTracks = Callable[[Rows], Sequence[Track]]

TRACK_BLOCK = 1_000  # dictionaries held at a time for a track function


def compiled(prepared: Any, columns: Columns, fetch: FetchTracks) -> Evaluate:
    """Return the function that gives the values of rows, float64 in [0, 1], of what a factor's `prepare` returned.

    Raises `BrokenContractError` for a shape that is not one of the four or is not valid; the function it returns
    raises it too, for values that are not what was promised.
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


def _unit(value: Any, what: str, top: float = 1.0) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        refuse_coroutine(value)
        raise BrokenContractError(f"{what} must be a number from 0 to {top:g}, got {value!r}")
    number = float(value)
    if not 0.0 <= number <= top:
        raise BrokenContractError(f"{what} must be from 0 to {top:g}, got {number!r}")
    return number


def _table(prepared: CategoryTable, columns: Columns) -> Evaluate:
    column = _column(columns, prepared.column, CategoryColumn, TagsColumn)
    default = _unit(prepared.default, "the table's default")
    coded = _coded(prepared.values, column)  # first, because another thread may make the vocabulary longer
    by_code = np.full(len(column.vocabulary) + 1, default)  # the last entry is where code -1 points
    for code, value in coded.items():
        by_code[code] = value
    if isinstance(column, TagsColumn):
        return lambda rows: column.best(rows, by_code, default)
    codes = column.codes
    return lambda rows: by_code[codes[rows]]


def _coded(values: Mapping[str, float], column: CategoryColumn | TagsColumn) -> dict[int, float]:
    """Return the table by code; of two spellings of one name the larger value counts, whatever their order."""
    coded: dict[int, float] = {}
    for name, value in values.items():
        number = _unit(value, f"the table's value of {name!r}")
        code = column.vocabulary.code(name)
        if code >= 0:
            coded[code] = max(number, coded.get(code, 0.0))
    return coded


def _distance(prepared: NumericDistance, columns: Columns) -> Evaluate:
    numbers = _column(columns, prepared.column, NumberColumn).numbers
    missing = _unit(prepared.missing, "the value for missing numbers")
    target, scale = float(prepared.target), float(prepared.scale)
    if not (math.isfinite(target) and math.isfinite(scale) and scale > 0):
        raise BrokenContractError(f"target must be finite and scale finite and above 0, got {target!r} and {scale!r}")

    def evaluate(rows: Rows) -> Values:
        with np.errstate(over="ignore", invalid="ignore"):  # too far away is a value of 0
            values = 1.0 - np.abs(numbers[rows] - target) / scale
        return np.where(np.isnan(values), missing, np.maximum(values, 0.0))

    return evaluate


def _bound(bound: float) -> float:
    return _unit(bound, "the bound")


def _column_function(prepared: ColumnFunction, columns: Columns) -> Evaluate:
    bound = _bound(prepared.bound)

    def evaluate(rows: Rows) -> Values:
        return checked_values(answer(prepared.function, columns, sealed(rows)), len(rows), bound)

    return evaluate


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


def _track_function(prepared: TrackFunction, fetch: FetchTracks) -> Evaluate:
    bound = _bound(prepared.bound)

    def evaluate(rows: Rows) -> Values:
        values = np.empty(len(rows))
        for start in range(0, len(rows), TRACK_BLOCK):
            for offset, track in enumerate(fetch(rows[start : start + TRACK_BLOCK]), start):
                values[offset] = _unit(answer(prepared.function, track), "the value of a track", bound)
        return values

    return evaluate
