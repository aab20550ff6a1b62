"""When the catalogue is saved: in the background, and not for every track."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import attrs

from qfzz_core.catalogue.cache.array_files import Arrays
from qfzz_core.catalogue.cache.background import Background
from qfzz_core.catalogue.cache.files import CachedCatalogue, CatalogueFiles
from qfzz_core.catalogue.snapshot import Snapshot

# A smaller catalogue is no gain that anybody notices: 10,000 tracks are read from SQLite in 54 ms, and loaded in 2.
LEAST_TRACKS = 10_000
BEHIND = 64  # commits after which it is saved again: stores promise to know what changed in the last 100
# Seconds between two times. A million tracks are 80 MB and their index besides, which a steady import of small batches
# would write several times a minute.
PAUSE = 300.0


@attrs.frozen(eq=False)
class DerivedFiles:
    """The files of what is derived of one base."""

    files: CatalogueFiles
    background: Background
    identity: str
    base: str

    def load(self, key: str) -> Arrays | None:
        """Return the arrays saved under a key, None if there are none that can be used."""
        return self.files.load_derived(self.identity, self.base, key)

    def save(self, key: str, made: Any) -> None:
        """Save `made.arrays()` some time later."""
        save = partial(self.files.save_derived, self.identity, self.base, key, made.arrays)
        self.background.run(f"saving {key}", save)


class CacheSchedule:
    """Loads and saves the bases of one builder; without files it does nothing."""

    def __init__(self, files: CatalogueFiles | None, background: Background) -> None:
        self._files = files
        self._background = background
        self._counter = 0
        self._since = 0.0

    def load(self, identity: str) -> CachedCatalogue | None:
        """Return the saved catalogue of a store, None if there is none that can be used."""
        return None if self._files is None else self._files.load(identity)

    def adopt(self, catalogue: Snapshot, base: str) -> None:
        """Note that a catalogue is saved as `base`, and save from now on what is derived of it."""
        if self._files is not None:
            token = catalogue.token
            self._counter, self._since = token.counter, time.monotonic()
            catalogue.segment.cache = DerivedFiles(self._files, self._background, token.identity, base)

    def save(self, catalogue: Snapshot, unusable: Mapping[str, int]) -> None:
        """Save a catalogue that is all base some time later, and from now on what is derived of it."""
        if self._files is not None and len(catalogue) >= LEAST_TRACKS:
            base = uuid4().hex
            self.adopt(catalogue, base)
            self._background.run("saving the catalogue", partial(self._files.save, catalogue, base, dict(unusable)))

    def is_behind(self, catalogue: Snapshot, pause: float = PAUSE) -> bool:
        """Return whether so much happened since a catalogue was saved that it should be saved again."""
        behind = catalogue.token.counter - self._counter >= BEHIND
        return catalogue.segment.cache is not None and behind and time.monotonic() - self._since >= pause
