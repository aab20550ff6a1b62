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
        self._read, self._plain = _READERS[column.kind]

    def values(self, tracks: Sequence[Track]) -> Sequence[Any]:
        """Return a usable value for each track, None where there is none."""
        values = self._given(tracks)
        types = set(map(type, values))
        if types <= self._plain and (self.column.kind != "number" or _all_finite(values, types)):
            missing = self.column.missing
            return values if NoneType not in types else [missing if value is None else value for value in values]
        return [self._usable(value) for value in values]

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
        usable = None if value is None else self._read(value, self.column)
        if usable is UNUSABLE:
            self.unusable += 1
        return self.column.missing if usable is None or usable is UNUSABLE else usable


def _answers(source: Callable[[Track], Any], tracks: Sequence[Track]) -> list[Any]:
    values: list[Any] = answer(lambda: [source(track) for track in tracks])
    if any(hasattr(kind, "__await__") for kind in set(map(type, values))):
        for value in values:
            with suppress(BrokenContractError):
                refuse_coroutine(value)  # which closes it: one left open would warn when it is collected
        for value in values:
            refuse_coroutine(value)
    return values


def _all_finite(values: Sequence[Any], types: set[type]) -> bool:
    """Return whether the numbers among values are finite as doubles."""
    numbers = [value for value in values if value is not None] if NoneType in types else values
    try:
        return bool(np.isfinite(np.fromiter(numbers, np.float64, len(numbers))).all())
    except OverflowError:  # an int such as 10**400
        return False


def _number(value: Any, column: Column) -> Any:
    if isinstance(value, bool) or not isinstance(value, Real):
        return UNUSABLE
    try:
        number = float(value)
    except OverflowError:
        return UNUSABLE
    return number if math.isfinite(number) else UNUSABLE


def _tags(value: Any, column: Column) -> Any:
    return value if isinstance(value, (list, tuple)) and all(isinstance(tag, str) for tag in value) else UNUSABLE


def _vector(value: Any, column: Column) -> Any:
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != column.size:
        return UNUSABLE
    numbers = [_number(number, column) for number in value]
    return UNUSABLE if UNUSABLE in numbers else numbers


# What reads a value by itself, and the types of which all values may be so that none has to be.
_READERS: dict[str, tuple[Callable[[Any, Column], Any], frozenset[type]]] = {
    "category": (lambda value, _: value if isinstance(value, str) else UNUSABLE, frozenset({str, NoneType})),
    "number": (_number, frozenset({float, int, NoneType})),
    "flag": (lambda value, _: value if isinstance(value, bool) else UNUSABLE, frozenset({bool, NoneType})),
    "tags": (_tags, frozenset()),
    "vector": (_vector, frozenset()),
}
