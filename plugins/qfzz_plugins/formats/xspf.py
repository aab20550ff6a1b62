"""The format `xspf`: the XML Shareable Playlist Format, version 1 (xspf.org, 2006)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from qfzz_core.contracts.formats import Playlist
from qfzz_core.hookspecs import hookimpl
from qfzz_plugins.formats.m3u import location, one_line

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<playlist version="1" xmlns="http://xspf.org/ns/0/">\n'
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # at least two letters, or the drive of C:\music would be a scheme
# beside letters, digits and -._~, what RFC 3986 allows in a URI; "%" too, because a web address is quoted already
_IN_URIS = "/:?#[]@!$&'()*+,;=%~"


class XspfWriter:
    """Writes for each track where it lies, its id, title, artist, album and length."""

    name = "xspf"
    suffixes = (".xspf",)

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the document, a track at a time."""
        yield f"{_HEAD}  <title>{_escaped(playlist.title)}</title>\n  <trackList>\n"
        for track in playlist.tracks:
            yield f"    <track>{''.join(_elements(track))}</track>\n"
        yield "  </trackList>\n</playlist>\n"


def _elements(track: Mapping[str, Any]) -> Iterator[str]:
    """Yield the elements in the order of the format; lengths are milliseconds."""
    fields = {
        "location": _uri(location(track)),
        "identifier": _identifier(track["track_id"]),
        "title": track["title"],
        "creator": track["artist"],
        "album": track.get("album"),
        "duration": None if track["duration"] is None else str(track["duration"] * 1000),
    }
    for name, text in fields.items():
        if isinstance(text, str) and text:
            yield f"<{name}>{_escaped(text)}</{name}>"


def _uri(place: str | None) -> str | None:
    """Return a place as a URI: a web address stays, a path of the file system is quoted."""
    if place is None or _SCHEME.match(place):
        return place and quote(place, safe=_IN_URIS)
    path = place.replace("\\", "/")
    drive = re.match("[A-Za-z]:/", path)
    return f"file://{'/' if drive else ''}{quote(path, safe='/:')}" if drive or path.startswith("/") else quote(path)


def _identifier(track_id: str) -> str:
    return quote(track_id, safe=_IN_URIS) if _SCHEME.match(track_id) else f"urn:qfzz:{quote(track_id, safe='')}"


def _escaped(text: str) -> str:
    return one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@hookimpl
def qfzz_writers() -> list[XspfWriter]:
    """Register the writer."""
    return [XspfWriter()]
