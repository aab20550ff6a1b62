"""Which column of a file gives which field of a track: by its own name, by a preset, by what the user says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from math import isnan
from typing import Any

from attrs import Factory, define, evolve, field, frozen

from qfzz_core.contracts.formats import Header, Row
from qfzz_core.errors import InvalidInput, did_you_mean
from qfzz_core.importing.column_types import DECLARED, is_usable
from qfzz_core.importing.headers import ALIASES, Binding, bound, key_of, loose
from qfzz_core.importing.several import LISTS, NORMAL, SEVERAL, UNSPLIT, Split, looks_several, names_of, unique
from qfzz_core.importing.values import (
    FAST_FROM,
    SLOW_BELOW,
    check_share,
    check_thresholds,
    counted,
    decimal,
    mbids,
    mood_from,
    names_nothing,
    says_nothing,
    seconds,
    seconds_from_ms,
    shown,
    tempo_from_bpm,
    whole_number,
    with_point,
    year_of,
)
from qfzz_core.model.names import normalise
from qfzz_core.model.tracks import MAY_BE_UNKNOWN, REQUIRED_FIELDS, TEMPOS, Track

Converter = Callable[[str], Any]

# what a row may give instead of a documented field
STAND_INS = {"mood": "valence", "tempo": "bpm", "duration": "duration_ms"}
# in the order in which a track shows them
FIELDS = (
    *(*REQUIRED_FIELDS[:3], "album", *REQUIRED_FIELDS[3:], "content_id", "creator_id", *STAND_INS.values()),
    *(*SEVERAL.values(), "year", "track_number", "isrc", "recording_mbid", "release_mbid", "artist_mbids", "location"),
)

FIELD_CONVERTERS: Mapping[str, Converter] = {
    **dict.fromkeys(("energy", *STAND_INS.values()), decimal),
    "duration": seconds,
    "year": year_of,
    "track_number": counted,
    "artist_mbids": mbids,
}

# numbers of which a table with semicolons or tabs may write 0,5
_NUMERIC = frozenset({decimal, whole_number, seconds})

_NULL = "\\N"
_BINDINGS = 64  # key sets of rows that name their own columns; a JSON file has a few
# the id last: it is made of the others where there is none
_NEEDED = ("title", "artist", "track_id")
UNKNOWN = tuple(name for name in REQUIRED_FIELDS if name in MAY_BE_UNKNOWN)


@define
class Counts:
    """What a mapping did beyond taking values as they are.

    Ids made, defaults used and extra values of a wrong kind; of genre and artist, values that became several names, and
    pairs of a field and what seems to separate several names in a value of it.
    """

    made_ids: int = 0
    defaults: Counter[str] = Factory(Counter)
    unusable: Counter[str] = Factory(Counter)
    split: Counter[str] = Factory(Counter)
    several: Counter[tuple[str, str]] = Factory(Counter)


@frozen
class FieldMapping:
    """How a row becomes a track: made without arguments, columns named like fields are taken as they are.

    - `columns`: a field of `FIELDS` -> its column, which is found however the file spells it: case, spaces, underscores
      and hyphens do not matter. Beside a track's own fields, `bpm` gives the tempo of a row that says none, `valence`
      (with the energy) its mood, `duration_ms` its duration, the first of `genres` its genre and the first of
      `artists` its artist. All of them but `duration_ms` stay as extras.
    - `extras`: an extra key of the track -> its column; None keeps every other column under its own name.
    - `converters`: a field or extra -> what makes a value of its text. Only rows of text are converted. Text that is
      no number stays as it is: an extra may hold anything, while a field then makes the row a bad one.
    - `missing`: strings that mean no value, blanks around them aside; an empty one, and `\\N` of databases, do so only
      in rows of text. Of a genre, a mood and a number there, N/A and the like do.
    - `slow_below`, `fast_from`: where the tempo changes, in beats per minute.
    - `scales`: a field or extra -> what its numbers are divided by.
    - `defaults`: a required field -> its value in rows that have none.
    - `splits`: "genre" or "artist" -> what separates several names in its text. Lists are several names anyway.
    - `joins`: "genre" or "artist", of which rows that repeat an id, title and artist add names to the first.
    - `aliases`: a field or extra -> columns that give it where the file has not the one it is mapped to, in this order.
    - `declared`: an extra -> the kind of the column that is made of it.

    Raises `InvalidInput` for an unknown field and for thresholds that overlap.
    """

    columns: Mapping[str, str] = Factory(lambda: dict(zip(FIELDS, FIELDS, strict=True)))
    extras: Mapping[str, str] | None = None
    converters: Mapping[str, Converter] = field(default=FIELD_CONVERTERS, repr=False)
    missing: frozenset[str] = frozenset({"", _NULL})
    slow_below: float = SLOW_BELOW
    fast_from: float = FAST_FROM
    scales: Mapping[str, float] = field(factory=dict, repr=False)
    defaults: Mapping[str, Any] = field(factory=dict, repr=False)
    splits: Mapping[str, Split] = field(factory=dict, repr=False)
    joins: frozenset[str] = frozenset()
    aliases: Mapping[str, Sequence[str]] = field(default=ALIASES, repr=False)
    declared: Mapping[str, str] = field(factory=dict, repr=False)
    _taken: frozenset[str] = field(init=False, repr=False, eq=False)
    _kinds: tuple[tuple[str, str], ...] = field(init=False, repr=False, eq=False)
    _bindings: dict[Any, Binding] = field(init=False, repr=False, eq=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        for name in self.columns:
            check_name("unknown field", name, FIELDS)
        check_thresholds(self.slow_below, self.fast_from)

    @_taken.default
    def _names_and_columns(self) -> frozenset[str]:
        return frozenset(self.columns) | frozenset(self.columns.values())

    @_kinds.default
    def _kinds_of_extras(self) -> tuple[tuple[str, str], ...]:
        return tuple((key, kind) for key, kind in self.declared.items() if key not in REQUIRED_FIELDS)

    def binding(self, row: Row) -> Binding:
        """Return which columns of a row are which fields and extras; raises `AmbiguousColumnError`."""
        key = key_of(row)
        found = self._bindings.get(key)
        if found is None:
            if len(self._bindings) >= _BINDINGS:
                self._bindings.clear()
            found = self._bindings[key] = bound(row, self.columns, self.extras, self._taken, self.aliases)
        return found

    def text_extras(self, header: Header) -> dict[str, str]:
        """Return the columns of the extras of a table of which no one has said what they hold; by extra."""
        extras = self.binding(Row(1, header=header)).extras
        known = self.converters.keys() | self.declared.keys()
        return {key: column for key, column in extras if self.extras is None and key not in known}

    def converting(self, converters: Mapping[str, Converter]) -> FieldMapping:
        """Return this mapping with further converters, and those of the declared columns."""
        declared = {key: DECLARED[kind] for key, kind in self.declared.items()}
        return evolve(self, converters={**declared, **self.converters, **converters})

    def track(self, row: Row, counts: Counts | None = None) -> Track:
        """Return the track of a row, with its numbers in range; what was made up is counted.

        What a row does not say is None if it may be unknown. Raises `InvalidInput` with the reason where the row gives
        no track. What else a track must be is for `checked_track` to say.
        """
        counts = Counts() if counts is None else counts
        binding = self.binding(row)
        found = self._found(binding.fields, row)
        if type(found.get("year")) is str and loose(binding.column("year") or "") != "year":
            del found["year"]  # of a date that does not begin with it, and stays as an extra
        if not row.typed:
            _leave_out_nothing(found)
        self._name(found, counts)
        self._derive(found)
        if "track_id" not in found and binding.column("track_id") is None and "track_id" in self.columns:
            found = _with_id(found, counts)
        elif type(found.get("track_id")) is int:
            found["track_id"] = str(found["track_id"])
        self._fill(found, counts)
        for name in _NEEDED:
            if found.get(name) is None:
                raise InvalidInput(f"{name} is missing{self._why_missing(name, row)}")
        _check_numbers(found)
        for key in UNKNOWN:
            if key not in found:
                found[key] = None
        for key, value in self._found(binding.extras, row).items():
            found.setdefault(key, value)
        if self._kinds and not row.typed:
            counts.unusable.update(key for key, kind in self._kinds if key in found and not is_usable(found[key], kind))
        return found

    def _found(self, columns: Iterable[tuple[str, str]], row: Row) -> dict[str, Any]:
        """Return the values of a row by name, without those that stand for no value."""
        values, missing, converters = row.values, self.missing, self.converters
        if row.typed:
            missing, converters = missing - {"", _NULL}, {}
        comma = row.header is not None and row.header.decimal_comma
        found = {}
        for name, column in columns:
            value = values[column]
            if isinstance(value, str):
                if value.strip() in missing:
                    continue
                convert = converters.get(name)
                if convert is not None:
                    value = convert(with_point(value) if comma and convert in _NUMERIC else value)
                    if type(value) is str and convert in _NUMERIC and says_nothing(value):
                        continue
            if type(value) is float and isnan(value):
                continue
            found[name] = value
        for name in self.scales.keys() & found.keys():
            found[name] = _scaled(found[name], self.scales[name])
        return found

    def _name(self, found: dict[str, Any], counts: Counts) -> None:
        """Take genre and artist from several names, and several names from genre and artist."""
        for name, all_names in SEVERAL.items():
            value, others, split = found.get(name), found.get(all_names), self.splits.get(name)
            if split is None and isinstance(value, str):
                if separator := looks_several(name, value):
                    counts.several[name, separator] += 1
                if others is None:
                    continue
            first, further = _names(value, split or UNSPLIT), _names(others, split or LISTS)
            if first is None or further is None:
                continue  # the check of tracks says what is wrong
            if first == [value] and others is not None:
                found[all_names] = further  # as it was written, the first name in whatever place
                continue
            names = unique(first + further, NORMAL[name])
            found.pop(all_names, None)
            found[name] = names[0] if names else None
            if len(names) > 1:
                found[all_names] = names
                counts.split[name] += 1
            elif others is not None and not further:
                found[all_names] = []

    def _derive(self, found: dict[str, Any]) -> None:
        """Fill in tempo, mood and duration where the row gives only what stands in for them."""
        if (tempo := found.get("tempo")) is not None and tempo not in TEMPOS:
            self._read_tempo(found, tempo)
        if _needs("tempo", found):
            found["tempo"] = tempo_from_bpm(found["bpm"], self.slow_below, self.fast_from)
        if _needs("mood", found) and found.get("energy") is not None:
            found["mood"] = mood_from(found["valence"], found["energy"])
        if _needs("duration", found):
            found["duration"] = seconds_from_ms(found.pop("duration_ms"))

    def _read_tempo(self, found: dict[str, Any], tempo: Any) -> None:
        """Take a tempo for a word in whatever case, or for beats per minute."""
        said = decimal(with_point(tempo)) if isinstance(tempo, str) else tempo
        if isinstance(said, str):
            word = said.strip().lower()
            found["tempo"] = word if word in TEMPOS else None if says_nothing(word) else tempo
        elif not isinstance(said, bool) and isinstance(said, int | float):
            found["tempo"] = tempo_from_bpm(said, self.slow_below, self.fast_from)
            found.setdefault("bpm", said)

    def _fill(self, found: dict[str, Any], counts: Counts) -> None:
        for name, value in self.defaults.items():
            if found.get(name) is None:
                found[name] = value
                counts.defaults[name] += 1

    def _why_missing(self, name: str, row: Row) -> str:
        sources = [source for source in (name, STAND_INS.get(name, "")) if source in self.columns]
        for source in sources:
            column = self.binding(row).column(source)
            if column is not None:
                instead = "" if source == name else f" for {source}"
                return f" ({shown(row.values[column])}{instead})"
        columns = " or ".join(shown(self.columns[source]) for source in sources)
        return f" (no column {columns})" if columns else " (no column is mapped to it)"


def _names(value: Any, split: Split) -> list[str] | None:
    """Return the names that a value has, none if there is no value; None if it is nothing of which names could be."""
    if value is None:
        return []
    if isinstance(value, str):
        return split.names(value)
    return names_of(value)


def _leave_out_nothing(found: dict[str, Any]) -> None:
    """Take what programs write where there is no name for no name."""
    for name in ("genre", "mood"):
        if isinstance(value := found.get(name), str) and names_nothing(value):
            del found[name]


def _check_numbers(found: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` with a hint for an energy or a duration that is there and cannot be one."""
    if found.get("energy") is not None:
        check_share("energy", found["energy"])
    if isinstance(duration := found.get("duration"), str):
        raise InvalidInput(f"duration must be a number of seconds or a time such as 3:45, got {shown(duration)}")


