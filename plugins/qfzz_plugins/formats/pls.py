"""The format `pls`, of Winamp and of many stations: numbered keys, in any order.

A key `QfzzN` has what PLS cannot say of the track of that number, such as its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import evolve

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import Playlist, TrackFile
from qfzz_core.contracts.playlists import PlaylistEntry, PlaylistTitle
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

_NUMBERED = re.compile(r"\s*(file|title|length|qfzz)(\d{1,9})\s*=(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_TITLE = re.compile(r"\s*(x-gnome-title|qfzz-title)\s*=(.*)", re.IGNORECASE | re.DOTALL)


class PlsFormat:
    """Reads PLS; writes for each track its location, its name and its length."""

    name = "pls"
    suffixes = (".pls",)

    def read(self, file: TrackFile) -> Iterator[PlaylistTitle | PlaylistEntry]:
        """Yield the entries by their numbers, and the title where there is one."""
        entries: dict[int, dict[str, str]] = {}
        lines: dict[int, int] = {}
        title, is_pls = None, False
        for number, line in text_lines(file, always_utf8=False):
            if found := _NUMBERED.match(line):
                place = int(found[2])
                entries.setdefault(place, {}).setdefault(found[1].lower(), found[3].strip())
                lines.setdefault(place, number)
                if len(lines) > file.limits.entries:  # they are sorted, so all are kept
                    raise file.too_many_entries(number)
            elif found := _TITLE.match(line):
                exact = found[1].lower() == "qfzz-title"
                title = completed_title(title, found[2]) if exact else found[2].strip() or title
            is_pls = is_pls or line.strip().lower() == "[playlist]"
        if not is_pls and not entries:
            raise file.unusable("there is no line [playlist], nor a key such as File1")
        if title is not None:
            yield PlaylistTitle(title)
        for place in sorted(entries):
            said = entries.pop(place)
            heard = _understood(said)
            if said.get("file"):
                heard = evolve(heard, location=place_of(said["file"], file.path.parent))
            yield PlaylistEntry(lines[place], completed(heard, said.get("qfzz", ""), file.path.parent))

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the lines; raises `PlaylistError` for tracks without a location."""
        tracks = checked_playable(playlist)
        title = one_line(playlist.title)
        yield f"[playlist]\nX-GNOME-Title={title}\n"
        if exact := title_rest(playlist.title, title.strip() or None):
            yield f"Qfzz-Title={exact}\n"
        for number, track in enumerate(tracks, 1):
            said = {
                "file": written_place(track),
                "title": f"{one_line(track['artist'])} - {one_line(track['title'])}",
                "length": str(-1 if track["duration"] is None else track["duration"]),
            }
            more = rest(described(track), evolve(_understood(said), location=place_of(said["file"])))
            said |= {"qfzz": more} if more else {}
            yield "".join(f"{key.capitalize()}{number}={text}\n" for key, text in said.items())
        yield f"NumberOfEntries={len(tracks)}\nVersion=2\n"


def _understood(said: dict[str, str]) -> Description:
    return evolve(named(said.get("title", "")), duration=seconds(said.get("length")))
