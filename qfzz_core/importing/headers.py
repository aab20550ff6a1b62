"""Which column of a file is meant: names that people spell in several ways, and names that stand there twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from attrs import frozen

from qfzz_core.contracts.formats import Header, Row
from qfzz_core.errors import InvalidInput
from qfzz_core.importing.values import shown

_BETWEEN = re.compile(r"[\s_()\-]+")

# Where a file has no column of a field's own name. A title alone would be refused as well as one of another name, so
# these are those that mean nothing else beside an artist; an "id" may be the number of a row.
ALIASES: Mapping[str, Sequence[str]] = {
    "title": ("track_name", "track_title", "song", "song_name", "song_title", "name"),
    "artist": ("artist_name", "artist_name_s", "track_artist"),
    "album": ("album_name", "album_title"),
    "duration": ("length",),
    "duration_ms": ("track_duration_ms", "length_ms"),
    "year": ("release_year", "release_date", "album_release_date", "releasedate"),
    "track_number": ("tracknumber", "track_no", "track_nr"),
    "recording_mbid": ("musicbrainz_recordingid", "musicbrainz_trackid"),
    "release_mbid": ("musicbrainz_albumid", "musicbrainz_releaseid"),
    "artist_mbids": ("musicbrainz_artistid", "artist_mbid"),
}
_DATED = "year"  # a date says more than its year, so its column stays as an extra

_ENTITIES = ("track", "recording", "album", "release", "artist", "albumartist", "releasegroup", "releasetrack", "work")
# Extra keys of one name, whatever the tagger calls the column: Picard and players write "MusicBrainz Track Id" or
# MUSICBRAINZ_TRACKID, beets mb_trackid.
STABLE_NAMES = {
    spelling.format(entity): f"musicbrainz_{entity}id"
    for entity in _ENTITIES
    for spelling in ("musicbrainz_{}id", "musicbrainz_{}_id", "mb_{}id")
} | {
    "musicbrainz_release_group_id": "musicbrainz_releasegroupid",
    "musicbrainz_release_track_id": "musicbrainz_releasetrackid",
    "musicbrainz_album_artist_id": "musicbrainz_albumartistid",
}


class AmbiguousColumnError(InvalidInput):
    """Several columns of a file could be the one that a field is taken from."""


@lru_cache(maxsize=65_536)
def loose(name: str) -> str:
    """Return the form by which names of columns compare: without case; spaces, hyphens and brackets as underscores."""
    return _BETWEEN.sub("_", unicodedata.normalize("NFKC", name).casefold()).strip("_")


@frozen
class Binding:
    """Which columns of a file give fields and extra keys: pairs of a name and a column, without those not there."""

    fields: tuple[tuple[str, str], ...]
    extras: tuple[tuple[str, str], ...]

    def column(self, name: str) -> str | None:
        """Return the column of a field, None if the file has none."""
        return next((column for each, column in self.fields if each == name), None)


def key_of(row: Row) -> Any:
    """Return what rows with the same columns share."""
    return row.header or tuple(row.values)


def bound(
    row: Row,
    columns: Mapping[str, str],
    extras: Mapping[str, str] | None,
    left_out: frozenset[str],
    aliases: Mapping[str, Sequence[str]],
) -> Binding:
    """Return which columns of a row, or of all rows of a table, the wanted ones are.

    A column of exactly the wanted name comes first, then one spelled otherwise, then those of `aliases`. Without
    `extras` every other column is one, except those `left_out`. Raises `AmbiguousColumnError` where several could be
    meant.
    """
    header = row.header or Header(tuple(row.values))
    names = _Names(header, aliases)
    fields = names.found(columns)
    if extras is not None:
        return Binding(fields, names.found(extras))
    taken = left_out.union(column for name, column in fields if name != _DATED or loose(column) == name)
    others = (column for column in header.columns if column not in taken)
    return Binding(fields, tuple((_stable(column, header.columns), column) for column in others))


def has_all(header: Header, columns: Iterable[str]) -> bool:
    """Return whether a header names all these columns, however it spells them."""
    return {_plain(column) for column in columns} <= {_plain(column) for column in header.columns}


class _Names:
    """The columns of a header by what they may be called."""

    def __init__(self, header: Header, aliases: Mapping[str, Sequence[str]]) -> None:
        self._aliases = aliases
        self._exact = frozenset(header.columns)
        self._repeated = frozenset(header.repeated)
        self._loose: dict[str, list[str]] = {}
        for name in (*header.columns, *header.repeated):
            if isinstance(name, str):  # a third-party reader may say anything, which is refused later
                self._loose.setdefault(_plain(name), []).append(name)

    def found(self, wanted: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        pairs = ((name, self._first_of(name, column)) for name, column in wanted.items())
        return tuple((name, column) for name, column in pairs if column is not None)

    def _first_of(self, name: str, wanted: str) -> str | None:
        column = self._column(name, wanted)
        if column is not None:
            return column
        spelled = (each for alias in self._aliases.get(name, ()) for each in self._loose.get(_plain(alias), ()))
        return next((each for each in spelled if each not in self._repeated), None)

    def _column(self, name: str, wanted: str) -> str | None:
        if wanted in self._exact:
            return wanted
        spelled = [wanted] if wanted in self._repeated else self._loose.get(_plain(wanted), [])
        if len(spelled) > 1:
            names = " and ".join(map(shown, spelled))
            raise AmbiguousColumnError(f"the columns {names} could each be {name}: choose with --map {name}=COLUMN")
        if spelled and spelled[0] in self._repeated:
            raise AmbiguousColumnError(
                f"the header names the column {shown(spelled[0])} twice, and {name} is taken from it: "
                f"rename one of them, or choose another column with --map {name}=COLUMN"
            )
        return spelled[0] if spelled else None


def _plain(name: str) -> str:
    """Return the loose form of a column, that of MusicBrainz's as `STABLE_NAMES` has it."""
    form = loose(name)
    return STABLE_NAMES.get(form, form)


def _stable(column: Any, columns: tuple[str, ...]) -> Any:
    stable = STABLE_NAMES.get(loose(column), column) if isinstance(column, str) else column
    return column if stable in columns else stable
