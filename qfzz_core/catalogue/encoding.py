"""From the values of tracks to the arrays of a column; what cannot be used counts as missing and is counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from qfzz_core.columns import (
    AnyColumn,
    CategoryColumn,
    FlagColumn,
    NumberColumn,
    TagsColumn,
    VectorColumn,
    Vocabulary,
)
from qfzz_core.contracts import Column
from qfzz_core.names import NORMALISERS
from qfzz_core.plugins.faults import answer
from qfzz_core.tracks import Track

UNUSABLE = object()  # stands for a value that is there and of the wrong kind


class Encoder:
    """Makes column data of values, for one declared column; `unusable` counts the values it could not use."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.unusable = 0
        self._vocabulary = Vocabulary(NORMALISERS[column.compare])

    def encode(self, tracks: Sequence[Track]) -> AnyColumn:
        """Return the column of these tracks."""
        read = _READERS[self.column.kind]
        return self._array([self._usable(read(value, self.column)) for value in self._values(tracks)])

    def nothing(self, count: int) -> AnyColumn:
        """Return a column of `count` tracks that has nothing to say of any."""
        return self._array([None] * count)

    def _values(self, tracks: Sequence[Track]) -> Sequence[Any]:
        column = self.column
        if column.provider is not None:
            values: Sequence[Any] = answer(column.provider, [track["track_id"] for track in tracks])
            if len(values) != len(tracks):
                raise ValueError(f"the provider gave {len(values)} values for {len(tracks)} tracks")
            return values
        source = column.name if column.source is None else column.source
        if isinstance(source, str):
            return [track.get(source) for track in tracks]
        return [answer(source, track) for track in tracks]

    def _usable(self, value: Any) -> Any:
        if value is UNUSABLE:
            self.unusable += 1
            value = None
        return self.column.missing if value is None else value

    def _array(self, values: list[Any]) -> AnyColumn:
        kind = self.column.kind
        if kind == "category":
            encode = self._vocabulary.encode
            codes = [-1 if value is None else encode(value) for value in values]
            return CategoryColumn(np.array(codes, dtype=np.int32), self._vocabulary)
        if kind == "number":
            return NumberColumn(np.array([math.nan if value is None else value for value in values], dtype=np.float64))
        if kind == "flag":
            return FlagColumn(np.array([-1 if value is None else int(value) for value in values], dtype=np.int8))
        if kind == "tags":
            return self._tags(values)
        size = self.column.size or 1
        rows = [[math.nan] * size if value is None else value for value in values]
        return VectorColumn(np.array(rows, dtype=np.float64).reshape(len(values), size))

    def _tags(self, values: list[Any]) -> TagsColumn:
        encode = self._vocabulary.encode
        codes = [[encode(tag) for tag in value or ()] for value in values]
        starts = np.cumsum([0, *map(len, codes)], dtype=np.int64)
        return TagsColumn(starts, np.array([c for row in codes for c in row], dtype=np.int32), self._vocabulary)


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


_READERS = {"category": _category, "number": _number, "flag": _flag, "tags": _tags, "vector": _vector}
