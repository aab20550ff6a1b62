"""The formats `json`, a list of objects, and `jsonl`, an object on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qfzz_core.contracts.formats import Playlist, Row, TrackFile
from qfzz_core.hookspecs import hookimpl
from qfzz_core.importing.values import shown
from qfzz_plugins.formats.json_text import JsonText, problem_of
from qfzz_plugins.histories.own import Plays
from qfzz_plugins.histories.scrobbles import ListenBrainz, Maloja, PanoLines
from qfzz_plugins.histories.spotify import SpotifyExtended, SpotifyShort

_EXPECTED = 'expected a list of objects, or an object that holds one under "tracks"'


class JsonFormat:
    """Reads a list of objects, or an object that holds one under "tracks", an object at a time.

    Writes an object with `title` and `tracks`.
    """

    name = "json"
    suffixes = (".json",)

    def read(self, file: TrackFile) -> Iterator[Row]:
        """Yield a row for each object; its line is its number in the list."""
        for number, item in enumerate(_tracks(JsonText(file)), start=1):
            yield _object_row(number, item)

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
                    row = Row(number, problem=f"not valid JSON: {problem_of(error)}")
                yield row

    def write(self, playlist: Playlist) -> Iterator[str]:
        """Yield the lines."""
        for track in playlist.tracks:
            yield json.dumps(track, ensure_ascii=False) + "\n"


def _tracks(text: JsonText) -> Iterator[Any]:
    """Yield the items of the list of tracks that is the document or stands in it."""
    kind, found = text.peek(), False
    if kind == "[":
        yield from text.items()
        found = True
    for key in text.keys() if kind == "{" else ():
        if key != "tracks":
            text.value()
            continue
        if found or text.peek() != "[":
            raise text.file.unusable('"tracks" is there twice' if found else _EXPECTED)
        yield from text.items()
        found = True
    if kind not in ("[", "{"):
        text.value()
    text.end()
    if not found:
        raise text.file.unusable(_EXPECTED)


def _object_row(number: int, item: Any) -> Row:
    if isinstance(item, dict):
        return Row(number, item, typed=True)
    return Row(number, problem=f"expected an object, got {shown(item)}")


@hookimpl
def qfzz_readers() -> list[JsonFormat | JsonLinesFormat]:
    """Register the readers."""
    return [JsonFormat(), JsonLinesFormat()]


@hookimpl
def qfzz_history_readers() -> list[SpotifyExtended | SpotifyShort | ListenBrainz | Maloja | PanoLines | Plays]:
    """Register the readers of histories that are JSON."""
    return [SpotifyExtended(), SpotifyShort(), ListenBrainz(), Maloja(), PanoLines(), Plays()]


@hookimpl
def qfzz_writers() -> list[JsonFormat | JsonLinesFormat]:
    """Register the writers."""
    return [JsonFormat(), JsonLinesFormat()]
