"""The form of our own: JSON Lines, a play on each line, for whoever converts a history that no reader knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import TrackFile
from qfzz_core.contracts.histories import LeftOut, Play
from qfzz_core.importing.values import shown
from qfzz_plugins.histories.entries import (
    Entry,
    EntryError,
    first_keys,
    iso_time,
    json_entries,
    length,
    named,
    names,
    played,
    seconds,
    text,
)

_NAMES = {"artist", "title", "track_id", "isrc", "recording_mbid", "location"}
_KEYS = _NAMES | {"timestamp", "artists", "album", "duration", "played", "skipped", "event_id"}
_SOURCE = "plays"


class Plays:
    """Reads an object on each line, with `timestamp` and the keys of a `Description`."""

    name = "plays"
    suffixes = (".jsonl", ".ndjson", ".json")

    def recognises(self, name: str, beginning: str) -> bool:
        """Return whether its first object has a timestamp, says what was heard and holds no other keys."""
        keys = first_keys(beginning)
        return "timestamp" in keys and bool(keys & _NAMES) and keys <= _KEYS

    def read(self, file: TrackFile) -> Iterator[Play | LeftOut]:
        """Yield what each line is."""
        return played(json_entries(file), _play)


def _play(line: int, entry: Entry) -> Play | LeftOut:
    said = {key: text(entry, key) for key in _NAMES | {"album"}}
    if not any(said[key] for key in ("title", "track_id", "isrc", "recording_mbid", "location")):
        raise EntryError("names no track: title, track_id, isrc, recording_mbid or location")
    skipped = entry.get("skipped")
    if skipped is not None and not isinstance(skipped, bool):
        raise EntryError(f"skipped must be true or false, got {shown(skipped)}")
    heard = Description(**said, artists=names(entry, "artists"), duration=length(entry, "duration"))
    return Play(
        line=line,
        heard=heard,
        timestamp=_timestamp(entry),
        source=_SOURCE,
        family=_SOURCE,
        resolution=1,
        source_id=text(entry, "event_id"),
        played=seconds(entry, "played"),
        skipped=skipped,
    )


def _timestamp(entry: Entry) -> datetime:
    value = named(entry, "timestamp")
    try:
        known = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        known = True  # which is said of it below
    if not known:
        raise EntryError(f"timestamp needs an offset such as +00:00 or Z, got {shown(value)}")
    return iso_time(entry, "timestamp")
