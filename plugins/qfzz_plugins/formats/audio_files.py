"""The format `audio`: a file of sound, which is one track, by its tags; nothing but the tags is believed."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from qfzz_core.contracts.formats import Row, TrackFile
from qfzz_core.hookspecs import hookimpl
from qfzz_core.model.names import is_storable
from qfzz_plugins.formats.bounded import BoundedFile

_LONGEST = 10_000  # characters of a name; what is longer is damage, or no name
_FASTEST = 1_000  # beats per minute
_YEAR = re.compile(r"\s*(\d{4})(?!\d)")
_MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_OUTSIDE_NAMES = re.compile(r"[^a-z]")
# Of the names that Picard writes, in the spellings of Vorbis comments, MP4, WMA and ID3. In ID3 the recording has a
# frame of its own, which names its owner before the id.
_RECORDING = ("ufid", "musicbrainztrackid", "musicbrainzrecordingid")
_RELEASE = ("musicbrainzalbumid",)
_ARTISTS = ("musicbrainzartistid",)


class AudioReader:
    """Reads the tags of a file of sound: MP3, FLAC, Ogg, Opus, M4A, WAV, AIFF, WMA."""

    name = "audio"
    suffixes = (".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".mp4", ".wav", ".aiff", ".aif", ".wma")
    one_track = True

    def read(self, file: TrackFile) -> Iterator[Row]:
        """Yield the row of what is tagged; without a title or an artist where there is none.

        Raises `ImportFileError` for a file in which there is no sound.
        """
        from tinytag import TinyTag  # here, because most engines never read tags

        size = os.fstat(file.content.fileno()).st_size
        bounded: Any = BoundedFile(file.content, size)
        try:
            tag = TinyTag.get(file.path.name, bounded)
        except Exception as error:  # a damaged file makes it raise anything
            raise file.unusable(f"its tags cannot be read: {_said(error)}") from error
        values = _values(tag)
        if not values:
            raise file.unusable("it holds neither tags nor sound of a known form")
        yield Row(1, values, typed=True)


def _said(error: BaseException) -> str:
    text = str(error).strip()
    return f"{text if is_storable(text) else 'text that is none'}"[:200] if text else type(error).__name__


def _values(tag: Any) -> dict[str, Any]:
    """Return what a file says of its track, without what it does not say."""
    other = {_OUTSIDE_NAMES.sub("", key.lower()): values for key, values in tag.other.items()}
    genres = _names([tag.genre, *other.get("genre", ())])
    artists = _names([tag.artist, *other.get("artist", ())]) or _names([tag.albumartist])
    recording = _mbids(value for key in _RECORDING for value in other.get(key, ()))
    found = {
        "title": _first(_names([tag.title])),
        "artist": _first(artists),
        "artists": artists if len(artists) > 1 else None,
        "album": _first(_names([tag.album])),
        "album_artist": _first(_names([tag.albumartist])),
        "genre": _first(genres),
        "genres": genres if len(genres) > 1 else None,
        "duration": _seconds(tag.duration),
        "bpm": next(filter(None, map(_beats, other.get("bpm", ()))), None),
        "key": _first(_names(other.get("initialkey", ()))),
        "mood": _first(_names(other.get("mood", ()) or other.get("tmoo", ()))),
        "year": _year(tag.year),
        "track_number": _place(tag.track),
        "disc_number": _place(tag.disc),
        "isrc": _first(_names(other.get("isrc", ()))),
        "recording_mbid": _first(recording),
        "release_mbid": _first(_mbids(value for key in _RELEASE for value in other.get(key, ()))),
        "artist_mbids": _mbids(value for key in _ARTISTS for value in other.get(key, ())) or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _first(values: list[str]) -> str | None:
    return values[0] if values else None


def _names(values: Iterable[Any]) -> list[str]:
    """Return the names that some tags hold, each once; NUL characters separate those of one tag."""
    names = (text.strip() for value in values if isinstance(value, str) for text in value.split("\0"))
    return list(dict.fromkeys(name for name in names if name and len(name) <= _LONGEST and is_storable(name)))


def _mbids(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found.lower() for value in values for found in _MBID.findall(value[:_LONGEST])))


def _seconds(duration: Any) -> int | None:
    """Return whole seconds, halves rounded up; nothing for the length of a file that holds no sound."""
    if not isinstance(duration, int | float) or not 0 < duration < math.inf:
        return None
    return math.floor(duration + 0.5)


def _beats(text: str) -> float | int | None:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    if not 0 < number <= _FASTEST:
        return None
    return int(number) if number.is_integer() else number


def _year(text: Any) -> int | None:
    found = _YEAR.match(str(text)) if text is not None else None
    return int(found[1]) or None if found else None


def _place(number: Any) -> int | None:
    return number if type(number) is int and number > 0 else None


@hookimpl
def qfzz_readers() -> list[AudioReader]:
    """Register the reader."""
    return [AudioReader()]
