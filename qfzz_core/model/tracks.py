"""What a track is: the documented fields, their types and ranges, and whatever else an application adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from qfzz_core.errors import TrackError
from qfzz_core.model.plain import NotPlainError, plain, quickly_plain, shown

Track = dict[str, Any]

TEMPOS = ("slow", "medium", "fast")
TEXT_FIELDS = ("track_id", "title", "artist", "genre", "mood")
REQUIRED_FIELDS = (*TEXT_FIELDS, "energy", "tempo", "duration")

_required = itemgetter(*REQUIRED_FIELDS)


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
    try:
        track_id, title, artist, genre, mood, energy, tempo, duration = _required(track)
    except KeyError:
        return None
    if not (
        type(track_id) is type(title) is type(artist) is type(genre) is type(mood) is str
        and type(energy) is float
        and 0.0 <= energy <= 1.0
        and tempo in TEMPOS
        and type(duration) is int
        and duration >= 0
        and track_id.strip()
    ):
        return None
    return quickly_plain(track)


def _closely_checked(track: Any, position: int | None) -> Track:
    if not isinstance(track, Mapping):
        raise TrackError(f"expected a mapping, got {type(track).__name__}", position=position)
    track_id = track.get("track_id")
    shown_id = track_id if isinstance(track_id, str) else None
    for field in REQUIRED_FIELDS:
        problem = _problem(field, track)
        if problem:
            raise TrackError(f"{field} {problem}", position=position, track_id=shown_id, field=field)
    copy = {}
    for key, value in track.items():
        try:
            if not isinstance(key, str):
                raise NotPlainError(f"the key {key!r} is not text")
            copy[plain(key, "the key")] = plain(value, str(key))
        except NotPlainError as error:
            raise TrackError(str(error), position=position, track_id=shown_id, field=str(key)) from None
    return copy


def checked_tracks(tracks: Iterable[Any]) -> Iterator[Track]:
    """Iterate plain deep copies of valid tracks, each track_id once; raises `TrackError` at the first that is not.

    `tracks` is read to its end before the first copy is given, so that a caller's generator does not run in the middle
    of a transaction. The copies are made as they are taken.
    """
    given = tracks if isinstance(tracks, (list, tuple)) else list(tracks)
    seen: set[str] = set()
    for position, track in enumerate(given):
        copy = checked_track(track, position)
        seen.add(copy["track_id"])
        if len(seen) == position:
            raise _repeated(given, position, copy["track_id"])
        yield copy


def _repeated(tracks: Iterable[Any], position: int, track_id: str) -> TrackError:
    first = next(place for place, track in enumerate(tracks) if track["track_id"] == track_id)
    reason = f"track_id is already used at position {first} of this call"
    return TrackError(reason, position=position, track_id=track_id, field="track_id")


def _is_of(*types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types) and not isinstance(value, bool)


_IS_TEXT = (_is_of(str), "must be text, got {}")
# What must hold of the required fields, in this order, and what is wrong if it does not.
_RULES: dict[str, tuple[tuple[Callable[[Any], Any], str], ...]] = {
    **dict.fromkeys(TEXT_FIELDS, (_IS_TEXT,)),
    "track_id": (_IS_TEXT, (lambda value: value.strip(), "must not be blank")),
    "energy": (
        (_is_of(int, float), "must be a number from 0.0 to 1.0, got {}"),
        (lambda value: 0 <= value <= 1, "must be from 0.0 to 1.0, got {}"),
    ),
    "tempo": (_IS_TEXT, (TEMPOS.__contains__, f"must be one of {', '.join(TEMPOS)}, got {{}}")),
    "duration": (
        (_is_of(int), "must be a whole number of seconds, got {}"),
        (lambda value: value >= 0, "must not be negative, got {}"),
    ),
}


def _problem(field: str, track: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a required field, None if nothing is."""
    if field not in track:
        return "is missing"
    value = track[field]
    wrong = next((problem for holds, problem in _RULES[field] if not holds(value)), None)
    return wrong and wrong.format(shown(value))
