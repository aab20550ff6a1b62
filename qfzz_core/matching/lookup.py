"""Finding rows of the catalogue: by codes, and by the identifiers that other catalogues give a track."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows, as_rows
from qfzz_core.model.places import location, path_of
from qfzz_core.model.tracks import Track

IDENTIFIERS: dict[str, Callable[[str], str]] = {
    "recording_mbid": lambda text: text.strip().lower(),
    "isrc": lambda text: text.strip().upper().replace("-", ""),
    "location": lambda text: path_of(text.strip()).replace("\\", "/").removeprefix("./"),
}
"""What identifies a recording beside our own id, in the order in which it counts, and how its values compare."""


def identifier(track: Track, kind: str) -> str | None:
    """Return what identifies a track, None if it has nothing of this kind."""
    if kind == "location":
        return location(track)
    value = track.get(kind)
    return value if isinstance(value, str) and value.strip() else None


class RowsByCode:
    """The rows of each code of a column, in the order of the catalogue: 8 bytes a row."""

    def __init__(self, codes: NDArray[np.signedinteger], rows: Rows) -> None:
        given = codes[rows].astype(np.int32)
        order = np.argsort(given, kind="stable")
        self._codes = given[order]
        self._rows = rows[order].astype(np.int32)

    def of(self, codes: Iterable[int], most: int) -> Rows:
        """Return the rows of some codes, `most` of them at most."""
        # as int32, or NumPy would convert all codes before it looks for two
        wanted = [np.array([code, code + 1], dtype=np.int32) for code in codes if code >= 0]
        spans = [self._codes.searchsorted(each) for each in wanted]
        found = [self._rows[start:stop] for start, stop in spans]
        return np.concatenate(found)[:most].astype(np.intp) if found else as_rows([])


class Identified:
    """The tracks by each of the `IDENTIFIERS`, hashed: 16 bytes for each value.

    Built by reading all tracks once: a column of them would be kept for everybody, and nearly nobody matches.
    """

    def __init__(self, tracks: Iterable[tuple[int, Track]]) -> None:
        hashes: dict[str, list[int]] = {kind: [] for kind in IDENTIFIERS}
        positions: dict[str, list[int]] = {kind: [] for kind in IDENTIFIERS}
        for position, track in tracks:
            for kind, form in IDENTIFIERS.items():
                value = identifier(track, kind)
                if value is not None:
                    hashes[kind].append(hash(form(value)))
                    positions[kind].append(position)
        self._places = {kind: _sorted(hashes[kind], positions[kind]) for kind in IDENTIFIERS}

    def positions(self, kind: str, value: str) -> list[int]:
        """Return the positions of the tracks that may have a value, in order; a hash may be another value's, too."""
        hashes, positions = self._places[kind]
        wanted = hash(IDENTIFIERS[kind](value))
        start, stop = (int(hashes.searchsorted(wanted, side=side)) for side in ("left", "right"))
        found: list[int] = positions[start:stop].tolist()
        return found


def _sorted(hashes: list[int], positions: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(np.array(hashes, dtype=np.int64), kind="stable")
    return np.array(hashes, dtype=np.int64)[order], np.array(positions, dtype=np.int64)[order]
