"""The format `m3u`: extended M3U in UTF-8, which nearly every player opens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from qfzz_core.contracts.formats import Playlist
from qfzz_core.hookspecs import hookimpl

LOCATION_KEYS = ("location", "url", "path")

_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")


class M3uWriter:
    """Writes for each track its length, its name, and its location, or its id where no location is known.

    An unknown length is -1, as players write it.
    """

    name = "m3u"
    suffixes = (".m3u8", ".m3u")

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the lines."""
        yield f"#EXTM3U\n#PLAYLIST:{one_line(playlist.title)}\n"
        for track in playlist.tracks:
            length = -1 if track["duration"] is None else track["duration"]
            yield f"#EXTINF:{length},{one_line(track['artist'])} - {one_line(track['title'])}\n"
            place = location(track) or one_line(track["track_id"])
            yield f"./{place}\n" if place.startswith("#") else f"{place}\n"  # which would be a comment


def location(track: Mapping[str, Any]) -> str | None:
    """Return the first text under `location`, `url` or `path` that is not blank, on one line; None without one."""
    given = map(track.get, LOCATION_KEYS)
    return next((one_line(each) for each in given if isinstance(each, str) and each.strip()), None)


def one_line(text: str) -> str:
    """Return a text without line breaks and what else XML cannot hold; each run of them becomes a space."""
    return _NO_TEXT.sub(" ", text)


@hookimpl
def qfzz_writers() -> list[M3uWriter]:
    """Register the writer."""
    return [M3uWriter()]
