"""The format `jspf`: XSPF as JSON, which ListenBrainz and others export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qfzz_core.contracts.formats import Playlist, TrackFile
from qfzz_core.contracts.playlists import PlaylistEntry, PlaylistTitle
from qfzz_core.importing.values import shown
from qfzz_plugins.formats.described import completed, described, rest
from qfzz_plugins.formats.json_text import JsonText
from qfzz_plugins.formats.shareable import TRACK, elements, understood

_EXPECTED = 'expected an object that holds one under "playlist", with a list under "track"'
_LISTS = ("location", "identifier")
_READ = (*_LISTS, "title", "creator", "album", "duration")


class JspfReader:
    """Reads where each track lies, its ids, title, artist, album and length."""

    name = "jspf"
    suffixes = (".jspf", ".json")

    def read(self, file: TrackFile) -> Iterator[PlaylistTitle | PlaylistEntry]:
        """Yield the entries, whose lines are their numbers in the list, and the title where there is one."""
        text = JsonText(file)
        found = False
        for key in text.keys() if text.peek() == "{" else ():
            if key == "playlist" and text.peek() == "{":
                found = True
                yield from _playlist(text)
            else:
                text.value()
        if not found:
            raise file.unusable(_EXPECTED)
        text.end()


class JspfWriter:
    """Writes where each track lies, its ids, title, artist, album and length."""

    name = "jspf"
    suffixes = (".jspf",)

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the document, a track at a time."""
        yield f'{{"playlist": {{"title": {json.dumps(playlist.title, ensure_ascii=False)}, "track": ['
        separator = "\n"
        for track in playlist.tracks:
            yield separator + json.dumps(_track(track), ensure_ascii=False)
            separator = ",\n"
        yield "\n]}}\n"


def _playlist(text: JsonText) -> Iterator[PlaylistTitle | PlaylistEntry]:
    for key in text.keys():  # noqa: SIM118 - no dict: it takes what it yields
        if key == "track" and text.peek() == "[":
            for number, item in enumerate(text.items(), 1):
                yield _entry(text.file, number, item)
            continue
        value = text.value()
        if key == "title" and isinstance(value, str):
            yield PlaylistTitle(value)


def _entry(file: TrackFile, number: int, item: Any) -> PlaylistEntry:
    if not isinstance(item, dict):
        return PlaylistEntry(number, problem=f"expected an object, got {shown(item)}")
    heard = understood({key: list(_strings(item.get(key))) for key in _READ}, file.path.parent)
    extension = item.get("extension")
    more = list(_strings(extension.get(TRACK))) if isinstance(extension, dict) else []
    return PlaylistEntry(number, completed(heard, more[0] if more else "", file.path.parent))


def _strings(value: Any) -> Iterator[str]:
    """Yield what stands under a key: a string or a number, or a list of them."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and each.strip():
            yield each
        elif type(each) in (int, float):
            yield repr(each)


def _track(track: Any) -> dict[str, Any]:
    wanted = described(track)
    back: dict[str, list[str]] = {}
    for name, text in elements(wanted):
        back.setdefault(name, []).append(text)
    made: dict[str, Any] = {name: found if name in _LISTS else found[0] for name, found in back.items()}
    if "duration" in made:
        made["duration"] = int(made["duration"])
    if more := rest(wanted, understood({name: [t for t in found if t.strip()] for name, found in back.items()})):
        made["extension"] = {TRACK: [more]}
    return made
