"""The lines of playlists that are text: their line breaks, and the encodings that they come in."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from functools import partial

from qfzz_core.contracts.formats import TrackFile
from qfzz_core.errors import shown
from qfzz_core.formats.encodings import decoded
from qfzz_core.model.encodings import undecodable

_ENCODING = "#EXTENC:"
_BREAK = re.compile(r"\r\n|\r|\n")
_KNOWN = re.compile(r"utf-8|ascii|cp\d+|iso8859-\d+|koi8-\w|mac-\w+|big5\w*|gb\w+|euc_\w+|shift_jis\w*")
_ASCII = bytes(range(32, 127))


def text_lines(file: TrackFile, *, always_utf8: bool) -> Iterator[tuple[int, str]]:
    """Yield the number of each line and its text, without the line break.

    What the byte order mark, the user or a line `#EXTENC:` says counts. Else the text is UTF-8; a line that is none is
    Windows-1252, which older programs of Windows write, unless it is `always_utf8`.
    """
    lines = file.lines() if file.encoding != "utf-8" else _utf8_lines(file, always_utf8=always_utf8)
    for number, line in enumerate(lines, 1):
        yield number, line.rstrip("\r\n")


def _utf8_lines(file: TrackFile, *, always_utf8: bool) -> Iterator[str]:
    most = file.limits.line
    encoding, number = "utf-8", 1
    for raw in iter(partial(file.content.readline, most + 1), b""):
        if len(raw) > most:
            raise file.too_long("the line", number)
        raw = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw  # noqa: PLW2901 - the same line
        text = _decoded(file, raw, encoding, number, lenient=encoding == "utf-8" and not always_utf8)
        if text.startswith(_ENCODING):
            encoding = _named(file, text[len(_ENCODING) :].strip(), number)
        lines = _BREAK.split(text)
        yield from lines if lines[-1] else lines[:-1]
        number += len(lines) - 1


def _decoded(file: TrackFile, raw: bytes, encoding: str, number: int, *, lenient: bool) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        if not lenient:
            raise file.unusable(undecodable(decoded(io.BytesIO(raw), encoding).read(), encoding), number) from None
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:  # five bytes stand for nothing there
        return raw.decode("latin-1")


def _named(file: TrackFile, name: str, number: int) -> str:
    """Return the encoding of a name, which must leave ASCII as it is, or lines could not be found."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    if not _KNOWN.fullmatch(found) or _ASCII.decode(found, "replace").encode() != _ASCII:
        raise file.unusable(f"there is no encoding {shown(name)}; name the right one with --encoding", number)
    return found
