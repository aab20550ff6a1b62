"""The tracks that a user of the command line can name: the store's, or the samples while there are none."""

from __future__ import annotations

from collections.abc import Iterable

from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.engine import Engine
from qfzz_core.model.tracks import Track


def serves_samples(engine: Engine) -> bool:
    """Return whether the store never held a track, so that invented ones are served."""
    return engine.store.catalogue_token().counter == 0


def find_track(engine: Engine, track_id: str) -> Track | None:
    """Return a track, None if there is none of this id; reads no other track, unlike the engine."""
    found = engine.store.find_track(track_id)
    if found is not None:
        return found[1]
    return engine.get_track(track_id) if serves_samples(engine) else None


def all_tracks(engine: Engine) -> Iterable[Track]:
    """Iterate all tracks in the order of the catalogue."""
    if serves_samples(engine):
        return sample_tracks()
    return (track for _, track in engine.store.catalogue_since(None).written)
