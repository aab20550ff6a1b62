"""Conditions of `where` on a column: a value, a list of values, or a (low, high) range."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from qfzz_core.contracts.columns import Column
from qfzz_core.contracts.filters import CategoryFilter, Predicate, PreparedFilter, RangeFilter
from qfzz_core.errors import RequestError
from qfzz_core.model.plain import shown


def column_condition(column: Column, option: Any) -> PreparedFilter:
    """Return the filter that a condition on a column means; raises `RequestError` that names the column."""
    if column.kind in ("category", "tags"):
        return CategoryFilter(column=column.name, names=_names(column.name, option))
    if column.kind == "number":
        return _number_condition(column.name, option)
    if column.kind == "flag" and isinstance(option, bool):
        return RangeFilter(column=column.name, low=float(option), high=float(option))
    if column.kind == "flag":
        raise RequestError(f"where: {column.name} is True or False, got {option!r}")
    raise RequestError(f"where: {column.name} is a {column.kind} column, on which there is no condition")


def _names(column: str, option: Any) -> list[str]:
    names = [option] if isinstance(option, str) else option
    if isinstance(option, tuple) or not isinstance(names, (list, set, frozenset)):
        raise RequestError(f"where: {column} takes a name or a list of names, got {option!r}")
    for name in names:
        if not isinstance(name, str):
            raise RequestError(f"where: {column} takes names, got {name!r}")
    return sorted(names)


def _number(column: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:
        number = math.nan
    if math.isnan(number):
        raise RequestError(f"where: {column} takes numbers, got {shown(value)}")
    return number


def _number_condition(column: str, option: Any) -> PreparedFilter:
    if isinstance(option, tuple):
        return _range(column, option)
    if isinstance(option, (list, set, frozenset)):
        numbers = sorted(_number(column, value) for value in option)
        return Predicate(function=lambda columns, rows: np.isin(columns[column].at(rows), numbers))
    value = _number(column, option)
    return RangeFilter(column=column, low=value, high=value)


def _range(column: str, option: tuple[Any, ...]) -> RangeFilter:
    if len(option) != 2:
        raise RequestError(f"where: a range of {column} is (low, high), got {option!r}")
    low, high = (None if end is None else _number(column, end) for end in option)
    if low is not None and high is not None and low > high:
        raise RequestError(f"where: the range of {column} is empty: {low!r} is above {high!r}")
    return RangeFilter(column=column, low=low, high=high)
