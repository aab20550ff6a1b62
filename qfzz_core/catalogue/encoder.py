"""From tracks to the values of a column; what cannot be used counts as missing and is counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from numbers import Real
from types import NoneType
from typing import Any

import numpy as np

from qfzz_core.contracts.columns import Column
from qfzz_core.model.tracks import Track
from qfzz_core.plugins.faults import BrokenContractError, answer, refuse_coroutine

UNUSABLE = object()  # stands for a value that is there and of the wrong kind


class Encoder:
    """Reads the values of one declared column; `unusable` counts those it could not use."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.unusable = 0
        self._read = _READERS[column.kind]
        self._plain = _PLAIN.get(column.kind, frozenset())

    def values(self, tracks: Sequence[Track]) -> Sequence[Any]:
        """Return a usable value for each track, None where there is none."""
        values = self._given(tracks)
        types = set(map(type, values))
        if types <= self._plain and (self.column.kind != "number" or _all_finite(values, types)):
            return values if NoneType not in types else [self._filled(value) for value in values]
        return [self._usable(self._read(value, self.column)) for value in values]

    def _given(self, tracks: Sequence[Track]) -> Sequence[Any]:
        column = self.column
        if column.provider is not None:
            values: Sequence[Any] = answer(column.provider, [track["track_id"] for track in tracks])
            if len(values) != len(tracks):
                raise ValueError(f"the provider gave {len(values)} values for {len(tracks)} tracks")
            return list(values)
        source = column.name if column.source is None else column.source
        if isinstance(source, str):
            return [track.get(source) for track in tracks]
        return _answers(source, tracks)

    def _usable(self, value: Any) -> Any:
        if value is UNUSABLE:
            self.unusable += 1
            value = None
        return self._filled(value)

    def _filled(self, value: Any) -> Any:
        return self.column.missing if value is None else value


def _answers(source: Callable[[Track], Any], tracks: Sequence[Track]) -> list[Any]:
    values: list[Any] = answer(lambda: [source(track) for track in tracks])
    if any(hasattr(kind, "__await__") for kind in set(map(type, values))):
        for value in values:
            with suppress(BrokenContractError):
                refuse_coroutine(value)  # which closes it
        for value in values:
            refuse_coroutine(value)
    return values


# Values of these types alone need no look at each one.
_PLAIN: dict[str, frozenset[type]] = {
    "category": frozenset({str, NoneType}),
    "number": frozenset({float, int, NoneType}),
    "flag": frozenset({bool, NoneType}),
}


def _all_finite(values: Sequence[Any], types: set[type]) -> bool:
    """Return whether the numbers among values are finite as doubles."""
    numbers = [value for value in values if value is not None] if NoneType in types else values
    try:
        return bool(np.isfinite(np.fromiter(numbers, np.float64, len(numbers))).all())
    except OverflowError:
        return False


def _category(value: Any, column: Column) -> Any:
    return value if value is None or isinstance(value, str) else UNUSABLE


def _number(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        return UNUSABLE
    try:
        number = float(value)
    except OverflowError:
        return UNUSABLE
    return number if math.isfinite(number) else UNUSABLE


def _flag(value: Any, column: Column) -> Any:
    return value if value is None or isinstance(value, bool) else UNUSABLE


def _tags(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if isinstance(value, (list, tuple)) and all(isinstance(tag, str) for tag in value):
        return value
    return UNUSABLE


def _vector(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != column.size:
        return UNUSABLE
    numbers = [_number(number, column) for number in value]
    return UNUSABLE if any(number is None or number is UNUSABLE for number in numbers) else numbers


_READERS: dict[str, Callable[[Any, Column], Any]] = {
    "category": _category,
    "number": _number,
    "flag": _flag,
    "tags": _tags,
    "vector": _vector,
}
