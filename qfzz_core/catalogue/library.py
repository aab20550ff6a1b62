"""The tracks that an engine serves: its store's, or the samples while the store never held one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qfzz_core.catalogue.builder import CatalogueBuilder
from qfzz_core.catalogue.cache.files import cache_of
from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.catalogue.table_writer import ReportColumn
from qfzz_core.contracts.columns import Column
from qfzz_core.contracts.stores import CatalogueToken, Store
from qfzz_core.model.plain import copied
from qfzz_core.model.tracks import Track


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
