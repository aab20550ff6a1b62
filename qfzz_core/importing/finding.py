"""Finding the track of a description: by its ids, else by artist and title, if one track alone has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.stores import Store
from qfzz_core.importing.history import Find, Found
from qfzz_core.model.names import normalise

_IDS = ("recording_mbid", "isrc", "location")  # the surest first, after the track_id
_Key = tuple[str, ...]


def finder(store: Store) -> Find:
    """Return what finds tracks of a store, which is read when it is first called."""

    @lru_cache(maxsize=1)
    def known() -> Mapping[_Key, list[str]]:
        found: defaultdict[_Key, list[str]] = defaultdict(list)
        for _, track in store.catalogue_since(None).written:
            for key in _keys(track):
                found[key].append(track["track_id"])
        return found

    def find(heard: Description) -> Found:
        if heard.track_id is not None and (own := store.find_track(heard.track_id)) is not None:
            return Found(heard.track_id, own[1]["duration"])
        same = next((known()[key] for key in _keys(_as_track(heard)) if key in known()), [])
        if len(same) != 1:
            return Found(candidates=tuple(same))
        one = store.find_track(same[0])
        return Found() if one is None else Found(same[0], one[1]["duration"])

    return find


def _keys(track: Mapping[str, Any]) -> Iterator[_Key]:
    for name in _IDS:
        if isinstance(value := track.get(name), str):
            yield name, value
    if track.get("artist") and track.get("title"):
        yield normalise(track["artist"]), normalise(track["title"])


def _as_track(heard: Description) -> Mapping[str, Any]:
    return {name: getattr(heard, name) for name in (*_IDS, "artist", "title")}
