"""The library of an engine: snapshots of its store's tracks, made once and then of what changed, or the samples."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from qfzz_core.catalogue.cache.background import Background
from qfzz_core.catalogue.cache.files import CatalogueFiles, cache_of
from qfzz_core.catalogue.cache.schedule import CacheSchedule
from qfzz_core.catalogue.delta import MOST_CHANGED, all_base, apply_delta, changed, is_due, is_overdue, merged
from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.catalogue.snapshot import Segment, Snapshot, TracksAt
from qfzz_core.catalogue.table_writer import BATCH, Encoder, ReportColumn, TableWriter, with_provided
from qfzz_core.contracts.columns import Column, as_rows
from qfzz_core.contracts.stores import CatalogueToken, Store
from qfzz_core.model.forks import renewed_after_fork
from qfzz_core.model.plain import copied
from qfzz_core.model.tracks import Track


class CatalogueBuilder:
    """Holds the newest snapshot of a store's catalogue, one for each engine.

    A column whose source fails is left empty and reported once; everything else goes on.
    """

    def __init__(
        self, store: Store, columns: Sequence[Column], report: ReportColumn, files: CatalogueFiles | None = None
    ) -> None:
        self._store = store
        self._encoders = {column.name: Encoder(column) for column in columns}
        self._report = report
        self._is_faulty = False
        self._background = Background()
        self._cache = CacheSchedule(files, self._background)
        self._current: Snapshot | None = None
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Start again in a forked child: with the snapshot, but not at the end of its arrays, and with a new lock."""
        self._lock = threading.RLock()
        self._writer: TableWriter | None = None  # at the end of `_current`
        self._unmerged: Segment | None = None  # where a merge was tried already, in this process

    def close(self) -> None:
        """Wait for what is done in the background; called twice it does nothing."""
        current = self._current
        if current is not None and self._cache.is_behind(current, pause=0.0):
            self._background.run("merging", self._merge)
        self._background.close()

    def current(self) -> Snapshot:
        """Return a snapshot that has everything committed before the call."""
        current = self._current
        token = self._store.catalogue_token()
        if current is not None and token == current.token:
            return current
        with self._lock:
            old = self._current = self._current or self._from_cache(token.identity)
            writer, self._writer = self._writer, None  # one that stops half-way is not used again
            self._current, self._writer = self._updated(old, writer)
            return self._current

    def unusable(self) -> dict[str, int]:
        """Return for each column how many values were there but could not be used."""
        return {name: encoder.unusable for name, encoder in self._encoders.items() if encoder.unusable}

    def made_of(
        self, token: CatalogueToken, tracks: Iterable[tuple[int, Track]], tracks_at: TracksAt | None = None
    ) -> Snapshot:
        """Return a snapshot of these tracks, given with ascending positions; `tracks_at` finds them, else the store."""
        with self._lock:  # the encoders count
            return self._made(token, tracks, tracks_at)[0]

    def _made(
        self, token: CatalogueToken, tracks: Iterable[tuple[int, Track]], tracks_at: TracksAt | None = None
    ) -> tuple[Snapshot, TableWriter]:
        writer = TableWriter.empty(self._encoders, self._reported)
        _add_all(writer, tracks)
        writer.settle()
        return all_base(token, writer.table(), tracks_at or self._store.tracks_at), writer

    def _reported(self, column: Column, error: Exception) -> None:
        self._is_faulty = True
        self._report(column, error)

    def _from_cache(self, identity: str) -> Snapshot | None:
        cached = self._cache.load(identity)
        if cached is None:
            return None
        for name, encoder in self._encoders.items():
            encoder.unusable += cached.unusable.get(name, 0)
        table = with_provided(cached.table, self._encoders, self._reported)
        catalogue = all_base(cached.token, table, self._store.tracks_at)
        self._cache.adopt(catalogue, cached.base)
        return catalogue

    def _updated(self, old: Snapshot | None, writer: TableWriter | None) -> tuple[Snapshot, TableWriter | None]:
        changes = self._store.catalogue_since(old.token if old else None)
        if old is None or changes.complete:
            for encoder in self._encoders.values():
                encoder.unusable = 0
            catalogue, writer = self._made(changes.token, changes.written)
            self._save(catalogue)
            return catalogue, writer
        if changes.token == old.token:
            return old, writer
        writer = writer or self._writer_of(old)
        _add_all(writer, changes.written)
        new = changed(old, writer, as_rows(list(changes.removed)), changes.token)
        if is_overdue(new):
            new = merged(new)
            self._save(new)
            return new, self._writer_of(new)
        # Once for a segment: a merge that failed for want of memory would otherwise be tried again at every change.
        if new.segment is not self._unmerged and (is_due(new) or self._cache.is_behind(new)):
            self._background.run("merging", self._merge)
        return new, writer

    def _writer_of(self, catalogue: Snapshot) -> TableWriter:
        return TableWriter(catalogue.table, self._encoders, self._reported)

    def _save(self, catalogue: Snapshot) -> None:
        if not self._is_faulty:  # a saved column would stay empty when its source works again
            self._cache.save(catalogue, self.unusable())

    def _merge(self) -> None:
        """Put a merged snapshot in the place of the current one; only the last step keeps anybody waiting."""
        with self._lock:
            old = self._current
        if old is None:
            return
        self._unmerged = old.segment
        base = merged(old)
        self._save(base)
        base.segment.derive_as(old.segment)
        writer = self._writer_of(base)
        writer.reserve(MOST_CHANGED)
        with self._lock:
            current = self._current
            if current is not None and current.segment is old.segment:  # else a caller has merged meanwhile
                self._current, self._writer = apply_delta(base, writer, old, current), writer


def _add_all(writer: TableWriter, tracks: Iterable[tuple[int, Track]]) -> None:
    remaining = iter(tracks)
    while batch := list(islice(remaining, BATCH)):
        writer.add(batch)


class Library(CatalogueBuilder):
    """Finds the tracks of one engine, and makes the snapshots its requests take them from."""

    def __init__(
        self, store: Store, columns: Sequence[Column], report: ReportColumn, cache: str | Path | None = None
    ) -> None:
        """`cache` is the directory where the catalogue is kept, if it is."""
        super().__init__(store, columns, report, cache_of(cache, columns))
        self._samples: Snapshot | None = None
        self._held_tracks = False

    def serves_samples(self) -> bool:
        """Return whether the store never held a track; once it was seen to hold one, `snapshot` looks again."""
        if not self._held_tracks:
            self._held_tracks = self._store.catalogue_token().counter > 0
        return not self._held_tracks

    def samples(self) -> dict[str, Track]:
        """Return the sample tracks by id, none if they are not served."""
        return {track["track_id"]: track for track in sample_tracks()} if self.serves_samples() else {}

    def find(self, track_id: str) -> Track | None:
        """Return a copy of a track, None if there is none of this id."""
        found = self._store.find_track(track_id)
        return found[1] if found else copied(self.samples().get(track_id))

    def snapshot(self) -> Snapshot:
        """Return the tracks as they are now: a snapshot of the columns, which finds their dictionaries."""
        if not self.serves_samples():
            current = self.current()
            if current.token.counter:
                return current
            self._held_tracks = False  # a copy of a store that never held a track took the place of what was here
        if self._samples is None:
            self._samples = self.made_of(
                CatalogueToken("samples", 0, ""),
                list(enumerate(sample_tracks())),
                lambda places: [copied(sample_tracks()[place]) for place in places],
            )
        return self._samples