def _scaled(value: Any, scale: float) -> Any:
    return value / scale if isinstance(value, int | float) and not isinstance(value, bool) else value


def _with_id(found: dict[str, Any], counts: Counts) -> dict[str, Any]:
    """Return the fields of a row with an id made of its artist and title, if it has both."""
    artist, title = found.get("artist"), found.get("title")
    if not isinstance(artist, str) or not isinstance(title, str):
        return found
    counts.made_ids += 1
    return {"track_id": made_id(artist, title), **found}


def made_id(artist: str, title: str) -> str:
    """Return the id of a track that has none: `made-` and 128 bits of SHA-256 of the normal forms, so the same always.

    Names that differ in case alone, or in how Unicode writes them, are one track.
    """
    content = f"{normalise(artist)}\0{normalise(title)}".encode(errors="surrogatepass")
    return f"made-{sha256(content).hexdigest()[:32]}"


def _needs(name: str, found: Mapping[str, Any]) -> bool:
    """Return whether a field has to come from what stands in for it, and can."""
    return found.get(name) is None and found.get(STAND_INS[name]) is not None


def check_name(problem: str, name: str, known: Collection[str]) -> None:
    """Raise `InvalidInput` with the problem and the nearest known name unless the name is a known one."""
    if name not in known:
        hint = did_you_mean(name, known) or f"; known: {', '.join(known)}"
        raise InvalidInput(f"{problem} {shown(name)}{hint}")
