"""From a description to a track: by an identifier, else by artist, title, edition and duration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import numpy as np
from attrs import frozen

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows, as_rows
from qfzz_core.contracts.descriptions import Description
from qfzz_core.errors import RequestError
from qfzz_core.matching.lookup import IDENTIFIERS, Identified, RowsByCode, identifier
from qfzz_core.matching.trigrams import Trigrams
from qfzz_core.matching.verdict import Candidate, best_of, may_be, similar
from qfzz_core.matching.words import Wanted, artists_of
from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.tracks import Track

# Rows that one artist's or title's name is followed to: those of compilations ("Various Artists") have no end.
_MOST_ROWS = 3_000
_LIKE = 24  # artists that are spelt alike and are compared
_ALIKE = 0.72  # how alike two artists' names have to be to look at the tracks of the other one


@frozen
class Match:
    """What a description means: `track_id`, and `by` what it was found; None if nothing is, or several tracks may be.

    `by` is "id", "recording_mbid", "isrc", "location" or "names". `score` says how alike the words are, in [0, 1], 1
    for an identifier. `candidates` are the ids of all tracks that it may be, the likeliest first: more than one beside
    no `track_id` is for a person to decide. `duration` are the seconds of the track, None if they are unknown.
    """

    track_id: str | None = None
    by: str | None = None
    score: float = 0.0
    candidates: tuple[str, ...] = ()
    duration: float | None = None

    @property
    def is_ambiguous(self) -> bool:
        """Whether several tracks may be meant, and none was chosen."""
        return self.track_id is None and bool(self.candidates)


class Matcher:
    """Finds the tracks of one state of the catalogue.

    What it needs is built at the first use: 24 bytes for each track, 4 for each byte of an artist's name, and 2 MB.
    `all_tracks` gives every track with its position, and is read when the first identifier is looked for. Raises
    `RequestError` if no plugin declares the columns of artists, titles and durations.
    """

    def __init__(self, snapshot: Snapshot, all_tracks: Callable[[], Iterable[tuple[int, Track]]]) -> None:
        for name in ("artist", "title", "duration"):
            if name not in snapshot.columns:
                raise RequestError(f'matching compares the column "{name}", which no active plugin declares')
        self._snapshot = snapshot
        self._all_tracks = all_tracks
        self._artists = snapshot.columns["artist"]
        self._titles = snapshot.columns["title"]
        self._durations = snapshot.columns["duration"]

    def match(self, description: Description) -> Match:
        """Return the track that a description means.

        An identifier counts before words.
        """
        found = self._identified(description)
        if found is not None:
            return found
        wanted = Wanted.of(description)
        return Match() if wanted is None else self._named(wanted)

    # -- identifiers

    def _identified(self, description: Description) -> Match | None:
        row = self._snapshot.row(description.track_id) if description.track_id else None
        if row is not None:
            return self._match([row], "id", 1.0)
        for kind, form in IDENTIFIERS.items():
            value = getattr(description, kind)
            if value and len(rows := self._having(kind, form(value))):
                return self._match(rows, kind, 1.0)
        return None

    def _having(self, kind: str, value: str) -> Rows:
        positions = self._by_identifier.positions(kind, value)
        tracks = self._snapshot.tracks_at(positions) if positions else []
        form = IDENTIFIERS[kind]
        return self._snapshot.rows(
            track["track_id"] for track in tracks if track is not None and form(identifier(track, kind) or "") == value
        )

    def _match(self, rows: Sequence[int] | Rows, by: str, score: float, *, is_one: bool = True) -> Match:
        """Return the match of rows of which the first is meant, if it is one."""
        some = as_rows(rows)
        ids = tuple(self._snapshot.ids(some))
        if not is_one or not ids:
            return Match(candidates=ids, score=score)
        duration = float(self._durations.at(some[:1])[0])
        return Match(ids[0], by, score, ids, None if np.isnan(duration) else duration)

    @cached_property
    def _by_identifier(self) -> Identified:
        return Identified(self._all_tracks())

    # -- names

    def _named(self, wanted: Wanted) -> Match:
        rows = self._rows_of(wanted.forms, wanted)
        chosen = best_of(wanted, self._candidates(rows, wanted))
        if not chosen.is_sure:
            like = self._artists_like(wanted)
            if len(like):
                more = np.union1d(rows, self._by_artist.of(like, _MOST_ROWS))
                chosen = best_of(wanted, self._candidates(as_rows(more), wanted))
        return self._match(chosen.rows, "names", chosen.score, is_one=chosen.is_one)

    def _rows_of(self, artists: Sequence[str], wanted: Wanted) -> Rows:
        """Return the rows of artists of these names, and of titles written as the wanted one is."""
        codes = self._artists.vocabulary.having(*artists).tolist()
        titles = self._titles.vocabulary.codes([wanted.title, wanted.edition.work]).tolist()
        found = self._by_artist.of(codes, _MOST_ROWS), self._by_title.of(dict.fromkeys(titles), _MOST_ROWS)
        return as_rows(np.unique(np.concatenate(found)))

    def _artists_like(self, wanted: Wanted) -> list[int]:
        """Return the codes of artists whose names look like one of the wanted ones."""
        names = wanted.artists[:3]
        codes = dict.fromkeys(chain.from_iterable(self._trigrams.like(name, _LIKE).tolist() for name in names))
        all_names = self._artists.vocabulary.all_names(np.array(list(codes), dtype=np.int64))
        close = {
            form
            for forms in all_names
            for form in forms
            if any(similar(name, other) >= _ALIKE for name in names for other in artists_of(form))
        }
        found: list[int] = self._artists.vocabulary.having(*close).tolist() if close else []
        return found

    def _candidates(self, rows: Rows, wanted: Wanted) -> list[Candidate]:
        """Return the rows whose titles look like the wanted one, with what is compared of them."""
        titles = [title or "" for title in self._titles.names(rows)]
        alike = [at for at, title in enumerate(titles) if may_be(wanted, title)]
        some = rows[alike]
        artists, durations = self._artists.all_names(some), self._durations.at(some).tolist()
        return [
            Candidate(row, titles[at], names, None if np.isnan(duration) or duration <= 0 else duration)
            for at, row, names, duration in zip(alike, some.tolist(), artists, durations, strict=True)
        ]

    @cached_property
    def _by_artist(self) -> RowsByCode:
        return RowsByCode(self._artists.codes, self._live_rows)

    @cached_property
    def _by_title(self) -> RowsByCode:
        return RowsByCode(self._titles.codes, self._live_rows)

    @cached_property
    def _live_rows(self) -> Rows:
        return self._snapshot.live_rows()

    @cached_property
    def _trigrams(self) -> Trigrams:
        return Trigrams(self._artists.vocabulary.strings().encoded)
