"""When the catalogue is kept on disk: in the background, and not for every track."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import attrs

from qfzz_core.catalogue.cache.array_files import Arrays
from qfzz_core.catalogue.cache.background import Background
from qfzz_core.catalogue.cache.files import Cached, CatalogueCache
from qfzz_core.catalogue.snapshot import Snapshot

LEAST_TRACKS = 10_000  # a smaller catalogue is read from the store as quickly
BEHIND = 64  # commits after which it is kept again: of a hundred a store surely knows what changed
PAUSE = 300.0  # seconds between two times, so that many small changes do not write gigabytes


@attrs.frozen(eq=False)
class SegmentKeeper:
    """Keeps one base, and what is derived of it."""

    cache: CatalogueCache
    background: Background
    identity: str
    base: str = attrs.field(factory=lambda: uuid4().hex)

    def load(self, key: str) -> Arrays | None:
        """Return what is kept under a key, None if there is nothing that can be used."""
        return self.cache.load_derived(self.identity, self.base, key)

    def keep(self, key: str, made: Any) -> None:
        """Keep `made.arrays()` some time later."""
        save = partial(self.cache.save_derived, self.identity, self.base, key, made.arrays)
        self.background.run(f"keeping {key}", save)


class Keeping:
    """Keeps the bases of one builder, if there is a cache."""

    def __init__(self, cache: CatalogueCache | None, background: Background) -> None:
        self._cache = cache
        self._background = background
        self._counter = 0
        self._since = 0.0

    def load(self, identity: str) -> Cached | None:
        """Return what is kept of a store, None if there is nothing that can be used."""
        return None if self._cache is None else self._cache.load(identity)

    def goes_on(self, cached: Cached, catalogue: Snapshot) -> None:
        """Remember that a catalogue is kept."""
        if self._cache is not None:
            self._note(catalogue)
            keeper = SegmentKeeper(self._cache, self._background, catalogue.token.identity, cached.base)
            catalogue.segment.keeper = keeper

    def keep(self, catalogue: Snapshot, unusable: Mapping[str, int]) -> None:
        """Keep a catalogue that is all base, and from now on what is derived of it, some time later."""
        if self._cache is not None and len(catalogue) >= LEAST_TRACKS:
            self._note(catalogue)
            keeper = SegmentKeeper(self._cache, self._background, catalogue.token.identity)
            catalogue.segment.keeper = keeper
            save = partial(self._cache.save, catalogue, keeper.base, dict(unusable))
            self._background.run("keeping the catalogue", save)

    def is_behind(self, catalogue: Snapshot, pause: float = PAUSE) -> bool:
        """Return whether so much happened since a catalogue was kept that it should be kept again."""
        is_kept = self._cache is not None and catalogue.segment.keeper is not None
        behind = catalogue.token.counter - self._counter >= BEHIND
        return is_kept and behind and time.monotonic() - self._since >= pause

    def _note(self, catalogue: Snapshot) -> None:
        self._counter, self._since = catalogue.token.counter, time.monotonic()
