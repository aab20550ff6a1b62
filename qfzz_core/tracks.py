"""What a track is: the documented fields, their types and ranges, and whatever else an application adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qfzz_core.errors import TrackError
from qfzz_core.names import normalise
from qfzz_core.plain import NotPlainError, plain, shown

Track = dict[str, Any]

TEMPOS = ("slow", "medium", "fast")
TEXT_FIELDS = ("track_id", "title", "artist", "genre", "mood")
REQUIRED_FIELDS = (*TEXT_FIELDS, "energy", "tempo", "duration")


def checked_track(track: Any, position: int | None = None) -> Track:
    """Return a plain deep copy of a valid track.

    Raises `TrackError`, which names position, track_id and field, for a missing required field, a wrong type, an
    energy outside [0, 1], an unknown tempo, a negative duration, or an extra value that JSON cannot say.
    """
    if not isinstance(track, Mapping):
        raise TrackError(f"expected a mapping, got {type(track).__name__}", position=position)
    track_id = track.get("track_id")
    shown_id = track_id if isinstance(track_id, str) else None
    for field in REQUIRED_FIELDS:
        problem = _problem(field, track)
        if problem:
            raise TrackError(f"{field} {problem}", position=position, track_id=shown_id, field=field)
    return _plain_track(track, position, shown_id)


def _plain_track(track: Mapping[str, Any], position: int | None, track_id: str | None) -> Track:
    copy = {}
    for key, value in track.items():
        try:
            copy[plain(key, "the key") if isinstance(key, str) else _refuse_key(key)] = plain(value, str(key))
        except NotPlainError as error:
            raise TrackError(str(error), position=position, track_id=track_id, field=str(key)) from None
    return copy


def _refuse_key(key: object) -> str:
    raise NotPlainError(f"the key {key!r} is not text")


def checked_tracks(tracks: Iterable[Any]) -> list[Track]:
    """Return plain deep copies of valid tracks, each track_id once; raises `TrackError` for the first that is not."""
    checked: list[Track] = []
    first_at: dict[str, int] = {}
    for position, track in enumerate(tracks):
        copy = checked_track(track, position)
        first = first_at.setdefault(copy["track_id"], position)
        if first != position:
            raise TrackError(
                f"track_id is already used at position {first} of this call",
                position=position,
                track_id=copy["track_id"],
                field="track_id",
            )
        checked.append(copy)
    return checked


def _problem(field: str, track: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a required field, None if nothing is."""
    if field not in track:
        return "is missing"
    value = track[field]
    if field == "energy":
        return _energy_problem(value)
    if field == "duration":
        return _duration_problem(value)
    return _text_problem(field, value)


def _text_problem(field: str, value: Any) -> str | None:
    if not isinstance(value, str):
        return f"must be text, got {value!r}"
    if field == "tempo" and value not in TEMPOS:
        return f"must be one of {', '.join(TEMPOS)}, got {value!r}"
    return "must not be blank" if field == "track_id" and not value.strip() else None


def _energy_problem(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"must be a number from 0.0 to 1.0, got {value!r}"
    if not 0 <= value <= 1:
        return f"must be from 0.0 to 1.0, got {shown(value)}"
    return None


def _duration_problem(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"must be a whole number of seconds, got {value!r}"
    if value < 0:
        return f"must not be negative, got {shown(value)}"
    return None


def publisher(creator_id: object, artist: str) -> str:
    """Return the key of who published a track: its creator, compared exactly, or without one its artist.

    The prefix keeps a creator and an artist of the same name apart.
    """
    if isinstance(creator_id, str) and creator_id.strip():
        return f"creator:{creator_id}"
    return f"artist:{normalise(artist)}"


def publisher_of(track: Mapping[str, Any]) -> str:
    """Return the `publisher` key of a track."""
    return publisher(track.get("creator_id"), track["artist"])
