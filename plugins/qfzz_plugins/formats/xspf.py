"""The format `xspf`: the XML Shareable Playlist Format, version 1 (xspf.org, 2006); and `jspf`, the same as JSON.

Where an element cannot say what a track has, a `meta` element of the track does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from qfzz_core.contracts.formats import ImportFileError, Playlist, TrackFile
from qfzz_core.contracts.playlists import PlaylistEntry, PlaylistTitle
from qfzz_core.errors import shown
from qfzz_core.hookspecs import hookimpl
from qfzz_plugins.formats.described import completed, completed_title, described, rest, title_rest
from qfzz_plugins.formats.jspf import JspfReader, JspfWriter
from qfzz_plugins.formats.shareable import TITLE, TRACK, elements, understood

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<playlist version="1" xmlns="http://xspf.org/ns/0/">\n'
_PIECE = 1 << 16
_ELEMENT = 100  # bytes that an element takes beside its text, at least
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_ESCAPED = re.compile("[&<>\r\n\t]")


class XspfFormat:
    """Reads and writes for each track where it lies, its id, title, artist, album and length."""

    name = "xspf"
    suffixes = (".xspf",)

    def read(self, file: TrackFile) -> Iterator[PlaylistTitle | PlaylistEntry]:
        """Yield the entries, and the title where there is one, as the file is read."""
        target = _Elements(file)
        parse = _parser(file, target)
        while piece := file.content.read(_PIECE):
            parse(piece)
            yield from target.taken()
        parse(None)
        yield from target.taken()
        if target.title is not None:
            yield PlaylistTitle(target.title)

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the document, a track at a time."""
        title = _holdable(playlist.title)
        yield f"{_HEAD}  <title>{_escaped(title)}</title>\n"
        if exact := title_rest(playlist.title, title.strip() or None):
            yield f'  <meta rel="{TITLE}">{_escaped(exact)}</meta>\n'
        yield "  <trackList>\n"
        for track in playlist.tracks:
            yield f"    <track>{''.join(_track(track))}</track>\n"
        yield "  </trackList>\n</playlist>\n"


def _track(track: Mapping[str, Any]) -> Iterator[str]:
    """Yield the elements in the order of the format."""
    wanted = described(track)
    said = [(name, _holdable(text)) for name, text in elements(wanted)]
    back: dict[str, list[str]] = {}
    for name, text in said:
        if kept := text.strip():
            back.setdefault(name, []).append(kept)
        yield f"<{name}>{_escaped(text)}</{name}>"
    if more := rest(wanted, understood(back)):
        yield f'<meta rel="{TRACK}">{_escaped(more)}</meta>'


def _holdable(text: str) -> str:
    return _NO_XML.sub(" ", text)


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)


# ---- parsing --------------------------------------------------------------------------------------------------------


def _parser(file: TrackFile, target: _Elements) -> Any:
    """Return a function that parses a piece of a document, and None for its end; raises `ImportFileError`."""
    from defusedxml import DTDForbidden  # here, because most engines never read XML
    from defusedxml.ElementTree import ParseError, XMLParser

    parser = XMLParser(target=target, forbid_dtd=True)
    target.expat = parser.parser

    def parse(piece: bytes | None) -> None:
        try:
            if piece is None:
                parser.close()
            else:
                parser.feed(piece)
                target.check_length(len(piece))
        except DTDForbidden:
            line = target.line
            raise file.unusable("this declares a document type (DTD), which XSPF does not need", line) from None
        except ParseError as error:
            raise file.unusable(f"not valid XML: {error}") from None
        except ImportFileError:
            raise
        except (ValueError, LookupError, Warning) as error:  # of the encoding that it says it has
            raise file.unusable(f"not valid XML: {error}", target.line) from None

    return parse


class _Elements:
    """What the parser calls: keeps the elements of one track, until they are taken."""

    def __init__(self, file: TrackFile) -> None:
        self.expat: Any = None
        self.title: str | None = None
        self._file = file
        self._path: list[str] = []
        self._text: list[str] = []
        self._rel = ""
        self._track: dict[str, list[str]] = {}
        self._begun = 0
        self._size = 0
        self._ready: list[PlaylistEntry] = []

    @property
    def line(self) -> int:
        """The line of what is parsed."""
        return int(self.expat.CurrentLineNumber)

    def taken(self) -> list[PlaylistEntry]:
        """Return the entries that are complete since the last call."""
        ready, self._ready = self._ready, []
        return ready

    def check_length(self, more: int) -> None:
        """Refuse a track, or anything else between two elements, that is longer than a line may be."""
        self._size += more
        if self._size > self._file.limits.line:
            raise self._file.too_long("a track", self.line)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        self._path.append(tag.rpartition("}")[2])
        if self._path[0] != "playlist":
            raise self._file.unusable(f"expected an element playlist, got {shown(self._path[0])}", self.line)
        if len(self._path) > self._file.limits.depth:
            raise self._file.unusable(f"is nested deeper than {self._file.limits.depth} levels", self.line)
        if self._path[1:] == ["trackList", "track"]:
            self._track, self._begun, self._size = {}, self.line, 0
        self._size += _ELEMENT
        self._text, self._rel = [], attributes.get("rel", "")

    def data(self, text: str) -> None:
        """Take text, which comes in pieces."""
        self._text.append(text)

    def end(self, tag: str) -> None:
        """End an element."""
        text = "".join(self._text).strip()  # an indented document has white space around it
        name = self._rel if self._rel in (TRACK, TITLE) else self._path[-1]
        if self._path[1:] == ["trackList", "track"]:
            directory, more = self._file.path.parent, self._track.get(TRACK, [""])
            heard = completed(understood(self._track, directory), more[0], directory)
            self._ready.append(PlaylistEntry(self._begun, heard))
            self._track, self._size = {}, 0
        elif self._path[1:3] == ["trackList", "track"] and len(self._path) == 4 and text:
            self._track.setdefault(name, []).append(text)
        elif len(self._path) == 2 and name == "title":
            self.title = text or self.title
        elif len(self._path) == 2 and name == TITLE:
            self.title = completed_title(self.title, text)
        self._path.pop()
        self._text, self._rel = [], ""


@hookimpl
def qfzz_playlist_readers() -> list[XspfFormat | JspfReader]:
    """Register the readers."""
    return [XspfFormat(), JspfReader()]


@hookimpl
def qfzz_writers() -> list[XspfFormat | JspfWriter]:
    """Register the writers."""
    return [XspfFormat(), JspfWriter()]
