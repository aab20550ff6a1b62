"""The SQLite databases of beets and Navidrome, opened for reading alone: not a byte beside them is written."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import frozen

from qfzz_core.contracts.formats import Row, TrackFile
from qfzz_core.model.names import is_storable
from qfzz_plugins.libraries.values import first_and_all, known, number, whole

_BETWEEN = "\\\N{SYMBOL FOR NULL}"  # what beets writes between the names of one field
_SHOWN_TABLES = 5


@frozen
class _Library:
    """A program's database: the table of its tracks, columns that only it has, and what makes values of its rows."""

    program: str
    table: str
    marks: frozenset[str]
    values: Callable[[Mapping[str, Any], Mapping[Any, str]], dict[str, Any]]


def rows_of_sqlite(file: TrackFile) -> Iterator[Row]:
    """Yield a row for each track; raises `ImportFileError` for the database of any other program."""
    try:
        with closing(_opened(file)) as connection:
            library = _library_of(file, connection)
            folders = _folders(connection) if library.program == "Navidrome" else {}
            rows = connection.execute(f"SELECT * FROM {library.table}")
            names = [column[0] for column in rows.description]
            for place, row in enumerate(rows, start=1):
                values = library.values(dict(zip(names, row, strict=True)), folders)
                yield Row(place, known(values), typed=True)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter for names of columns
        raise file.unusable(f"the database cannot be read: {error}") from error


def _opened(file: TrackFile) -> sqlite3.Connection:
    """Return a connection that can change nothing.

    A database that nobody else changes is opened as immutable, which needs no lock and no file beside it. One with a
    log of changes that are not in it yet must be read with them.
    """
    path = os.path.abspath(file.path)
    log = Path(f"{path}-wal")
    changes = log.exists() and log.stat().st_size > 0
    uri = f"file:{quote(os.fsencode(path))}?mode=ro{'' if changes else '&immutable=1'}"
    connection = sqlite3.connect(uri, uri=True)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, file.limits.line)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _library_of(file: TrackFile, connection: sqlite3.Connection) -> _Library:
    # no views and no virtual tables, which may compute without end
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' ORDER BY name"
    tables = [str(name) for (name,) in connection.execute(sql)]
    for library in _LIBRARIES:
        if library.table in tables:
            columns = connection.execute(f"PRAGMA table_info({library.table})")
            if library.marks <= {str(column[1]) for column in columns}:
                return library
    shown = ", ".join(tables[:_SHOWN_TABLES]) + (" and others" if len(tables) > _SHOWN_TABLES else "")
    raise file.unusable(
        f"an SQLite database of another program ({f'its tables are {shown}' if tables else 'it has no tables'}); "
        "those of beets and Navidrome are read"
    )


def _folders(connection: sqlite3.Connection) -> dict[Any, str]:
    """Return the directories of Navidrome's libraries, which its later versions keep apart from the paths."""
    try:
        return {number: str(path) for number, path in connection.execute("SELECT id, path FROM library")}
    except sqlite3.OperationalError:
        return {}


# ---- beets ----------------------------------------------------------------------------------------------------------


def _values_of_beets(item: Mapping[str, Any], folders: Mapping[Any, str]) -> dict[str, Any]:
    get = item.get
    return {
        "track_id": f"beets-{get('id')}",
        "title": get("title"),
        **first_and_all(_names(get("artists")) or _names(get("artist")), "artist", "artists"),
        "album": get("album"),
        "album_artist": get("albumartist"),
        **first_and_all(_names(get("genres")) or _names(get("genre")), "genre", "genres"),
        "duration": whole(get("length")),
        "bpm": number(get("bpm")),
        "key": get("initial_key"),
        "year": whole(get("original_year")) or whole(get("year")),
        "track_number": whole(get("track")),
        "disc_number": whole(get("disc")),
        "isrc": get("isrc"),
        "recording_mbid": get("mb_trackid"),
        "release_mbid": get("mb_albumid"),
        "artist_mbids": _names(get("mb_artistids")) or _names(get("mb_artistid")),
        "location": _location(get("path")),
    }


def _names(value: Any) -> list[str]:
    return [name.strip() for name in value.split(_BETWEEN) if name.strip()] if isinstance(value, str) else []


def _location(path: Any) -> str | None:
    """Return a path, which beets keeps as bytes, as text; as a URI where it is none."""
    if isinstance(path, str):
        return path
    if not isinstance(path, bytes):
        return None
    text = os.fsdecode(path)
    return text if is_storable(text) else f"file://{quote(path)}"


# ---- Navidrome ------------------------------------------------------------------------------------------------------


def _values_of_navidrome(item: Mapping[str, Any], folders: Mapping[Any, str]) -> dict[str, Any]:
    get = item.get
    tags = _tags(get("tags"))
    path = get("path")
    if isinstance(path, str) and not os.path.isabs(path):
        folder = folders.get(get("library_id"))
        path = os.path.join(folder, path) if folder else None
    artist = get("mbz_artist_id") or next(iter(tags.get("musicbrainz_artistid", ())), None)
    return {
        "track_id": f"navidrome-{get('id')}",
        "title": get("title"),
        "artist": get("artist"),
        "album": get("album"),
        "album_artist": get("album_artist"),
        **first_and_all(tags.get("genre") or [get("genre")], "genre", "genres"),
        "mood": next(iter(tags.get("mood", ())), None),
        "duration": whole(get("duration")),
        "bpm": number(get("bpm")),
        "key": next(iter(tags.get("key", ())), None),
        "year": whole(get("year")),
        "track_number": whole(get("track_number")),
        "disc_number": whole(get("disc_number")),
        "isrc": next(iter(tags.get("isrc", ())), None),
        "recording_mbid": get("mbz_recording_id") or get("mbz_track_id"),
        "release_mbid": get("mbz_album_id"),
        "artist_mbids": [artist] if artist else None,
        "location": path,
    }


def _tags(text: Any) -> dict[str, list[str]]:
    """Return the tags that later versions keep as JSON: lists of names, or of objects with a `value`."""
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: [*_values(values)] for name, values in found.items() if isinstance(values, list)}


def _values(values: list[Any]) -> Iterator[str]:
    for each in values:
        value = each.get("value") if isinstance(each, dict) else each
        if isinstance(value, str):
            yield value


_LIBRARIES = (
    _Library("beets", "items", frozenset({"id", "path", "mb_trackid", "length"}), _values_of_beets),
    _Library("Navidrome", "media_file", frozenset({"id", "path", "title", "album_id"}), _values_of_navidrome),
)
