"""Where one request takes its tracks from: a snapshot of the catalogue, and the dictionaries behind its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from qfzz_core.catalogue.snapshot import Catalogue
from qfzz_core.contracts.columns import Rows
from qfzz_core.model.tracks import Track


class StaleCatalogueError(Exception):
    """A track of the snapshot is not in the store any more: the request has to begin again with a newer one."""


@attrs.frozen(eq=False)
class Shelf:
    """A snapshot, and the function that gives fresh dictionaries by position, None where there is none any more."""

    catalogue: Catalogue
    tracks_at: Callable[[Sequence[int]], list[Track | None]]

    def fetch(self, rows: Rows) -> list[Track]:
        """Return the dictionaries of rows; raises `StaleCatalogueError` if one is gone."""
        found = [track for track in self.tracks_at(self.catalogue.positions[rows].tolist()) if track is not None]
        if len(found) < len(rows):
            raise StaleCatalogueError
        return found
