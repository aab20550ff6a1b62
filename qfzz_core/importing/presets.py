"""Mappings of well-known data sets, and what the user says of the columns of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve

from qfzz_core.contracts.formats import Header
from qfzz_core.errors import InvalidInput, TrackError
from qfzz_core.importing.column_types import DECLARED
from qfzz_core.importing.headers import ALIASES, has_all, loose
from qfzz_core.importing.mapping import FIELD_CONVERTERS, FIELDS, STAND_INS, FieldMapping, check_name
from qfzz_core.importing.several import LISTS, SEPARATORS, SEVERAL, Split
from qfzz_core.importing.values import FAST_FROM, SLOW_BELOW, check_number, decimal, shown, whole_number
from qfzz_core.model.tracks import REQUIRED_FIELDS, checked_track

# what Spotify's audio features say of a track
_SHARES = ("danceability", "acousticness", "instrumentalness", "speechiness", "liveness")
_MEASURES = ("loudness", "key", "mode", "time_signature")
_CONVERTERS = {
    **FIELD_CONVERTERS,
    **dict.fromkeys((*_SHARES, "loudness"), decimal),
    **dict.fromkeys(("popularity", "key", "mode", "time_signature"), whole_number),
    "explicit": DECLARED["flag"],
}
_FEATURES = {"energy": "energy", "valence": "valence", "bpm": "tempo", "duration_ms": "duration_ms"}
_JOINS = frozenset({"genre"})


def _spotify_id(text: str) -> str:
    """Return the id in a URI of a track; other URIs, such as those of local files, as they are."""
    return text.removeprefix("spotify:track:")


# what two programs of this name write of a playlist
_EXPORTIFY = {
    "track_id": "Track URI",
    "title": "Track Name",
    "artist": "Artist Name(s)",
    "album": "Album Name",
    "track_number": "Track Number",
    "isrc": "ISRC",
    "year": "Year",
    **_FEATURES,
}
_EXPORTIFY_EXTRAS = {
    **{name: name for name in ("popularity", "explicit", *_SHARES, *_MEASURES)},
    "added_at": "Added At",
}

PRESETS: Mapping[str, FieldMapping] = {
    "spotify": FieldMapping(
        columns={
            "track_id": "track_id",
            "title": "track_name",
            "artist": "track_artist",
            "album": "track_album_name",
            "genre": "playlist_genre",
            "year": "track_album_release_date",
            **_FEATURES,
        },
        extras={
            "subgenre": "playlist_subgenre",
            "popularity": "track_popularity",
            "release_date": "track_album_release_date",
            **{name: name for name in _SHARES[:3]},
        },
        converters=_CONVERTERS,
        missing=frozenset({"", "NA", "\\N"}),
        joins=_JOINS,
    ),
    "spotify-features": FieldMapping(
        columns={
            "track_id": "track_id",
            "title": "track_name",
            "artist": "artists",
            "album": "album_name",
            "genre": "track_genre",
            **_FEATURES,
        },
        extras={name: name for name in ("popularity", "explicit", *_SHARES, *_MEASURES)},
        converters=_CONVERTERS,
        splits={"artist": Split(";")},
        joins=_JOINS,
        aliases={"artist": ("artist_name",), "genre": ("genre",)},
    ),
    "spotify-tracks": FieldMapping(
        columns={
            "track_id": "id",
            "title": "name",
            "artist": "artists",
            "album": "album",
            "genre": "genres",
            "year": "year",
            **_FEATURES,
        },
        extras={
            **{name: name for name in ("popularity", "explicit", *_SHARES, *_MEASURES)},
            "release_date": "release_date",
            "track_number": "track_number",
        },
        converters=_CONVERTERS,
        splits={"artist": LISTS, "genre": LISTS},
        aliases={"genre": ("genre",), "year": ("release_date",)},
    ),
    "exportify": FieldMapping(
        columns={**_EXPORTIFY, "duration_ms": "Track Duration (ms)", "genre": "Artist Genres"},
        extras={**_EXPORTIFY_EXTRAS, "release_date": "Album Release Date", "label": "Label"},
        converters={**_CONVERTERS, "track_id": _spotify_id},
        splits={"genre": Split(","), "artist": Split(",", escape="\\")},
        aliases={"year": ("Album Release Date",)},
    ),
    "exportify-features": FieldMapping(
        columns={**_EXPORTIFY, "duration_ms": "Duration (ms)", "genre": "Genres"},
        extras={**_EXPORTIFY_EXTRAS, "release_date": "Release Date", "label": "Record Label"},
        converters={**_CONVERTERS, "track_id": _spotify_id},
        # names are joined without a blank, and "Tyler, The Creator" is one
        splits={"genre": Split(",;"), "artist": Split(";", pattern=r",(?!\s)")},
        aliases={"track_id": ("Spotify ID",), "year": ("Release Date",)},
    ),
    "itunes-text": FieldMapping(
        columns={**FieldMapping().columns, "title": "Name", "duration": "Time"},
        extras={"bit_rate": "Bit Rate", "comments": "Comments", "plays": "Plays", "added_at": "Date Added"},
        converters={**_CONVERTERS, **dict.fromkeys(("bit_rate", "plays"), whole_number)},
    ),
    "musicbrainz": FieldMapping(
        aliases={
            **ALIASES,
            "artist": (*ALIASES["artist"], "albumartist", "album_artist"),
            "year": (*ALIASES["year"], "date", "originaldate", "original_date"),
            "track_number": (*ALIASES["track_number"], "track"),
            "location": ("path", "filename", "file"),
        },
    ),
}
# The fields whose columns show a preset, where not all that it maps are in every such file.
_SHOWN_BY = {
    "spotify-features": ("track_id", "title", "artist", "genre", *_FEATURES),
    "spotify-tracks": ("track_id", "title", "artist", *_FEATURES),
    "exportify": ("title", "artist", "duration_ms"),
    "exportify-features": ("title", "artist", "duration_ms"),
    "itunes-text": ("title", "artist", "duration", "track_number", "bit_rate"),
    "musicbrainz": ("title", "artist", "recording_mbid"),
}


def preset_of(header: Header, presets: Mapping[str, FieldMapping]) -> str | None:
    """Return the name of the only preset of which a header has all columns; None if it names the fields themselves.

    Identifiers of MusicBrainz show the preset of tags, which maps what the default mapping does, and more.
    """
    names_fields = has_all(header, ("title", "artist"))
    found = [
        name
        for name, preset in presets.items()
        if (name == "musicbrainz" or not names_fields)
        and _shows(header, preset, _SHOWN_BY.get(name, tuple(preset.columns)))
    ]
    return found[0] if len(found) == 1 else None


def _shows(header: Header, preset: FieldMapping, fields: Iterable[str]) -> bool:
    """Return whether a header has a column for each of these fields of a preset, or extras."""
    columns = {**(preset.extras or {}), **preset.columns}
    return all(
        any(has_all(header, [column]) for column in (columns[name], *preset.aliases.get(name, ()))) for name in fields
    )


def presets_like(mapping: FieldMapping) -> dict[str, FieldMapping]:
    """Return all presets with the thresholds, scales and defaults of a mapping, and what it splits and joins."""
    like = {name: getattr(mapping, name) for name in ("slow_below", "fast_from", "scales", "defaults")}
    return {
        name: evolve(
            preset, **like, splits={**preset.splits, **mapping.splits}, joins=preset.joins.union(mapping.joins)
        )
        for name, preset in PRESETS.items()
    }


def mapping_from_options(
    preset: str | None = None,
    pairs: Sequence[str] = (),
    *,
    slow_below: float = SLOW_BELOW,
    fast_from: float = FAST_FROM,
    scales: Sequence[str] = (),
    defaults: Sequence[str] = (),
    splits: Sequence[str] = (),
    joins: Sequence[str] = (),
) -> FieldMapping:
    """Return the mapping of a preset, or the default one, with `FIELD=COLUMN` pairs put over it.

    A pair names a field of `FIELDS` or an extra of the preset. Where a pair takes a stand-in from the column that
    would otherwise be its field ("bpm=tempo"), the field is no longer read from there. `scales` are `FIELD=NUMBER`,
    by which a field or extra is divided, `defaults` are `FIELD=VALUE` for required fields. `splits` are a field that
    may have several names, "genre" or "artist", or `FIELD=CHARACTERS` that separate them; of the fields `joins`, rows
    that repeat a track add names to it.

    Raises `InvalidInput` for an unknown preset, for a pair that is none, names an unknown field or names one again,
    for a value that a field cannot have, and for thresholds that overlap.
    """
    if preset is not None:
        check_name("unknown preset", preset, PRESETS)
    base = FieldMapping() if preset is None else PRESETS[preset]
    extras = base.extras or {}
    given = _parsed_pairs(pairs, "FIELD=COLUMN, such as title=track_name", (*FIELDS, *extras))
    columns = {**base.columns, **{name: column for name, column in given.items() if name in FIELDS}}
    for name, stand_in in STAND_INS.items():
        if stand_in in given and name not in given and loose(columns.get(name, "")) == loose(given[stand_in]):
            del columns[name]
    if base.extras is not None:
        base = evolve(base, extras={name: given.get(name, column) for name, column in extras.items()})
    return evolve(
        base,
        columns=columns,
        slow_below=slow_below,
        fast_from=fast_from,
        scales=_parsed_scales(scales),
        defaults=_parsed_defaults(defaults),
        splits={**base.splits, **_parsed_splits(splits)},
        joins=base.joins.union(joins),
    )


def _parsed_scales(pairs: Iterable[str]) -> dict[str, float]:
    """Return what numbers are divided by; raises `InvalidInput` for no number above 0."""
    scales: dict[str, float] = {}
    for name, text in _parsed_pairs(pairs, "FIELD=NUMBER, such as energy=100").items():
        number = decimal(text)
        if isinstance(number, str) or number <= 0:
            raise InvalidInput(f"the scale of {name} must be a number above 0, got {shown(text)}")
        scales[name] = number
    return scales


# a track of which one field is replaced, so that the check of tracks says what is wrong with a default
_ANY = {**dict.fromkeys(REQUIRED_FIELDS, "x"), "energy": 0.5, "tempo": "slow", "duration": 1}


def _parsed_defaults(pairs: Iterable[str]) -> dict[str, Any]:
    """Return values of required fields; raises `InvalidInput` for a value that the field cannot have."""
    fields = tuple(name for name in REQUIRED_FIELDS if name != "track_id")
    given = _parsed_pairs(pairs, "FIELD=VALUE, such as mood=calm", fields)
    values: dict[str, Any] = {name: _converter(name)(text) for name, text in given.items()}
    for name, value in values.items():
        if name == "energy":
            check_number("the default of energy", value, 1.0)
        try:
            checked_track({**_ANY, name: value})
        except TrackError as error:
            raise InvalidInput(f"as a default, {error.reason}") from None
    return values


def _parsed_splits(given: Iterable[str]) -> dict[str, Split]:
    """Return what separates names; raises `InvalidInput` for a field that has one name."""
    splits: dict[str, Split] = {}
    for text in given:
        name, equals, characters = text.partition("=")
        name = name.strip()
        check_name(f"{shown(text)}: cannot split", name, SEVERAL)
        if name in splits:
            raise InvalidInput(f"{shown(text)}: what separates each {name} is already given")
        if equals and not characters:
            raise InvalidInput(f"{shown(text)} must be FIELD or FIELD=CHARACTERS, such as genre=;")
        splits[name] = Split(characters) if equals else Split(SEPARATORS, featuring=name == "artist")
    return splits


def _converter(name: str) -> Callable[[str], Any]:
    return str.lower if name == "tempo" else FIELD_CONVERTERS.get(name, str)


def _parsed_pairs(pairs: Iterable[str], form: str, known: Sequence[str] | None = None) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in pairs:
        name, column = (part.strip() for part in pair.partition("=")[::2])
        if not name or not column:
            raise InvalidInput(f"{shown(pair)} must be {form}")
        if known is not None:
            check_name(f"{shown(pair)}: unknown field", name, known)
        if name in given:
            raise InvalidInput(f"{shown(pair)}: {name} is already given by column {shown(given[name])}")
        given[name] = column
    return given
