"""The format `m3u`: extended M3U in UTF-8, which nearly every player opens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qfzz_core.contracts.formats import Playlist
from qfzz_core.hookspecs import hookimpl
from qfzz_plugins.formats.places import location, one_line


class M3uWriter:
    """Writes for each track its length, its name, and where it lies; its id where nobody said where it lies."""

    name = "m3u"
    suffixes = (".m3u8", ".m3u")

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the lines."""
        yield f"#EXTM3U\n#PLAYLIST:{one_line(playlist.title)}\n"
        for track in playlist.tracks:
            yield f"#EXTINF:{track['duration']},{one_line(track['artist'])} - {one_line(track['title'])}\n"
            yield f"{_place(track)}\n"


def _place(track: Mapping[str, Any]) -> str:
    place = location(track) or one_line(track["track_id"])
    return f"./{place}" if place.startswith("#") else place  # which would be a comment


@hookimpl
def qfzz_writers() -> list[M3uWriter]:
    """Register the writer."""
    return [M3uWriter()]
