"""The format `m3u`: extended M3U, which nearly every player opens.

A line before the length of a track begins with `#QFZZ:` and has what M3U cannot say of it, such as its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import evolve

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import Playlist, TrackFile
from qfzz_core.contracts.playlists import PlaylistEntry, PlaylistTitle
from qfzz_core.formats.files import uncompressed
from qfzz_core.hookspecs import hookimpl
from qfzz_plugins.formats.described import (
    checked_playable,
    completed,
    completed_title,
    described,
    named,
    rest,
    seconds,
    title_rest,
)
from qfzz_plugins.formats.lines import text_lines
from qfzz_plugins.formats.places import one_line, place_of, written_place
from qfzz_plugins.formats.pls import PlsFormat

_LENGTH = re.compile(r"\s*([-+]?\d*\.?\d*)")
_ATTRIBUTE = re.compile(r'\s*[\w-]+=(?:"[^"]*"|[^\s",]*)')
_DIRECTIVE = re.compile(r"#(EXTINF|EXTALB|EXTART|PLAYLIST|QFZZ|QFZZ-PLAYLIST):(.*)", re.DOTALL)


class M3uFormat:
    """Reads M3U with or without `#EXTM3U`; writes for each track its length, its name and its location.

    A list that ends in .m3u8 is UTF-8; another one may be Windows-1252.
    """

    name = "m3u"
    suffixes = (".m3u8", ".m3u")

    def read(self, file: TrackFile) -> Iterator[PlaylistTitle | PlaylistEntry]:
        """Yield the entries, and the title where there is one."""
        always_utf8 = uncompressed(file.path).suffix.lower() == ".m3u8"
        said: dict[str, str] = {}
        title = None
        for number, line in text_lines(file, always_utf8=always_utf8):
            found = _DIRECTIVE.match(line)
            if found and found[1] in ("PLAYLIST", "QFZZ-PLAYLIST"):
                exact = found[1] == "QFZZ-PLAYLIST"
                title = completed_title(title, found[2]) if exact else found[2].strip() or title
            elif found:
                said[found[1]] = found[2]
            elif line.strip() and not line.startswith("#"):
                heard = _understood(said)
                heard = evolve(heard, location=place_of(line.strip(), file.path.parent))
                yield PlaylistEntry(number, completed(heard, said.get("QFZZ", ""), file.path.parent))
                said = {}
        if title is not None:
            yield PlaylistTitle(title)

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the lines; raises `PlaylistError` for tracks without a location."""
        tracks = checked_playable(playlist)
        title = one_line(playlist.title)
        yield f"#EXTM3U\n#PLAYLIST:{title}\n"
        if exact := title_rest(playlist.title, title.strip() or None):
            yield f"#QFZZ-PLAYLIST:{exact}\n"
        for track in tracks:
            said = {"EXTALB": one_line(track.get("album") or "")} if isinstance(track.get("album"), str) else {}
            length = -1 if track["duration"] is None else track["duration"]
            said["EXTINF"] = f"{length},{one_line(track['artist'])} - {one_line(track['title'])}"
            place = written_place(track)
            understood = evolve(_understood(said), location=place_of(place))
            more = rest(described(track), understood)
            lines = {**({"QFZZ": more} if more else {}), **said}
            yield "".join(f"#{key}:{text}\n" for key, text in lines.items()) + f"{place}\n"


def _understood(said: dict[str, str]) -> Description:
    """Return what the lines before a location say."""
    length, display = _parts(said.get("EXTINF", ""))
    artist = said.get("EXTART", "").strip() or None
    heard = named(display, artist)
    return evolve(heard, duration=seconds(length), album=said.get("EXTALB", "").strip() or None)


def _parts(text: str) -> tuple[str, str]:
    """Return the length and the name of `123 tvg-id="x",Artist - Title`."""
    found = _LENGTH.match(text)
    length, at = (found[1], found.end()) if found else ("", 0)
    while attribute := _ATTRIBUTE.match(text, at):
        at = attribute.end()
    return length, text[at:].partition(",")[2]


@hookimpl
def qfzz_playlist_readers() -> list[M3uFormat | PlsFormat]:
    """Register the readers."""
    return [M3uFormat(), PlsFormat()]


@hookimpl
def qfzz_writers() -> list[M3uFormat | PlsFormat]:
    """Register the writers."""
    return [M3uFormat(), PlsFormat()]
