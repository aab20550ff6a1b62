"""Scrobbles as JSON: exports of ListenBrainz and maloja, and the log of Pano Scrobbler.

A scrobble is a play by definition, and says when it began. Services pass scrobbles on to each other, so they are one
family: the same minute, artist and title is the same play, whoever exports it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import TrackFile
from qfzz_core.contracts.histories import LeftOut, Play
from qfzz_plugins.formats.json_text import JsonText
from qfzz_plugins.histories.entries import (
    Entry,
    first_keys,
    json_entries,
    length,
    named,
    names,
    object_of,
    played,
    since_epoch,
    text,
)

FAMILY = "scrobble"


def scrobble(line: int, source: str, timestamp: datetime, heard: Description) -> Play:
    """Return the play that a scrobble is."""
    return Play(line=line, heard=heard, timestamp=timestamp, skipped=False, source=source, family=FAMILY)


class ListenBrainz:
    """Reads the listens of an export, as JSON Lines (`listens/YYYY/M.jsonl` of its zip file) or as one list."""

    name = "listenbrainz"
    suffixes = (".jsonl", ".json")

    def recognises(self, name: str, beginning: str) -> bool:
        """Return whether its first object is a listen."""
        return {"listened_at", "track_metadata"} <= first_keys(beginning)

    def read(self, file: TrackFile) -> Iterator[Play | LeftOut]:
        """Yield what each listen is."""
        return played(json_entries(file), _listen)


def _listen(line: int, entry: Entry) -> Play | LeftOut:
    track = object_of(entry, "track_metadata")
    more, mapped = object_of(track, "additional_info"), object_of(track, "mbid_mapping")
    credited = mapped.get("artists")
    parts = [each for each in credited if isinstance(each, dict)] if isinstance(credited, list) else []
    heard = Description(
        title=named(track, "track_name"),
        artist=named(track, "artist_name"),
        artists=tuple(name for each in parts[:100] if (name := text(each, "artist_credit_name")))
        or names(more, "artist_names"),
        album=text(track, "release_name"),
        duration=length(more, "duration_ms", 1000) or length(more, "duration"),
        recording_mbid=text(mapped, "recording_mbid") or text(more, "recording_mbid"),
        isrc=text(more, "isrc"),
    )
    return scrobble(line, "listenbrainz", since_epoch(entry, "listened_at"), heard)


class Maloja:
    """Reads an export of maloja: an object with a list of scrobbles."""

    name = "maloja"
    suffixes = (".json",)

    def recognises(self, name: str, beginning: str) -> bool:
        """Return whether it is an object that names maloja and scrobbles, or whose first scrobble is one of its own."""
        start = beginning.lstrip("\ufeff \t\r\n")
        if not start.startswith("{"):
            return False
        return bool(re.search(r'"maloja"\s*:', start) and re.search(r'"scrobbles"\s*:\s*\[', start))

    def read(self, file: TrackFile) -> Iterator[Play | LeftOut]:
        """Yield what each scrobble is."""
        return played(_scrobbles(JsonText(file)), _maloja)


def _scrobbles(document: JsonText) -> Iterator[tuple[int, Any]]:
    for key in document.keys():  # noqa: SIM118 - it is no mapping
        if key == "scrobbles" and document.peek() == "[":
            yield from enumerate(document.items(), start=1)
        else:
            document.value()
    document.end()


def _maloja(line: int, entry: Entry) -> Play | LeftOut:
    track = object_of(entry, "track")
    album = object_of(track, "album") if isinstance(track.get("album"), dict) else {}
    artists = names(track, "artists")
    heard = Description(
        title=named(track, "title"),
        artist=artists[0] if artists else named(track, "artists"),
        artists=artists,
        album=text(album, "albumtitle"),
        duration=length(track, "length"),
    )
    return scrobble(line, "maloja", since_epoch(entry, "time"), heard)


class PanoLines:
    """Reads the JSON Lines that Pano Scrobbler writes."""

    name = "pano-jsonl"
    suffixes = (".jsonl", ".json")

    def recognises(self, name: str, beginning: str) -> bool:
        """Return whether its first object is a scrobble with a time in milliseconds."""
        return {"timeMs", "artist", "track"} <= first_keys(beginning)

    def read(self, file: TrackFile) -> Iterator[Play | LeftOut]:
        """Yield what each line is."""
        return played(json_entries(file), pano)


def pano(line: int, entry: Entry) -> Play | LeftOut:
    """Return the play that a row of Pano Scrobbler is; it also logs what was loved or edited."""
    if entry.get("event") not in (None, "", "scrobble"):
        return LeftOut(line, "other")
    heard = Description(
        title=named(entry, "track"),
        artist=named(entry, "artist"),
        album=text(entry, "album"),
        duration=length(entry, "durationMs", 1000),
    )
    return scrobble(line, "pano", since_epoch(entry, "timeMs", 1000), heard)
