"""From tracks to the values of columns, and the writer that appends them to a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from numbers import Real
from types import NoneType
from typing import Any

import numpy as np

from qfzz_core.catalogue.columns import AppendOnlyArray, CategoryWriter, ColumnWriter, empty_column, writer_of
from qfzz_core.catalogue.snapshot import Table
from qfzz_core.contracts.columns import CategoryColumn, Column
from qfzz_core.model.names import exact, names_in
from qfzz_core.model.plain import copied, own_text
from qfzz_core.model.tracks import Track
from qfzz_core.model.vocabulary import Names, Vocabulary
from qfzz_core.plugins.faults import BrokenContractError, answer, fault_in, refuse_coroutine
from qfzz_core.storage.decoding import refuse_damaged

UNUSABLE = object()  # stands for a value that is there and of the wrong kind


class Encoder:
    """Reads the values of one declared column; `unusable` counts those it could not use."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.unusable = 0
        self._read, self._plain = _READERS[column.kind]

    def values(self, tracks: Sequence[Track]) -> Sequence[Any]:
        """Return a usable value for each track, None where there is none, and a tuple for several names."""
        column = self.column
        values = self._usable_of(self._given(tracks))
        if column.further is not None:
            values = self._with_further(values, [track.get(column.further) for track in tracks])
        return values if column.missing is None else [column.missing if value is None else value for value in values]

    def _usable_of(self, values: Sequence[Any]) -> Sequence[Any]:
        types = set(map(type, values))
        if types <= self._plain and (self.column.kind != "number" or _all_finite(values, types)):
            return values
        return [None if value is None else self._counted(self._read(value, self.column)) for value in values]

    def _with_further(self, values: Sequence[str | None], lists: Sequence[Any]) -> Sequence[Names]:
        if {NoneType}.issuperset(map(type, lists)):
            return values
        further = [None if names is None else self._counted(_tags(names, self.column)) for names in lists]
        return [_several(value, names) if names else value for value, names in zip(values, further, strict=True)]

    def _given(self, tracks: Sequence[Track]) -> Sequence[Any]:
        column = self.column
        if column.provider is not None:
            given = answer(column.provider, [track["track_id"] for track in tracks])
            values = list(islice(given, len(tracks) + 1))
            if len(given) != len(tracks) or len(values) != len(tracks):
                raise ValueError(f"the provider gave {len(given)} values for {len(tracks)} tracks")
            return values
        source = column.name if column.source is None else column.source
        if isinstance(source, str):
            return [track.get(source) for track in tracks]
        return _answers(source, tracks)

    def _counted(self, usable: Any) -> Any:
        """Return a usable value as it is, and None for one that is not, which is counted."""
        if usable is UNUSABLE:
            self.unusable += 1
            return None
        return usable


def _several(value: str | None, further: Sequence[str]) -> Names:
    """Return the names of a track, the single one first; one that is there alone as it is."""
    names = tuple(further) if value is None else (value, *further)
    return names if len(names) > 1 else names[0]


def _answers(source: Callable[[Track], Any], tracks: Sequence[Track]) -> list[Any]:
    # Copies, of 0.6 us a track: what a source does to a track must change neither the other columns nor what is stored.
    values: list[Any] = answer(lambda: [source(copied(track)) for track in tracks])
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
    tags = names_in(value)
    return UNUSABLE if tags is None else tags


def _vector(value: Any, column: Column) -> Any:
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != column.size:
        return UNUSABLE
    numbers = [_number(number, column) for number in value]
    return UNUSABLE if UNUSABLE in numbers else numbers


# What reads a value by itself, and the types of which all values may be so that none has to be.
_READERS: dict[str, tuple[Callable[[Any, Column], Any], frozenset[type]]] = {
    "category": (lambda value, _: own_text(value) if isinstance(value, str) else UNUSABLE, frozenset({str, NoneType})),
    "number": (_number, frozenset({float, int, NoneType})),
    "flag": (lambda value, _: value if isinstance(value, bool) else UNUSABLE, frozenset({bool, NoneType})),
    "tags": (_tags, frozenset()),
    "vector": (_vector, frozenset()),
}


ReportColumn = Callable[[Column, Exception], None]

# Tracks encoded at a time. Loading 100,000 tracks needs 19 MB so and 32 MB in one batch, and takes a second either way;
# batches of 1,000 take 1.7 times as long.
BATCH = 20_000


