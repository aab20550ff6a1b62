"""What a track is: the documented fields, their types and ranges, and whatever else an application adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from operator import itemgetter
from types import NoneType
from typing import Any

from qfzz_core.errors import TrackError, shown
from qfzz_core.model.names import names_in, normalise, normalise_genre, text_of
from qfzz_core.model.plain import (
    NotPlainError,
    mapping_of,
    number_of,
    number_or_nan,
    plain,
    quickly_plain,
    several_of,
    whole_of,
)

Track = dict[str, Any]

TEMPOS = ("slow", "medium", "fast")
TEXT_FIELDS = ("track_id", "title", "artist", "genre", "mood")
REQUIRED_FIELDS = (*TEXT_FIELDS, "energy", "tempo", "duration")
MAY_BE_UNKNOWN = frozenset({"genre", "mood", "energy", "tempo", "duration"})
"""The required fields of which None says that the value is unknown."""
FURTHER = {"genre": "genres", "artist": "artists"}
"""The keys under which a track may list further names, by the field that they stand beside."""
_FURTHER = tuple(FURTHER.values())
_FORMS = {"genre": normalise_genre, "artist": normalise}
_LONGEST_NAME = 60  # characters of an extra key where a message says the place of a value

required = itemgetter(*REQUIRED_FIELDS)
_TYPES: dict[str, tuple[type, ...]] = {"energy": (float, int), "duration": (int,)}
USUAL_TYPES = frozenset(
    product(*((*_TYPES.get(name, (str,)), *[NoneType] * (name in MAY_BE_UNKNOWN)) for name in REQUIRED_FIELDS))
)
"""The types that the required fields of a valid track have, as built-in types."""


def checked_track(track: Any, position: int | None = None) -> Track:
    """Return a plain deep copy of a valid track.

    Raises `TrackError`, which names position, track_id and field, for a missing required field, a wrong type, an
    energy outside [0, 1], an unknown tempo, a negative duration, or an extra value that JSON cannot say.
    """
    quick = _quickly_checked(track) if type(track) is dict else None
    return quick if quick is not None else _closely_checked(track, position)


def _quickly_checked(track: dict[Any, Any]) -> Track | None:
    """Return what `checked_track` returns, None if that takes a closer look.

    Most of an import's time would go into checks, and nearly every value is a short scalar of a built-in type.
    """
    is_plain = is_usual(track) and _are_usual_names(track.get("genres")) and _are_usual_names(track.get("artists"))
    return quickly_plain(track) if is_plain else None


def _are_usual_names(value: Any) -> bool:
    return value is None or (type(value) is list and {str}.issuperset(map(type, value)))


def is_usual(track: Any) -> bool:
    """Return whether the required fields are valid and of built-in types; of others, a closer look decides."""
    try:
        track_id, title, artist, genre, mood, energy, tempo, duration = required(track)
    except (KeyError, TypeError):
        return False
    return (
        type(track_id) is type(title) is type(artist) is str
        and (type(genre) is str or genre is None)
        and (type(mood) is str or mood is None)
        and (energy is None or (type(energy) is float and 0.0 <= energy <= 1.0))
        and (tempo is None or (type(tempo) is str and tempo in TEMPOS))
        and (duration is None or (type(duration) is int and duration >= 0))
        and bool(track_id.strip())
    )


def track_problem(track: Any) -> str | None:
    """Return what is wrong with the required fields of something that a store read, None if nothing is.

    A blank track_id is not: a store keeps what it is given.
    """
    if type(track) is not dict:
        return f"expected an object, got {type(track).__name__}"
    if is_usual(track):
        return None
    named = {**track, "track_id": "t"} if isinstance(track.get("track_id"), str) else track
    problems = ((field, _problem(field, named)) for field in REQUIRED_FIELDS)
    return next((f"{field} {problem}" for field, problem in problems if problem), None)


def names_of(track: Mapping[str, Any], field: str) -> list[str]:
    """Return the names that a track has in a field: the single one, if it is known, and those listed beside it.

    Each is there once, as it is spelt first; blank ones are not.
    """
    single = track[field]
    further = names_in(track.get(FURTHER[field])) if field in FURTHER else None
    names = [] if single is None else [single]
    if not further:
        return names
    spellings: dict[str, str] = {}
    for name in [*names, *further]:
        spellings.setdefault(_FORMS[field](name), name)
    return [name for form, name in spellings.items() if form]


def _closely_checked(track: Any, position: int | None) -> Track:
    given = mapping_of(track)
    if given is None:
        raise TrackError(f"expected a mapping, got {shown(track)}", position=position)
    shown_id = text_of(given.get("track_id"))
    for field in (*REQUIRED_FIELDS, *filter(given.__contains__, _FURTHER)):
        problem = _problem(field, given)
        if problem:
            raise TrackError(f"{field} {problem}", position=position, track_id=shown_id, field=field)
    copy = {}
    for key, value in given.items():
        name = text_of(key)
        try:
            if name is None:
                raise NotPlainError(f"the key {shown(key)} is not text")
            copy[plain(name, f"the key {shown(name)}")] = _kept(name, value)
        except NotPlainError as error:
            field = shown(key) if name is None else name
            raise TrackError(str(error), position=position, track_id=shown_id, field=field) from None
    return copy


def _kept(field: str, value: Any) -> Any:
    """Return a value as it is kept: `energy` may be any number, such as one of NumPy's, several names a tuple."""
    if field in _FURTHER:
        return plain(names_in(value), field)
    is_number = field == "energy" and value is not None and not isinstance(value, int)
    return plain(number_of(value) if is_number else value, field[:_LONGEST_NAME])


