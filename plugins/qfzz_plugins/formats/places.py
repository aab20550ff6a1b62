"""Where a track lies: paths of every system and URIs, as playlists write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qfzz_core.model.places import DRIVE, location, path_of, unquoted

# Two letters at least, or the drive of C:\music would be a scheme; and slashes, or "Live: Part 1.mp3" would have one.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|(?:data|file|spotify|urn):", re.IGNORECASE)
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")
# beside letters, digits and -._~, what RFC 3986 allows in a URI; "%" too, because a web address is quoted already
IN_URIS = "/:?#[]@!$&'()*+,;=%~"


def place_of(text: str, directory: Path | None = None) -> str:
    """Return a place as a list means it: a URI as it is, that of a file as a path; relative paths below `directory`."""
    if _URI.match(text):
        return path_of(text)
    if _is_absolute_path(text):
        return text
    if directory is None:
        return text.removeprefix("./")
    # of the slashes that a list of Windows has, only these stand for directories elsewhere
    return _joined(directory, text if "/" in text else text.replace("\\", "/"))


def place_of_reference(text: str, directory: Path | None = None) -> str:
    """Return a place that is written as a URI reference, in which paths are quoted."""
    return place_of(text if _URI.match(text) or DRIVE.match(text) else unquoted(text), directory)


def uri_of(place: str) -> str:
    """Return a place as a URI reference: a web address stays, a path is quoted."""
    if _URI.match(place):
        return quote(place, safe=IN_URIS)
    path = place.replace("\\", "/") if DRIVE.match(place) or place.startswith("\\\\") else place
    if DRIVE.match(path):
        return f"file:///{quote(path, safe='/:')}"
    if path.startswith("/"):
        return f"file:{'' if path.startswith('//') else '//'}{quote(path, safe='/:')}"
    return quote(path)


def one_line(text: str) -> str:
    """Return a text without line breaks and what else XML cannot hold; each run of them becomes a space."""
    return _NO_TEXT.sub(" ", text)


def written_place(track: Mapping[str, Any]) -> str:
    """Return where a track lies, as a line that no reader takes for anything else; its id where nothing is known."""
    place = location(track) or track["track_id"]
    if place == one_line(place).strip() and not place.startswith("#"):
        return str(place)
    if is_absolute(place):
        return uri_of(place)
    line = one_line(place).strip()
    return f"./{line}" if line.startswith("#") or not line else line


def is_absolute(place: str) -> bool:
    """Return whether a place does not depend on where a list lies."""
    return bool(_URI.match(place)) or _is_absolute_path(place)


def _is_absolute_path(place: str) -> bool:
    return place.startswith(("/", "\\")) or bool(DRIVE.match(place))


def _joined(directory: Path, relative: str) -> str:
    """Return the absolute path of one below a directory, without dots between."""
    base = directory.absolute()
    parts: list[str] = []
    for part in (*base.parts[1:], *relative.split("/")):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return str(Path(base.anchor, *parts))
