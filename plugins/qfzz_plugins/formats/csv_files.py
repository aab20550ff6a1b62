"""The format `csv`: a header row that names the columns, then a row for each track."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from qfzz_core.contracts.formats import Playlist, PlaylistError, Row, TrackFile
from qfzz_core.hookspecs import hookimpl
from qfzz_core.importing.values import shown
from qfzz_core.model.tracks import REQUIRED_FIELDS, TEXT_FIELDS

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvFormat:
    """Reads CSV as a stream; writes a column for each key that any track has, lists and objects as JSON."""

    name = "csv"
    suffixes = (".csv",)

    def read(self, file: TrackFile) -> Iterator[Row]:
        """Yield a row of text for each line, or for several lines that quotes hold together."""
        lines = _Lines(file)
        # strict, or an unclosed quote would swallow the rest of the file without an error
        reader = csv.reader(lines, strict=True)
        header = _header(file, reader)
        while True:
            line = reader.line_num + 1
            lines.begin_row(line)
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, problem=f"not valid CSV: {error}{_span(line, reader.line_num)}")
                continue
            if len(fields) == len(header):
                yield Row(line, dict(zip(header, fields, strict=True)))
            elif fields:
                count = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
                problem = f"has {count} where the header has {len(header)}{_span(line, reader.line_num)}"
                yield Row(line, problem=problem)

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
        if key in TEXT_FIELDS and not value.strip():
            raise _cannot_hold(f"the blank {key} of track {shown(track['track_id'])}, which would be a missing one")
        if isinstance(value, str) and len(value) > csv.field_size_limit():
            raise _cannot_hold(f"a {key} of {len(value):,} characters, of track {shown(track['track_id'])}")


def _cannot_hold(what: str) -> PlaylistError:
    return PlaylistError(f"a CSV file cannot hold {what}; write json or jsonl instead")


class _Lines:
    """The lines of a file, of which those of one row together must not be longer than a line may be."""

    def __init__(self, file: TrackFile) -> None:
        self._file = file
        self._lines = file.lines()
        self.begin_row(1)

    def begin_row(self, line: int) -> None:
        self._row = line
        self._left = self._file.limits.line

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._left -= len(line)
        if self._left < 0:
            raise self._file.too_long("the row", self._row)
        return line


def _header(file: TrackFile, reader: Any) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise file.unusable(f"the header is not valid CSV: {error}", 1) from None
    if not header:
        raise file.unusable("there is no header row that names the columns", 1)
    most = file.limits.columns
    if len(header) > most:
        raise file.unusable(
            f"the header names {len(header):,} columns, more than {most:,} (--max-columns allows more)", 1
        )
    seen: set[str] = set()
    for position, name in enumerate(header):
        if not name:
            raise file.unusable(f"column {position + 1} of the header has no name", 1)
        if name in seen:
            raise file.unusable(f"the header names the column {shown(name)} twice", 1)
        seen.add(name)
    return header


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
def qfzz_readers() -> list[CsvFormat]:
    """Register the reader."""
    return [CsvFormat()]


@hookimpl
def qfzz_writers() -> list[CsvFormat]:
    """Register the writer."""
    return [CsvFormat()]
