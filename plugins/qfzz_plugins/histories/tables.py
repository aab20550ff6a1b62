"""Scrobbles as tables: what tools write of a Last.fm account, with a header and without, and Pano Scrobbler's CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import TrackFile
from qfzz_core.contracts.histories import LeftOut, Play
from qfzz_core.importing.values import shown
from qfzz_plugins.formats.dialects import TableLines, allow_long_fields, delimiter_of
from qfzz_plugins.histories.entries import Entry, EntryError, iso_time, named, played, since_epoch, text
from qfzz_plugins.histories.scrobbles import pano, scrobble

_SOURCE = "lastfm"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# whatever the language of the system: Last.fm writes English
_WRITTEN = re.compile(r"\s*(\d{1,2}) ([A-Za-z]{3})[a-z]* (\d{4}),? (\d{1,2}):(\d\d)\s*", re.ASCII)
_WITHOUT_HEADER = ("artist", "album", "track", "time")

# The names of columns, in small letters without what separates words, and the key that each is here. A time of a
# scrobble alone has a name that no table of tracks uses; "date" and "time" may be those of a release.
_COLUMNS = {
    **dict.fromkeys(("artist", "artistname"), "artist"),
    **dict.fromkeys(("track", "title", "trackname", "tracktitle", "name", "song"), "track"),
    **dict.fromkeys(("album", "albumname", "release"), "album"),
    **dict.fromkeys(("uts", "unixtimestamp", "scrobbleuts"), "uts"),
    **dict.fromkeys(("utctime", "scrobbletime", "playedat", "listenedat", "dateutc", "datetime"), "time"),
    **dict.fromkeys(("timestamp", "date", "time"), "date"),
    "timems": "timeMs",
    "durationms": "durationMs",
    "event": "event",
    "trackmbid": "mbid",
}
_OF_TRACKS = {"genre", "mood", "energy", "tempo", "trackid"}  # a table with these has tracks, whatever its times are
_TIMES = ("uts", "timeMs", "time", "date")


class Scrobbles:
    """Reads tables of scrobbles: artist, album, track and time without a header, or with one that names them."""

    name = "lastfm"
    suffixes = (".csv", ".tsv")

    def recognises(self, name: str, beginning: str) -> bool:
        """Return whether the rows end in a time of Last.fm, or the header names artist, track and a time of day."""
        allow_long_fields()
        lines = beginning.splitlines(keepends=True)[:20]
        try:
            rows = [*csv.reader(lines, delimiter=delimiter_of(lines))]
        except csv.Error:
            return False
        rows = [row for row in rows if row][:2]
        if rows and _is_without_header(rows[0]):
            return True
        keys = _keys(rows[0]) if rows else {}
        if not {"artist", "track"} <= keys.keys():
            return False
        if keys.keys() & {"uts", "timeMs"}:
            return True
        time = keys.get("time", keys.get("date"))
        if time is None or len(rows) < 2 or time >= len(rows[1]) or _OF_TRACKS & {*map(_plain, rows[0])}:
            return False
        return _says_time_of_day(rows[1][time])

    def read(self, file: TrackFile) -> Iterator[Play | LeftOut]:
        """Yield what each row below the header is."""
        rows = _rows(file)
        first = next(rows, None)
        if first is None:
            return
        line, fields = first
        if isinstance(fields, list) and _is_without_header(fields):
            keys: Mapping[str, int] = {key: place for place, key in enumerate(_WITHOUT_HEADER)}
            yield from played([(line, _entry(fields, keys))], _row)
        else:
            keys = {} if isinstance(fields, EntryError) else _keys(fields)
            if not {"artist", "track"} <= keys.keys() or not keys.keys() & {*_TIMES}:
                raise file.unusable("the header names no artist, track and time of scrobbles", line)
        of_row: Callable[[int, Entry], Play | LeftOut] = pano if "timeMs" in keys else _row
        yield from played(((line, _entry(fields, keys)) for line, fields in rows), of_row)


def _rows(file: TrackFile) -> Iterator[tuple[int, list[str] | EntryError]]:
    allow_long_fields()
    lines = TableLines(file)
    reader = csv.reader(lines, strict=True, delimiter=lines.delimiter)
    while True:
        line = reader.line_num + lines.first
        lines.begin_row(line)
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, EntryError(f"not valid CSV: {error}")
            continue
        if any(map(str.strip, fields)):
            yield line, fields


def _is_without_header(fields: Sequence[str]) -> bool:
    return len(fields) == len(_WITHOUT_HEADER) and _WRITTEN.fullmatch(fields[-1]) is not None


def _keys(header: Sequence[str]) -> dict[str, int]:
    """Return the places of the columns that are known; of several for one key, the first."""
    found: dict[str, int] = {}
    for place, name in enumerate(header[:1000]):
        key = _COLUMNS.get(_plain(name))
        if key is not None:
            found.setdefault(key, place)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _entry(fields: list[str] | EntryError, keys: Mapping[str, int]) -> Any:
    if isinstance(fields, EntryError):
        return fields
    return {key: fields[place] for key, place in keys.items() if place < len(fields)}


def _says_time_of_day(value: str) -> bool:
    try:
        found = _time({"time": value}, "time")
    except EntryError:
        return False
    return ":" in value or (found.year > 1970 and value.strip().isdigit() and len(value.strip()) > 8)


def _row(line: int, entry: Entry) -> Play | LeftOut:
    heard = Description(
        title=named(entry, "track"),
        artist=named(entry, "artist"),
        album=text(entry, "album"),
        recording_mbid=text(entry, "mbid"),
    )
    key = next((key for key in _TIMES if text(entry, key)), "time")
    return scrobble(line, _SOURCE, _time(entry, key), heard)


def _time(entry: Entry, key: str) -> datetime:
    """Return the moment of a time as tables write it: seconds since 1970, `01 Jan 2020 10:00` or ISO-8601, of UTC."""
    value = named(entry, key)
    if value.isdigit():
        return since_epoch({key: value}, key, 1000 if len(value) > 11 else 1)
    found = _WRITTEN.fullmatch(value)
    if found is None or found[2].lower() not in _MONTHS:
        return iso_time(entry, key)
    day, year, hour, minute = (int(found[group]) for group in (1, 3, 4, 5))
    try:
        return datetime(year, _MONTHS.index(found[2].lower()) + 1, day, hour, minute, tzinfo=UTC)
    except ValueError:
        raise EntryError(f"{key} is no time: {shown(value)}") from None
