"""What the path of an audio file says where its tags say nothing: Artist/Album/01 Title, or Artist - Title."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

from qfzz_core.model.names import is_storable

UNKNOWN_ARTIST = "Unknown artist"

_NUMBERED = re.compile(r"(?:\d{1,2}[-.])?\d{1,3}(?:\s*[-._)]\s*|\s+)(?=\S)")
_DISC = re.compile(r"(?:cd|dis[ck])[\s_-]*\d{1,2}", re.IGNORECASE)
_NOBODY = frozenset({"unknown artist", "various artists", "various", "compilations", "music", "unknown", "soundtracks"})


@frozen
class Named:
    """A title, and an artist where the path follows a convention that has one."""

    title: str
    artist: str | None = None


def named(path: Path, root: Path) -> Named:
    """Return what the path of a file below a directory says.

    A name that begins with a number is that of a track of an album, and the directory above the album names the artist;
    a name without one may hold the artist, before a dash between spaces.
    """
    stem = path.stem.replace("_", " ").strip() or path.name
    number = _NUMBERED.match(stem)
    if number:
        return Named(_text(stem[number.end() :]), _artist_above(path, root))
    artist, dash, title = stem.partition(" - ")
    if dash and artist.strip() and title.strip() and " - " not in title:
        return Named(_text(title), _text(artist))
    return Named(_text(stem))


def _artist_above(path: Path, root: Path) -> str | None:
    directories = path.relative_to(root).parts[:-1]
    if len(directories) > 2 and _DISC.fullmatch(directories[-1]):
        directories = directories[:-1]
    if len(directories) < 2 or directories[-2].lower() in _NOBODY:
        return None
    return _text(directories[-2])


def _text(text: str) -> str:
    """Return a name as text, whatever bytes it has."""
    text = text.strip()
    return text if is_storable(text) else text.encode(errors="surrogateescape").decode(errors="replace")
