"""The format `csv`: a header row that names the columns, then a row for each track."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from qfzz_core.contracts.formats import Header, Playlist, PlaylistError, Row, TrackFile
from qfzz_core.contracts.limits import MAX_LINE
from qfzz_core.hookspecs import hookimpl
from qfzz_core.importing.values import shown
from qfzz_core.model.tracks import REQUIRED_FIELDS, TEXT_FIELDS
from qfzz_plugins.formats.dialects import TableLines, allow_long_fields
from qfzz_plugins.histories.tables import Scrobbles

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvReader:
    """Reads tables of text as a stream: comma, semicolon, tab or bar between the fields, as the first rows show."""

    name = "csv"
    suffixes = (".csv", ".tsv", ".tab")

    def read(self, file: TrackFile) -> Iterator[Row]:
        """Yield a row of text for each line, or for several lines that quotes hold together."""
        allow_long_fields()
        lines = TableLines(file)
        # strict, or an unclosed quote would swallow the rest of the file without an error
        reader = csv.reader(lines, strict=True, delimiter=lines.delimiter)
        table = _Table(file, lines, reader)
        above = lines.first - 1
        while True:
            line = reader.line_num + above + 1
            lines.begin_row(line)
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = f"not valid CSV: {error}{_span(line, reader.line_num + above)}"
                yield Row(line, problem=problem, header=table.header)
                continue
            if fields:
                yield table.row(line, fields, reader.line_num + above)


class CsvWriter:
    """Writes a column for each key that any track has, lists and objects as JSON."""

    name = "csv"
    suffixes = (".csv",)

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the header and the rows; the required fields come first, other keys as they are met.

        Raises `PlaylistError` for a track that an import of the file would refuse.
        """
        keys = list(dict.fromkeys([*REQUIRED_FIELDS, *(key for track in playlist.tracks for key in track)]))
        for key in keys:
            if key != key.strip() or not key:
                raise _cannot_hold(f"a column {shown(key)}, whose name begins or ends with a blank")
        yield _line(keys, safe=playlist.safe_csv)
        for track in playlist.tracks:
            _check_fields(track)
            yield _line((track.get(key) for key in keys), safe=playlist.safe_csv)


def _check_fields(track: Mapping[str, Any]) -> None:
    for key, value in track.items():
        if key in TEXT_FIELDS and value is not None and not value.strip():
            raise _cannot_hold(f"the blank {key} of track {shown(track['track_id'])}, which would be a missing one")
        if isinstance(value, str) and len(value) > MAX_LINE:
            raise _cannot_hold(f"a {key} of {len(value):,} characters, of track {shown(track['track_id'])}")


def _cannot_hold(what: str) -> PlaylistError:
    return PlaylistError(f"a CSV file cannot hold {what}; write json or jsonl instead")


class _Table:
    """The header of a table, and what its rows are by it."""

    def __init__(self, file: TrackFile, lines: TableLines, reader: Any) -> None:
        names = _names(file, reader, lines.first)
        counts = Counter(names)
        kept = [name for name in names if name and counts[name] == 1]
        self._width = len(names)
        self._named = max((place for place, name in enumerate(names, 1) if name), default=0)
        # which fields of a row are kept; all of them in most tables
        self._places = [place for place, name in enumerate(names) if name and counts[name] == 1]
        self._is_whole = len(kept) == len(names)
        self.header = Header(
            tuple(kept),
            tuple(place for place, name in enumerate(names, 1) if not name),
            tuple(name for name, count in counts.items() if name and count > 1),
            decimal_comma=lines.delimiter in ";\t",
        )

    def row(self, line: int, fields: list[str], end: int) -> Row:
        """Return the row of some fields; empty ones may be missing, or too many, where no column has a name."""
        count = len(fields)
        if count != self._width and (count < self._named or any(map(str.strip, fields[self._width :]))):
            has = f"{count} field{'' if count == 1 else 's'}"
            problem = f"has {has} where the header has {self._width}{_span(line, end)}"
            return Row(line, problem=problem, header=self.header)
        columns = self.header.columns
        if not self._is_whole:
            fields = [fields[place] for place in self._places]
        return Row(line, dict(zip(columns, fields, strict=False)), header=self.header)


def _names(file: TrackFile, reader: Any, line: int) -> list[str]:
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise file.unusable(f"the header is not valid CSV: {error}", line) from None
    if not any(names):
        raise file.unusable("there is no header row that names the columns", line)
    text = "".join(names)
    if text.count("\0") * 3 > len(text):  # every other character of UTF-16; a name may hold one
        raise file.unusable("the header holds NUL characters; if this is UTF-16, add --encoding utf-16", line)
    most = file.limits.columns
    if len(names) > most:
        raise file.unusable(
            f"the header names {len(names):,} columns, more than {most:,} (--max-columns allows more)", line
        )
    return names


def _span(first: int, last: int) -> str:
    return f" (lines {first} to {last})" if last > first else ""


def _cell(value: Any, *, safe: bool) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    # a spreadsheet would take it for a formula, and run it
    return f"'{value}" if safe and value.startswith(_FORMULA) else value


def _line(values: Iterable[Any], *, safe: bool) -> str:
    text = io.StringIO(newline="")
    # the ending is what the writer quotes: with "\n" alone, a carriage return in a cell would end the row for a reader
    csv.writer(text, lineterminator="\r\n").writerow(_cell(value, safe=safe) for value in values)
    return f"{text.getvalue()[:-2]}\n"


@hookimpl
def qfzz_readers() -> list[CsvReader]:
    """Register the reader."""
    return [CsvReader()]


@hookimpl
def qfzz_history_readers() -> list[Scrobbles]:
    """Register the reader of histories that are tables."""
    return [Scrobbles()]


@hookimpl
def qfzz_writers() -> list[CsvWriter]:
    """Register the writer."""
    return [CsvWriter()]