def checked_tracks(tracks: Iterable[Any]) -> Iterator[Track]:
    """Iterate plain deep copies of valid tracks, each track_id once; raises `TrackError` at the first that is not.

    `tracks` is read to its end before the first copy is given, so that a caller's generator does not run in the middle
    of a transaction. The copies are made as they are taken.
    """
    given = tracks if type(tracks) in (list, tuple) else several_of(tracks)
    if given is None:
        raise TrackError(f"tracks must be a list of dictionaries, got {shown(tracks)}")
    positions: dict[str, int] = {}
    for position, track in enumerate(given):
        copy = checked_track(track, position)
        track_id = copy["track_id"]
        first = positions.setdefault(track_id, position)
        if first != position:
            reason = f"track_id is already used at position {first} of this call"
            raise TrackError(reason, position=position, track_id=track_id, field="track_id")
        yield copy


_IS_TEXT = (lambda value: text_of(value) is not None, "must be text, got {}")
_ARE_NAMES = (
    lambda value: value is None or names_in(value) is not None,
    'must be a list of names, such as ["one", "another"], or None, got {}',
)
# What must hold of the documented fields, in this order, and what is wrong if it does not.
_RULES: dict[str, tuple[tuple[Callable[[Any], Any], str], ...]] = {
    **dict.fromkeys(TEXT_FIELDS, (_IS_TEXT,)),
    "track_id": (_IS_TEXT, (str.strip, "must not be blank")),
    "energy": (
        (lambda value: number_of(value) is not None, "must be a number from 0.0 to 1.0, got {}"),
        (lambda value: 0 <= number_or_nan(value) <= 1, "must be from 0.0 to 1.0, got {}"),
    ),
    "tempo": (_IS_TEXT, (lambda value: text_of(value) in TEMPOS, f"must be one of {', '.join(TEMPOS)}, got {{}}")),
    "duration": (
        (lambda value: whole_of(value) is not None, "must be a whole number of seconds, got {}"),
        (lambda value: (whole_of(value) or 0) >= 0, "must not be negative, got {}"),
    ),
    **dict.fromkeys(_FURTHER, (_ARE_NAMES,)),
}


def _problem(field: str, track: Mapping[Any, Any]) -> str | None:
    """Return what is wrong with a documented field, None if nothing is."""
    if field not in track:
        return "is missing"
    value = track[field]
    if value is None and field in MAY_BE_UNKNOWN:
        return None
    wrong = next((problem for holds, problem in _RULES[field] if not holds(value)), None)
    return wrong and wrong.format(shown(value))
