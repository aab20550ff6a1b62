"""The append-only columns behind the newest snapshot, to which new tracks are added."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from qfzz_core.catalogue.columns import AppendOnlyArray, CategoryWriter, ColumnWriter, empty_column, writer_of
from qfzz_core.catalogue.encoder import Encoder
from qfzz_core.catalogue.snapshot import Table
from qfzz_core.contracts.columns import CategoryColumn, Column
from qfzz_core.model.names import exact
from qfzz_core.model.tracks import Track
from qfzz_core.model.vocabulary import Vocabulary

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
    except Exception as error:  # noqa: BLE001 - a plugin's source may raise anything
        report(encoder.column, error)
        writer.extend([None] * len(tracks))
