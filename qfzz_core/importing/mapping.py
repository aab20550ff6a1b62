"""Which column of a file gives which field of a track: by its own name, by a preset, by what the user says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import Factory, evolve, field, frozen

from qfzz_core.contracts.formats import Row
from qfzz_core.errors import InvalidInput, did_you_mean
from qfzz_core.importing.values import (
    FAST_FROM,
    SLOW_BELOW,
    check_number,
    check_thresholds,
    decimal,
    mood_from,
    seconds_from_ms,
    shown,
    tempo_from_bpm,
    whole_number,
)
from qfzz_core.model.tracks import REQUIRED_FIELDS, Track

Converter = Callable[[str], Any]

# what a row may give instead of a documented field
STAND_INS = {"mood": "valence", "tempo": "bpm", "duration": "duration_ms"}
# in the order in which a track shows them
FIELDS = (*REQUIRED_FIELDS[:3], "album", *REQUIRED_FIELDS[3:], "content_id", "creator_id", *STAND_INS.values())

FIELD_CONVERTERS: Mapping[str, Converter] = {
    **dict.fromkeys(("energy", *STAND_INS.values()), decimal),
    "duration": whole_number,
}

_ABSENT = object()
# energy before mood, which may be derived from it: a row with a valence and no energy would be refused for its mood
_REQUIRED = tuple(sorted(REQUIRED_FIELDS, key=lambda name: name == "mood"))


@frozen
class FieldMapping:
    """How a row becomes a track: made without arguments, columns named like fields are taken as they are.

    - `columns`: a field of `FIELDS` -> its column. Beside a track's own fields, `bpm` gives the tempo of a row that
      says none, `valence` (with the energy) its mood, `duration_ms` its duration. `bpm` and `valence` stay as extras.
    - `extras`: an extra key of the track -> its column; None keeps every other column under its own name.
    - `converters`: a field or extra -> what makes a value of its text. Only rows of text are converted. Text that is
      no number stays as it is: an extra may hold anything, while a field then makes the row a bad one.
    - `missing`: strings that mean no value, blanks around them aside; an empty one does so only in rows of text.
    - `slow_below`, `fast_from`: where the tempo changes, in beats per minute.

    Raises `InvalidInput` for an unknown field and for thresholds that overlap.
    """

    columns: Mapping[str, str] = Factory(lambda: dict(zip(FIELDS, FIELDS, strict=True)))
    extras: Mapping[str, str] | None = None
    converters: Mapping[str, Converter] = field(default=FIELD_CONVERTERS, repr=False)
    missing: frozenset[str] = frozenset({""})
    slow_below: float = SLOW_BELOW
    fast_from: float = FAST_FROM
    _taken: frozenset[str] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for name in self.columns:
            _check_name("unknown field", name, FIELDS)
        check_thresholds(self.slow_below, self.fast_from)

    @_taken.default
    def _names_and_columns(self) -> frozenset[str]:
        return frozenset(self.columns) | frozenset(self.columns.values())

    def track(self, row: Row) -> Track:
        """Return the track of a row, with all required fields and its numbers in range.

        Raises `InvalidInput` with the reason where the row gives none. What else a track must be is for
        `checked_track` to say.
        """
        found = self._found(self.columns.items(), row)
        self._derive(found)
        for name in _REQUIRED:
            if found.get(name) is None:
                raise InvalidInput(f"{name} is missing{self._why_missing(name, row)}")
        check_number("energy", found["energy"], 1.0)
        if isinstance(found["duration"], str):
            raise InvalidInput(f"duration must be a whole number of seconds, got {shown(found['duration'])}")
        for key, value in self._found(self._extra_columns(row), row).items():
            found.setdefault(key, value)
        return found

    def _found(self, columns: Iterable[tuple[str, str]], row: Row) -> dict[str, Any]:
        """Return the values of a row by name, without those that are absent or stand for no value."""
        missing = self.missing - {""} if row.typed else self.missing
        found = {}
        for name, column in columns:
            value = row.values.get(column, _ABSENT)
            if value is _ABSENT or (isinstance(value, str) and value.strip() in missing):
                continue
            convert = None if row.typed else self.converters.get(name)
            found[name] = convert(value) if convert and isinstance(value, str) else value
        return found

    def _extra_columns(self, row: Row) -> Iterable[tuple[str, str]]:
        if self.extras is not None:
            return self.extras.items()
        return ((column, column) for column in row.values if column not in self._taken)

    def _derive(self, found: dict[str, Any]) -> None:
        """Fill in tempo, mood and duration where the row gives only what stands in for them."""
        if _needs("tempo", found):
            found["tempo"] = tempo_from_bpm(found["bpm"], self.slow_below, self.fast_from)
        if _needs("mood", found) and found.get("energy") is not None:
            found["mood"] = mood_from(found["valence"], found["energy"])
        if _needs("duration", found):
            found["duration"] = seconds_from_ms(found.pop("duration_ms"))

    def _why_missing(self, name: str, row: Row) -> str:
        sources = [source for source in (name, STAND_INS.get(name, "")) if source in self.columns]
        for source in sources:
            if self.columns[source] in row.values:
                instead = "" if source == name else f" for {source}"
                return f" ({shown(row.values[self.columns[source]])}{instead})"
        columns = " or ".join(shown(self.columns[source]) for source in sources)
        return f" (no column {columns})" if columns else " (no column is mapped to it)"


def _needs(name: str, found: Mapping[str, Any]) -> bool:
    """Return whether a field has to come from what stands in for it, and can."""
    return found.get(name) is None and found.get(STAND_INS[name]) is not None


def _check_name(problem: str, name: str, known: Collection[str]) -> None:
    """Raise `InvalidInput` with the problem and the nearest known name unless the name is a known one."""
    if name not in known:
        hint = did_you_mean(name, known) or f"; known: {', '.join(known)}"
        raise InvalidInput(f"{problem} {shown(name)}{hint}")


_SPOTIFY_SHARES = ("danceability", "acousticness", "instrumentalness")

PRESETS: Mapping[str, FieldMapping] = {
    "spotify": FieldMapping(
        columns={
            "track_id": "track_id",
            "title": "track_name",
            "artist": "track_artist",
            "album": "track_album_name",
            "genre": "playlist_genre",
            "energy": "energy",
            "valence": "valence",
            "bpm": "tempo",
            "duration_ms": "duration_ms",
        },
        extras={
            "subgenre": "playlist_subgenre",
            "popularity": "track_popularity",
            "release_date": "track_album_release_date",
            **{name: name for name in _SPOTIFY_SHARES},
        },
        converters={**FIELD_CONVERTERS, **dict.fromkeys(_SPOTIFY_SHARES, decimal), "popularity": whole_number},
        missing=frozenset({"", "NA"}),
    ),
}


def mapping_from_options(
    preset: str | None = None,
    pairs: Sequence[str] = (),
    *,
    slow_below: float = SLOW_BELOW,
    fast_from: float = FAST_FROM,
) -> FieldMapping:
    """Return the mapping of a preset, or the default one, with `FIELD=COLUMN` pairs put over it.

    A pair names a field of `FIELDS` or an extra of the preset. Where a pair takes a stand-in from the column that
    would otherwise be its field ("bpm=tempo"), the field is no longer read from there.

    Raises `InvalidInput` for an unknown preset, for a pair that is none, names an unknown field or names one again,
    and for thresholds that overlap.
    """
    if preset is not None:
        _check_name("unknown preset", preset, PRESETS)
    base = FieldMapping() if preset is None else PRESETS[preset]
    extras = base.extras or {}
    given = _parsed_pairs(pairs, (*FIELDS, *extras))
    columns = {**base.columns, **{name: column for name, column in given.items() if name in FIELDS}}
    for name, stand_in in STAND_INS.items():
        if stand_in in given and name not in given and columns.get(name) == given[stand_in]:
            del columns[name]
    if base.extras is not None:
        base = evolve(base, extras={name: given.get(name, column) for name, column in extras.items()})
    return evolve(base, columns=columns, slow_below=slow_below, fast_from=fast_from)


def _parsed_pairs(pairs: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in pairs:
        name, column = (part.strip() for part in pair.partition("=")[::2])
        if not name or not column:
            raise InvalidInput(f"{shown(pair)} must be FIELD=COLUMN, such as title=track_name")
        _check_name(f"{shown(pair)}: unknown field", name, known)
        if name in given:
            raise InvalidInput(f"{shown(pair)}: {name} is already given by column {shown(given[name])}")
        given[name] = column
    return given
