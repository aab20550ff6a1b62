"""Hypothesis strategies for tracks and profiles: valid ones, of every kind that a plugin may meet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.contracts.columns import Column
from qfzz_core.model.names import normalise_genre
from qfzz_core.model.profiles import TEMPO_PREFERENCES, UserProfile
from qfzz_core.model.tracks import FURTHER, REQUIRED_FIELDS, TEMPOS, Track

MOST_TRACKS = 8  # of a drawn catalogue: enough for every kind of neighbour, few enough to read

_SAMPLES = sample_tracks()[:: len(sample_tracks()) // 16]
_SPELLINGS = (str, str.upper, lambda name: name.replace("-", " ").replace(" ", "_"))
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)  # a lone surrogate cannot be stored
_unit = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0))


def _known(field: str) -> SearchStrategy[str]:
    """Return names that many tracks and profiles have in common, in several spellings, and a few that none has."""
    known = sorted({sample[field] for sample in _SAMPLES})
    spelt = st.builds(lambda name, spell: spell(name), st.sampled_from(known), st.sampled_from(_SPELLINGS))
    return st.one_of(st.sampled_from(known), spelt, _text)


_json: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=4,
)
_finite = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-3000, 3000))


def _values(column: Column) -> SearchStrategy[Any]:
    """Return values of a column: usable ones, and ones that count as missing."""
    usable: dict[str, SearchStrategy[Any]] = {
        "category": _text,
        "tags": st.lists(_text, max_size=3),
        "number": _finite,
        "flag": st.booleans(),
        "vector": st.lists(_finite, min_size=column.size or 0, max_size=column.size or 0),
    }
    # 10**400 is a valid int of JSON and too large for a float: `float()` of it raises OverflowError
    return st.one_of(usable[column.kind], st.none(), st.just(10**400), _json)


def tracks(columns: Iterable[Column] = (), **fields: SearchStrategy[Any]) -> SearchStrategy[Track]:
    """Draw valid tracks, of which some values are unknown; those keys of which `columns` are made are there or not,
    with usable values or others.

    `fields` draw the values of further keys, or of documented ones in place of what is drawn otherwise.
    """
    required: dict[str, SearchStrategy[Any]] = {
        "track_id": st.sampled_from([sample["track_id"] for sample in sample_tracks()]),
        "title": _text,
        "artist": _known("artist"),
        "genre": _known("genre") | st.none(),
        "mood": _known("mood") | st.none(),
        "energy": _unit | st.none(),
        "tempo": st.sampled_from((*TEMPOS, None)),
        "duration": st.integers(0, 100_000) | st.none(),
    }
    keys = {column.name if column.source is None else column.source: column for column in columns}
    extra = {
        key: _values(column) for key, column in keys.items() if isinstance(key, str) and key not in REQUIRED_FIELDS
    }
    drawn = {**required, **fields}
    several = {key: st.lists(_known(field), max_size=3) for field, key in FURTHER.items()}
    optional = {**extra, **several}
    return st.fixed_dictionaries(drawn, optional={key: optional[key] for key in optional.keys() - drawn.keys()})


def catalogues(
    track: SearchStrategy[Track] | None = None, *, min_size: int = 0, max_size: int = MOST_TRACKS
) -> SearchStrategy[list[Track]]:
    """Draw lists of tracks, no track_id twice; `track` draws one of them."""
    drawn = tracks() if track is None else track
    return st.lists(drawn, min_size=min_size, max_size=max_size, unique_by=lambda track: track["track_id"])


def _weights(field: str) -> SearchStrategy[dict[str, float]]:
    # Two spellings of one name are one weight: such preferences are refused.
    entries = st.tuples(_known(field).filter(normalise_genre), _unit)
    return st.lists(entries, max_size=6, unique_by=lambda entry: normalise_genre(entry[0])).map(dict)


def preferences() -> SearchStrategy[dict[str, Any]]:
    """Draw preferences, as `recommend` takes them: any of the fields, the ends of their ranges included."""
    fields = {
        "genres": _weights("genre"),
        "artists": _weights("artist"),
        "moods": _weights("mood"),
        "energy_level": _unit,
        "tempo_preference": st.sampled_from(TEMPO_PREFERENCES),
        "discovery_factor": _unit,
    }
    return st.fixed_dictionaries({}, optional=fields)


def plain_values() -> SearchStrategy[Any]:
    """Draw what JSON can say."""
    return _json


def profiles() -> SearchStrategy[UserProfile]:
    """Draw valid profiles of a few users, without history."""
    users = st.sampled_from(["alice", "Zoë", "0"])
    return st.builds(lambda user_id, given: UserProfile(user_id, **given), users, preferences())


def moments() -> SearchStrategy[datetime]:
    """Draw times with a time zone, on both sides of those in any history."""
    return st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
