"""What Spotify gives of an account: the extended history, with every play, and the short one of the last year.

Both write when a play ended; the extended one to the second, the short one to the minute, in UTC. A play is known by
that minute, its names and its milliseconds, so that the two forms of it are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import TrackFile
from qfzz_core.contracts.histories import LeftOut, Play
from qfzz_plugins.histories.entries import (
    Entry,
    EntryError,
    first_keys,
    is_list,
    iso_time,
    json_items,
    named,
    played,
    seconds,
    text,
)

_URI = re.compile(r"spotify:track:([0-9A-Za-z]{22})", re.ASCII)
_SPOKEN = ("episode_name", "spotify_episode_uri", "audiobook_title", "audiobook_uri", "audiobook_chapter_uri")
_SKIPS = {"fwdbtn", "backbtn", "clickrow"}  # reasons to end: the next track, the one before, another one was chosen
_SOURCE = "spotify"


class SpotifyExtended:
    """Reads `Streaming_History_Audio_*.json` and `endsong_*.json`."""

    name = "spotify-extended"
    suffixes = (".json",)

    def recognises(self, name: str, beginning: str) -> bool:
        """Return whether it is a list of plays, or an empty one of that name."""
        if not is_list(beginning):
            return False
        return {"ts", "ms_played"} <= first_keys(beginning) or _is_empty(
            r"(streaming_history_|endsong_).*\.json", name, beginning
        )

    def read(self, file: TrackFile) -> Iterator[Play | LeftOut]:
        """Yield what each item is."""
        return played(json_items(file), _extended)


class SpotifyShort:
    """Reads `StreamingHistory*.json`."""

    name = "spotify"
    suffixes = (".json",)

    def recognises(self, name: str, beginning: str) -> bool:
        """Return whether it is a list of plays, or an empty one of that name."""
        if not is_list(beginning):
            return False
        return {"endTime", "msPlayed"} <= first_keys(beginning) or _is_empty(
            r"streaminghistory.*\.json", name, beginning
        )

    def read(self, file: TrackFile) -> Iterator[Play | LeftOut]:
        """Yield what each item is."""
        return played(json_items(file), _short)


def _is_empty(names: str, name: str, beginning: str) -> bool:
    return re.match(names, name, re.IGNORECASE) is not None and re.fullmatch(r"\s*\[\s*\]\s*", beginning) is not None


def _extended(line: int, entry: Entry) -> Play | LeftOut:
    title = text(entry, "master_metadata_track_name")
    if title is None and any(entry.get(key) for key in _SPOKEN):
        return LeftOut(line, "podcast")
    if entry.get("incognito_mode") is True:
        return LeftOut(line, "incognito")
    uri = text(entry, "spotify_track_uri")
    if title is None and uri is None:
        raise EntryError("names neither a track nor an episode")
    found = _URI.fullmatch(uri or "")
    return Play(
        line=line,
        heard=Description(
            title=title,
            artist=text(entry, "master_metadata_album_artist_name"),
            album=text(entry, "master_metadata_album_album_name"),
            track_id=found and found[1],
            location=uri,
        ),
        timestamp=iso_time(entry, "ts"),
        played=_heard_seconds(entry, "ms_played"),
        skipped=_skipped(entry),
        source=_SOURCE,
        family=_SOURCE,
    )


def _skipped(entry: Entry) -> bool | None:
    """Return what an entry says of being skipped; older ones have null where newer ones have a flag."""
    ended = entry.get("reason_end")
    if ended == "trackdone":
        return False
    if entry.get("skipped") is True or (isinstance(ended, str) and ended in _SKIPS):
        return True
    return None


def _short(line: int, entry: Entry) -> Play | LeftOut:
    if "trackName" not in entry and ("episodeName" in entry or "podcastName" in entry):
        return LeftOut(line, "podcast")
    return Play(
        line=line,
        heard=Description(title=named(entry, "trackName"), artist=named(entry, "artistName")),
        timestamp=iso_time(entry, "endTime"),
        played=_heard_seconds(entry, "msPlayed"),
        source=_SOURCE,
        family=_SOURCE,
    )


def _heard_seconds(entry: Entry, key: str) -> float:
    heard = seconds(entry, key, 1000)
    if heard is None:
        raise EntryError(f"{key} is missing")
    return heard
