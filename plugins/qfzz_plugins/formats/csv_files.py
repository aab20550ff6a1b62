"""The format `csv`: a header row that names the columns, then a row for each track."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from qfzz_core.contracts.formats import Playlist, Row, TrackFile
from qfzz_core.hookspecs import hookimpl
from qfzz_core.importing.values import shown
from qfzz_core.model.tracks import REQUIRED_FIELDS


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
        """Yield the header and the rows; the required fields come first, other keys as they are met."""
        keys = list(dict.fromkeys([*REQUIRED_FIELDS, *(key for track in playlist.tracks for key in track)]))
        yield _line(keys)
        for track in playlist.tracks:
            yield _line(_cell(track.get(key)) for key in keys)


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


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


@hookimpl
def qfzz_readers() -> list[CsvFormat]:
    """Register the reader."""
    return [CsvFormat()]


@hookimpl
def qfzz_writers() -> list[CsvFormat]:
    """Register the writer."""
    return [CsvFormat()]
