"""Conditions of `where` on columns: which filter each of them means."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from qfzz_core.contracts.columns import Column
from qfzz_core.contracts.filters import CategoryFilter, Predicate, PreparedFilter, RangeFilter
from qfzz_core.errors import RequestError, shown
from qfzz_core.model.names import text_of
from qfzz_core.model.plain import number_or_nan, several_of


def column_condition(column: Column, option: Any) -> PreparedFilter:
    """Return the filter that a condition on a column means; raises `RequestError` that names the column."""
    if column.kind in ("category", "tags"):
        return CategoryFilter(column=column.name, names=_names(column.name, option))
    if column.kind == "number":
        return _number_condition(column.name, option)
    if column.kind == "flag" and isinstance(option, bool):
        return RangeFilter(column=column.name, low=float(option), high=float(option))
    if column.kind == "flag":
        raise RequestError(f"where: {column.name} is True or False, got {shown(option)}")
    raise RequestError(f"where: {column.name} is a {column.kind} column, on which there is no condition")


def _names(column: str, option: Any) -> list[str]:
    whole = text_of(option)
    names = [whole] if whole is not None else _alternatives(option)
    if names is None:
        raise RequestError(f"where: {column} takes a name or a list of names, got {shown(option)}")
    for name in names:
        if text_of(name) is None:
            raise RequestError(f"where: {column} takes names, got {shown(name)}")
    return sorted(text_of(name) or "" for name in names)


def _alternatives(option: Any) -> Collection[Any] | None:
    """Return the values of a list or set, each of which may be; None for anything else, a range included."""
    return several_of(option) if isinstance(option, (list, set, frozenset)) else None


def _number(column: str, value: Any) -> float:
    number = number_or_nan(value)
    if math.isnan(number):
        raise RequestError(f"where: {column} takes numbers, got {shown(value)}")
    return number


def _number_condition(column: str, option: Any) -> PreparedFilter:
    if isinstance(option, tuple):
        return _range(column, option)
    alternatives = _alternatives(option)
    if alternatives is not None:
        numbers = sorted(_number(column, value) for value in alternatives)
        return Predicate(function=lambda columns, rows: np.isin(columns[column].at(rows), numbers))
    value = _number(column, option)
    return RangeFilter(column=column, low=value, high=value)


def _range(column: str, option: tuple[Any, ...]) -> RangeFilter:
    ends = tuple(tuple.__iter__(option))
    if len(ends) != 2:
        raise RequestError(f"where: a range of {column} is (low, high), got {shown(option)}")
    low, high = (None if end is None else _number(column, end) for end in ends)
    if low is not None and high is not None and low > high:
        raise RequestError(f"where: the range of {column} is empty: {low} is above {high}")
    return RangeFilter(column=column, low=low, high=high)
