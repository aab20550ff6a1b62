"""Rows of one track that each name another genre, or another artist: one track with all of them."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from qfzz_core.importing.several import NORMAL, SEVERAL, unique
from qfzz_core.importing.spool import Records
from qfzz_core.model.names import normalise
from qfzz_core.model.tracks import Track

_Names = tuple[tuple[str, tuple[str, ...]], ...]


class JoinedTracks:
    """Tracks in their order, kept until all rows are read, since any row may repeat one of them with a further name.

    Tracks are kept as rows of a `Spool` are; what further rows say is kept in memory, for the ids that repeat: with
    100,000 of them, 45 MB. A row joins a track of the same id, title and artist. `joined` is how many gave a name that
    the track did not have, `repeated` how many did not.
    """

    def __init__(self) -> None:
        self.joined = self.repeated = 0
        self._tracks = Records()
        self._said: dict[_Names, _Names] = {}  # so that a genre that many rows name is kept once
        self._further: dict[str, list[tuple[int, _Names]]] = {}

    def __enter__(self) -> JoinedTracks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._tracks.close()

    def __len__(self) -> int:
        return len(self._tracks)

    def keep(self, track: Track) -> None:
        """Keep the first track of an id; raises `OSError` where the disk is full."""
        self._tracks.append(track)

    def add(self, track: Track, fields: frozenset[str]) -> None:
        """Keep the names that a later row of an id gives for some fields."""
        names = tuple((name, tuple(_names(track, name))) for name in sorted(fields))
        names = self._said.setdefault(names, names)
        self._further.setdefault(track["track_id"], []).append((_work(track, fields), names))

    def tracks(self) -> Iterator[Track]:
        """Yield the tracks, each with the names of its later rows."""
        for track in self._tracks:
            for work, names in self._further.pop(track["track_id"], ()):
                joins = {}
                if work == _work(track, frozenset(dict(names))):
                    joins = {name: _has_joined(track, name, further) for name, further in names}
                self.joined += any(joins.values())
                self.repeated += not any(joins.values())
            yield track
        self.repeated += sum(map(len, self._further.values()))  # of tracks that were not kept


def _work(track: Track, fields: frozenset[str]) -> int:
    """Return what is the same for two rows that say the same of a track, except in the fields that join."""
    return hash(tuple(normalise(track[name]) for name in ("title", "artist") if name not in fields))


def _names(track: Track, field: str) -> list[str]:
    names = [track[field], *track.get(SEVERAL[field], ())]
    return [name for name in names if isinstance(name, str)]


def _has_joined(track: Track, field: str, further: tuple[str, ...]) -> bool:
    """Add names to a track; return whether it lacked one of them."""
    before = _names(track, field)
    names = unique([*before, *further], NORMAL[field])
    if len(names) == len(unique(before, NORMAL[field])):
        return False
    track[field] = names[0]
    if len(names) > 1:
        track[SEVERAL[field]] = names
    return True
