"""The database of MPD: lines of `name: value`, songs within directories, as MPD 0.15 and later write it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import IO

from qfzz_core.contracts.formats import Row, TrackFile
from qfzz_plugins.libraries.values import first_and_all, known, number, whole

_BEGIN = b"info_begin"


def is_mpd(start: bytes) -> bool:
    """Return whether a file that begins so is a database of MPD."""
    return start.startswith(_BEGIN)


def rows_of_mpd(file: TrackFile, content: IO[bytes]) -> Iterator[Row]:
    """Yield a row for each song. Where its music lies MPD says nowhere, so that `path` is relative to that place."""
    directory = ""
    song: dict[str, list[str]] | None = None
    name = ""
    line = size = 0
    most = file.limits.line
    for number_of_line, (key, value) in _lines(file, content):
        if key == "song_begin":
            song, line, name, size = {}, number_of_line, value, 0
        elif key == "song_end" and song is not None:
            yield _row(line, "/".join(filter(None, (directory, name))), song)
            song = None
        elif song is not None:
            size += len(value)
            if size > most:
                raise file.too_long("a song", number_of_line)
            song.setdefault(key.lower(), []).append(value)
        elif key == "begin":
            directory = value
        elif key == "end":
            directory = value.rpartition("/")[0]
    if song is not None:
        raise file.unusable("it ends within a song")


def _lines(file: TrackFile, content: IO[bytes]) -> Iterator[tuple[int, tuple[str, str]]]:
    most = file.limits.line
    number_of_line = 0
    while raw := content.readline(most + 1):
        number_of_line += 1
        if len(raw) > most:
            raise file.too_long("the line", number_of_line)
        # names of files may be bytes of any encoding: what is no text then shows as a sign for it
        key, _, value = raw.decode("utf-8", "replace").rstrip("\r\n").partition(":")
        yield number_of_line, (key, value.strip())


def _row(line: int, path: str, song: dict[str, list[str]]) -> Row:
    def one(key: str) -> str | None:
        return next(iter(song.get(key, ())), None)

    values = {
        "track_id": f"mpd-{sha256(path.encode()).hexdigest()[:32]}",
        "title": one("title") or path.rpartition("/")[2],
        **first_and_all(song.get("artist", song.get("albumartist", ())), "artist", "artists"),
        "album": one("album"),
        "album_artist": one("albumartist"),
        **first_and_all(song.get("genre", ()), "genre", "genres"),
        "duration": whole(one("time")),
        "year": whole((one("date") or "")[:4]),
        "track_number": whole((one("track") or "").partition("/")[0]),
        "disc_number": whole((one("disc") or "").partition("/")[0]),
        "mood": one("mood"),
        "recording_mbid": one("musicbrainz_trackid"),
        "release_mbid": one("musicbrainz_albumid"),
        "artist_mbids": song.get("musicbrainz_artistid"),
        "bpm": number(one("bpm")),
        "path": path,
    }
    return Row(line, known(values), typed=True)
