"""A catalogue as arrays, so that ten million tracks need no object each; dictionaries are made in a stream."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core import Engine
from qfzz_core.formats.files import Readers
from qfzz_core.importing.job import Import
from qfzz_core.importing.presets import mapping_from_options
from qfzz_core.model.names import normalise, normalise_genre
from qfzz_core.model.tracks import TEMPOS

Codes = NDArray[np.int32]
Rows = NDArray[np.intp]

BATCH = 20_000  # dictionaries made at a time


class Numbered(Sequence[str]):
    """Names such as `Artist 17`, made when they are asked for."""

    def __init__(self, word: str, count: int) -> None:
        self._word = word
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [f"{self._word}{number}" for number in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return f"{self._word}{index % self._count}"


@attrs.frozen(eq=False, slots=False)
class Catalogue:
    """Tracks as columns: codes int32 and energies float64, both of shape (tracks,); names by code.

    The tempo's code is its place in `TEMPOS`. Of a generated catalogue values may be unknown: codes of -1, energies of
    NaN. Of a catalogue read from a file, `dictionaries` are the tracks.
    """

    genre: Codes
    mood: Codes
    tempo: Codes
    artist: Codes
    energy: NDArray[np.float64]
    duration: Codes
    genres: Sequence[str]
    moods: Sequence[str]
    artists: Sequence[str]
    dictionaries: Sequence[Mapping[str, Any]] | None = None

    def __len__(self) -> int:
        return len(self.energy)

    @cached_property
    def genre_codes(self) -> dict[str, int]:
        """Codes by normal form."""
        return {normalise_genre(name): code for code, name in enumerate(self.genres)}

    @cached_property
    def mood_codes(self) -> dict[str, int]:
        """Codes by normal form."""
        return {normalise(name): code for code, name in enumerate(self.moods)}

    @cached_property
    def artist_codes(self) -> dict[str, int]:
        """Codes by normal form."""
        return {normalise(name): code for code, name in enumerate(self.artists)}

    def track_id(self, row: int) -> str:
        """Return the id of a row's track."""
        return f"track-{row:08d}" if self.dictionaries is None else str(self.dictionaries[row]["track_id"])

    def row(self, track_id: str) -> int:
        """Return the row of a track id that `track_id` gave."""
        return int(track_id.rpartition("-")[2]) if self.dictionaries is None else self._rows[track_id]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {str(track["track_id"]): row for row, track in enumerate(self.dictionaries or ())}

    def tracks(self, start: int = 0, stop: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the dictionaries of the rows from `start` to `stop`, new ones each time."""
        stop = len(self) if stop is None else min(stop, len(self))
        for first in range(start, stop, BATCH):
            yield from self.at(np.arange(first, min(first + BATCH, stop)))

    def at(self, rows: Rows) -> Iterator[dict[str, Any]]:
        """Yield the dictionaries of some rows."""
        if self.dictionaries is not None:
            yield from (dict(self.dictionaries[row]) for row in rows.tolist())
            return
        columns = (self.genre, self.mood, self.tempo, self.artist, self.energy, self.duration)
        for row, *values in zip(rows.tolist(), *(column[rows].tolist() for column in columns), strict=True):
            yield self._track(row, values)

    def _track(self, row: int, values: Sequence[Any]) -> dict[str, Any]:
        genre, mood, tempo, artist, energy, duration = values
        return {
            "track_id": self.track_id(row),
            "title": f"Title {row}",
            "artist": self.artists[artist],
            "album": f"Album {artist}-{row % 7}",
            "genre": self.genres[genre] if genre >= 0 else None,
            "mood": self.moods[mood] if mood >= 0 else None,
            "energy": None if math.isnan(energy) else energy,
            "tempo": TEMPOS[tempo] if tempo >= 0 else None,
            "duration": duration,
            "content_id": f"content-{row:08d}",
            "creator_id": f"creator-{artist}",
        }


def real_catalogue(path: Path) -> Catalogue:
    """Return the tracks of a file that `qfzz import --preset spotify` reads."""
    with Engine(store="memory:") as engine:
        readers = Readers.of(engine.registry, engine.faults.report)
        return from_dictionaries(list(Import([path], mapping_from_options("spotify"), readers)))


def from_dictionaries(tracks: Sequence[Mapping[str, Any]]) -> Catalogue:
    """Return a catalogue of these tracks, names written as the first track writes them."""
    genres, genre = _encoded([track["genre"] for track in tracks], normalise_genre)
    moods, mood = _encoded([track["mood"] for track in tracks], normalise)
    artists, artist = _encoded([track["artist"] for track in tracks], normalise)
    return Catalogue(
        genre=genre,
        mood=mood,
        tempo=np.array([TEMPOS.index(track["tempo"]) for track in tracks], dtype=np.int32),
        artist=artist,
        energy=np.array([track["energy"] for track in tracks], dtype=np.float64),
        duration=np.array([track["duration"] for track in tracks], dtype=np.int32),
        genres=genres,
        moods=moods,
        artists=artists,
        dictionaries=tracks,
    )


def _encoded(names: Sequence[str], normal: Any) -> tuple[list[str], Codes]:
    codes: dict[str, int] = {}
    written: list[str] = []
    column = np.empty(len(names), dtype=np.int32)
    for row, name in enumerate(names):
        code = codes.setdefault(normal(name), len(written))
        if code == len(written):
            written.append(name)
        column[row] = code
    return written, column
