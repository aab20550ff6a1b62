"""The catalogue in memory: an immutable snapshot of columns, brought up to date by what the store says changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.encoding import Encoder
from qfzz_core.columns import AnyColumn, Columns, Rows, as_rows
from qfzz_core.contracts import Column
from qfzz_core.stores import CatalogueChanges, CatalogueToken, Store
from qfzz_core.tracks import Track

BATCH = 20_000  # tracks encoded at a time, so that loading needs no second copy of a large catalogue

ReportColumn = Callable[[Column, Exception], None]


class Catalogue:
    """One snapshot: rows in order of position. Row numbers mean something within this snapshot only."""

    def __init__(
        self,
        token: CatalogueToken,
        positions: NDArray[np.int64],
        track_ids: Sequence[str],
        columns: Mapping[str, AnyColumn],
    ) -> None:
        self.token = token
        self.positions = positions
        self.track_ids = track_ids
        self.columns = Columns(columns, len(positions))

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {track_id: row for row, track_id in enumerate(self.track_ids)}

    def row(self, track_id: str) -> int | None:
        """Return the row of a track, None if the catalogue lacks it."""
        return self._rows.get(track_id)

    def rows(self, track_ids: Iterable[str]) -> Rows:
        """Return the rows of those of the tracks that the catalogue has."""
        known = self._rows
        return as_rows([known[track_id] for track_id in track_ids if track_id in known])


class CatalogueBuilder:
    """Keeps the newest snapshot of a store's catalogue, one for each engine.

    A column whose source fails is left empty and reported once; everything else goes on.
    """

    def __init__(self, store: Store, columns: Sequence[Column], report: ReportColumn) -> None:
        self._store = store
        self._encoders = {column.name: Encoder(column) for column in columns}
        self._report = report
        self._lock = threading.RLock()
        self._current: Catalogue | None = None

    def current(self) -> Catalogue:
        """Return a snapshot that has everything committed before the call."""
        current = self._current
        if current is not None and self._store.catalogue_token() == current.token:
            return current
        with self._lock:
            self._current = self._brought_up(self._current)
            return self._current

    def unusable(self) -> dict[str, int]:
        """Return for each column how many values were there but could not be used."""
        return {name: encoder.unusable for name, encoder in self._encoders.items() if encoder.unusable}

    def made_of(self, token: CatalogueToken, tracks: Iterable[tuple[int, Track]]) -> Catalogue:
        """Return a snapshot of these tracks, given with growing positions."""
        with self._lock:  # the columns' vocabularies grow
            parts = [self._part(batch) for batch in _batches(tracks)]
            return _joined(token, parts or [self._part([])])

    def _brought_up(self, old: Catalogue | None) -> Catalogue:
        changes = self._store.catalogue_since(old.token if old else None)
        if old is None or changes.complete:
            return self.made_of(changes.token, changes.written)
        return self._changed(old, changes)

    def _part(self, batch: Sequence[tuple[int, Track]]) -> Catalogue:
        tracks = [track for _, track in batch]
        positions = np.array([position for position, _ in batch], dtype=np.int64)
        columns = {name: self._encoded(encoder, tracks) for name, encoder in self._encoders.items()}
        return Catalogue(CatalogueToken("", 0, ""), positions, [track["track_id"] for track in tracks], columns)

    def _encoded(self, encoder: Encoder, tracks: Sequence[Track]) -> AnyColumn:
        try:
            return encoder.encode(tracks)
        except Exception as error:  # noqa: BLE001 - a plugin's source may raise anything
            self._report(encoder.column, error)
            return encoder.nothing(len(tracks))

    def _changed(self, old: Catalogue, changes: CatalogueChanges) -> Catalogue:
        """Return the old snapshot with the changed tracks put in their places, without reading the others again."""
        part = self.made_of(changes.token, changes.written)
        gone = np.isin(old.positions, np.concatenate([part.positions, as_rows(list(changes.removed))]))
        kept = np.flatnonzero(~gone)
        sources = np.concatenate([kept, len(old) + np.arange(len(part))])
        positions = np.concatenate([old.positions[kept], part.positions])
        order = np.argsort(positions, kind="stable")
        both = _joined(changes.token, [old, part])
        return _selected(both, sources[order])


def _batches(tracks: Iterable[tuple[int, Track]]) -> Iterable[list[tuple[int, Track]]]:
    batch: list[tuple[int, Track]] = []
    for item in tracks:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _joined(token: CatalogueToken, parts: Sequence[Catalogue]) -> Catalogue:
    if len(parts) == 1:
        only = parts[0]
        return Catalogue(token, only.positions, only.track_ids, dict(only.columns))
    columns = dict(parts[0].columns)
    for part in parts[1:]:
        columns = {name: column.joined(part.columns[name]) for name, column in columns.items()}
    positions = np.concatenate([part.positions for part in parts])
    return Catalogue(token, positions, [track_id for part in parts for track_id in part.track_ids], columns)


def _selected(catalogue: Catalogue, rows: Rows) -> Catalogue:
    track_ids = [catalogue.track_ids[row] for row in rows.tolist()]
    columns = {name: column.select(rows) for name, column in catalogue.columns.items()}
    return Catalogue(catalogue.token, catalogue.positions[rows], track_ids, columns)