def is_identifier(column: Column) -> bool:
    """Return whether a column says nothing but the track_id, so that the identifiers serve for it."""
    source = column.name if column.source is None else column.source
    plain = column.kind == "category" and column.compare == "exact" and column.provider is None
    return plain and source == "track_id"


class TableWriter:
    """Appends tracks to a table; used by one thread at a time."""

    def __init__(self, table: Table, encoders: Mapping[str, Encoder], report: ReportColumn) -> None:
        self._encoders = encoders
        self._report = report
        self._is_loading = False
        self._positions = AppendOnlyArray(table.positions)
        self._ids = CategoryWriter(table.ids)
        self._columns: dict[str, ColumnWriter[Any]] = {
            name: self._ids if is_identifier(encoder.column) else writer_of(table.columns[name])
            for name, encoder in encoders.items()
        }

    @classmethod
    def empty(cls, encoders: Mapping[str, Encoder], report: ReportColumn) -> TableWriter:
        """Return a writer of a table without rows, with vocabularies of its own.

        Until `settle` is called it loads a whole catalogue, in which no track comes twice.
        """
        ids = CategoryColumn(np.empty(0, np.int8), Vocabulary(exact))
        columns = {name: empty_column(encoder.column) for name, encoder in encoders.items()}
        writer = cls(Table(np.empty(0, np.int64), ids, columns), encoders, report)
        writer._is_loading = True
        return writer

    def add(self, batch: Sequence[tuple[int, Track]]) -> None:
        """Append tracks, given with their positions."""
        tracks = [track for _, track in batch]
        self._positions.extend(np.array([position for position, _ in batch], dtype=np.int64))
        ids = [track["track_id"] for track in tracks]
        # A whole catalogue has no track twice; looking each id up would make loading take a sixth longer.
        self._ids.extend_new(ids) if self._is_loading else self._ids.extend(ids)
        for name, writer in self._derived():
            extend(writer, self._encoders[name], tracks, self._report)

    def append(self, table: Table) -> None:
        """Append the rows of a table with the same vocabularies, except that of the identifiers."""
        self._positions.extend(table.positions)
        self._ids.extend(table.ids.names(np.arange(len(table))))
        for name, writer in self._derived():
            writer.append(table.columns[name])

    def reserve(self, count: int) -> None:
        """Make room for so many more rows, so that appending them moves nothing."""
        self._positions.reserve(count)
        for writer in (self._ids, *self._columns.values()):
            for array in writer.arrays:
                array.reserve(count)

    def settle(self) -> None:
        """End the loading of a whole catalogue: put the names of all vocabularies into their compact form."""
        self._is_loading = False
        for writer in (self._ids, *self._columns.values()):
            if isinstance(writer, CategoryWriter):
                writer.vocabulary.settle()

    def table(self) -> Table:
        """Return all rows so far."""
        ids = self._ids.column()
        columns = {name: ids if writer is self._ids else writer.column() for name, writer in self._columns.items()}
        return Table(self._positions.view, ids, columns)

    def _derived(self) -> list[tuple[str, ColumnWriter[Any]]]:
        return [(name, writer) for name, writer in self._columns.items() if writer is not self._ids]


def with_provided(table: Table, encoders: Mapping[str, Encoder], report: ReportColumn) -> Table:
    """Return a table with the columns of providers, each called with a batch of the table's identifiers at a time."""
    columns = dict(table.columns)
    for name, encoder in encoders.items():
        if encoder.column.provider is not None:
            writer = writer_of(empty_column(encoder.column))
            for first in range(0, len(table), BATCH):
                ids = table.ids.names(np.arange(first, min(first + BATCH, len(table))))
                extend(writer, encoder, [{"track_id": str(track_id)} for track_id in ids], report)
            columns[name] = writer.column()
    return Table(table.positions, table.ids, columns)


def extend(writer: ColumnWriter[Any], encoder: Encoder, tracks: Sequence[Track], report: ReportColumn) -> None:
    """Append the values of tracks to a column, missing values for all of them if the column's source fails."""
    try:
        writer.extend(encoder.values(tracks))
    except BaseException as error:  # noqa: BLE001 - a plugin's source may raise anything
        fault = fault_in(error)
        if encoder.column.provider is None:
            refuse_damaged(tracks)
        report(encoder.column, fault)
        writer.extend([None] * len(tracks))
