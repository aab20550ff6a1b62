"""The formats `json`, a list of objects, and `jsonl`, an object on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qfzz_core.contracts.formats import Playlist, Row, TrackFile
from qfzz_core.hookspecs import hookimpl
from qfzz_core.importing.values import shown


class JsonFormat:
    """Reads a list of objects, or an object that holds one under "tracks"; the file is read whole.

    Writes an object with `title` and `tracks`.
    """

    name = "json"
    suffixes = (".json",)

    def read(self, file: TrackFile) -> Iterator[Row]:
        """Yield a row for each object; its line is its number in the list."""
        text = "".join(file.lines())
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise file.unusable(f"not valid JSON: {_problem(error)}", getattr(error, "lineno", None)) from None
        tracks = document.get("tracks") if isinstance(document, dict) else document
        if not isinstance(tracks, list):
            raise file.unusable('expected a list of objects, or an object that holds one under "tracks"')
        yield from (_object_row(number, item) for number, item in enumerate(tracks, start=1))

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the document."""
        document = {"title": playlist.title, "tracks": list(playlist.tracks)}
        yield json.dumps(document, ensure_ascii=False, indent=2) + "\n"


class JsonLinesFormat:
    """Reads and writes an object on each line, as a stream."""

    name = "jsonl"
    suffixes = (".jsonl", ".ndjson")

    def read(self, file: TrackFile) -> Iterator[Row]:
        """Yield a row for each line that is not blank."""
        for number, line in enumerate(file.lines(), start=1):
            if line.strip():
                try:
                    row = _object_row(number, json.loads(line))
                except (ValueError, RecursionError) as error:
                    row = Row(number, problem=f"not valid JSON: {_problem(error)}")
                yield row

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the lines."""
        for track in playlist.tracks:
            yield json.dumps(track, ensure_ascii=False) + "\n"


def _object_row(number: int, item: Any) -> Row:
    if isinstance(item, dict):
        return Row(number, item, typed=True)
    return Row(number, problem=f"expected an object, got {shown(item)}")


def _problem(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"


@hookimpl
def qfzz_readers() -> list[JsonFormat | JsonLinesFormat]:
    """Register the readers."""
    return [JsonFormat(), JsonLinesFormat()]


@hookimpl
def qfzz_writers() -> list[JsonFormat | JsonLinesFormat]:
    """Register the writers."""
    return [JsonFormat(), JsonLinesFormat()]
