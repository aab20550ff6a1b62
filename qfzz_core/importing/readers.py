"""Rows of CSV, JSON and JSON Lines files, plain or gzipped, one after the other and with the line they come from."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from attrs import Factory, frozen

from qfzz_core.errors import InvalidInput
from qfzz_core.importing.values import shown
from qfzz_core.names import is_storable

Progress = Callable[[int], None]

_LINES_PER_REPORT = 512


class ImportFileError(InvalidInput):
    """A file cannot be imported at all; the message names the file, and the line where there is one."""


@frozen
class Row:
    """One row of a file.

    `line` is where it starts: in the file, the first line being 1, or in a JSON list, its first object being 1.
    `values` maps columns to values; `typed` says whether they have types of their own (JSON) or are all text (CSV).
    `problem` says why a row could not be read; its values are empty then.
    """

    line: int
    values: Mapping[str, Any] = Factory(dict)
    typed: bool = False
    problem: str | None = None


def read_rows(path: Path, on_progress: Progress | None = None) -> Iterator[Row]:
    """Yield the rows of a file, its format told by its suffix, in UTF-8 with or without a byte order mark.

    CSV has a header row. JSON is a list of objects, or an object that holds one under "tracks", and is read whole;
    the others stream. Blank lines are no rows. A single row that cannot be read has a `problem`; what makes the whole
    file unusable raises `ImportFileError`, if need be after rows were yielded.

    `on_progress` gets the number of bytes read from the file so far, compressed as it is: every few hundred lines
    and at the end, when it is the file's size.
    """
    parse = _parser(path)
    try:
        with path.open("rb") as file, _text(path, file) as text:
            yield from parse(path, _lines(path, text, file, on_progress))
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def file_size(path: Path) -> int:
    """Return the bytes that a progress of `read_rows` ends at; raises `ImportFileError` if there is no such file."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ImportFileError:
    if isinstance(error, OSError) and error.strerror:
        return ImportFileError(f"{path}: cannot be read: {error.strerror}")
    return ImportFileError(f"{path}: not a valid gzip file: {error}")


def _is_gzip(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _text(path: Path, file: IO[bytes]) -> IO[str]:
    stream = gzip.GzipFile(fileobj=file) if _is_gzip(path) else file
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _lines(path: Path, text: IO[str], file: IO[bytes], on_progress: Progress | None) -> Iterator[str]:
    """Yield the lines with their endings, each of them good UTF-8."""
    for number, line in enumerate(text, start=1):
        # the decoder lets bad bytes through as surrogates, so that the error can name their line
        if not is_storable(line):
            raise ImportFileError(f"{path}: line {number}: not UTF-8 text")
        if on_progress and not number % _LINES_PER_REPORT:
            on_progress(file.tell())
        yield line
    if on_progress:
        on_progress(file.tell())


def _csv_rows(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    # strict, or a quote that nobody closed would swallow the rest of the file without a word
    reader = csv.reader(lines, strict=True)
    header = _header(path, reader)
    while True:
        line = reader.line_num + 1
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
            counts = f"has {_count(len(fields), 'field')} where the header has {len(header)}"
            yield Row(line, problem=counts + _span(line, reader.line_num))


def _header(path: Path, reader: Any) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise ImportFileError(f"{path}: line 1: the header is not valid CSV: {error}") from None
    if not header:
        raise ImportFileError(f"{path}: line 1: there is no header row that names the columns")
    for position, name in enumerate(header):
        if not name:
            raise ImportFileError(f"{path}: line 1: column {position + 1} of the header has no name")
        if name in header[:position]:
            raise ImportFileError(f"{path}: line 1: the header names the column {shown(name)} twice")
    return header


def _span(first: int, last: int) -> str:
    return f" (lines {first} to {last})" if last > first else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _json_lines(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = _object_row(number, json.loads(line))
        except (ValueError, RecursionError) as error:
            row = Row(number, problem=f"not valid JSON: {_json_problem(error)}")
        yield row


def _json_rows(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    try:
        document = json.loads("".join(lines))
    except json.JSONDecodeError as error:
        raise ImportFileError(f"{path}: line {error.lineno}: not valid JSON: {_json_problem(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ImportFileError(f"{path}: not valid JSON: {_json_problem(error)}") from None
    tracks = document.get("tracks") if isinstance(document, dict) else document
    if not isinstance(tracks, list):
        raise ImportFileError(f'{path}: expected a list of objects, or an object that holds one under "tracks"')
    yield from (_object_row(number, item) for number, item in enumerate(tracks, start=1))


def _object_row(number: int, item: Any) -> Row:
    if isinstance(item, dict):
        return Row(number, item, typed=True)
    return Row(number, problem=f"expected an object, got {shown(item)}")


def _json_problem(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"


_Parser = Callable[[Path, Iterator[str]], Iterator[Row]]

_PARSERS: dict[str, _Parser] = {
    ".csv": _csv_rows,
    ".json": _json_rows,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}


def _parser(path: Path) -> _Parser:
    suffix = Path(path.stem).suffix if _is_gzip(path) else path.suffix
    try:
        return _PARSERS[suffix.lower()]
    except KeyError:
        known = ", ".join(_PARSERS)
        raise ImportFileError(f"{path}: the name must end in one of {known}, each also with .gz") from None
