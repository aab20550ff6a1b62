"""Reading back what a store holds: a row that is not as it was written is a `StoreCorruptError` with table and key.

A backend gives rows as it finds them. What cannot be text any more, because it is no UTF-8, it gives as bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, TypeVar, get_args

import attrs

from qfzz_core.errors import InvalidInput, StoreCorruptError
from qfzz_core.model.events import (
    Change,
    Event,
    EventKind,
    Features,
    Interaction,
    decode_event,
    encode_event,
    renewed_publisher,
)
from qfzz_core.model.json_codec import decoded, decoded_all, encoded
from qfzz_core.model.profiles import TEMPO_PREFERENCES, ProfileSnapshot, checked_change
from qfzz_core.model.tracks import USUAL_TYPES, Track, is_usual, required, track_problem
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.normal_forms import renewed_weights
from qfzz_core.storage.records import SCALARS, Name, UserRow, Weight

Row = tuple[Any, ...]
Key = TypeVar("Key")
Read = TypeVar("Read")

ADVICE = ": run `qfzz store check`, which finds all that is damaged, then write it again or restore a backup"
_LONGEST = 200  # characters of what is wrong, which may quote a text of any length
_KINDS = frozenset(get_args(EventKind))
_NUMBERS = (float, int)

# What decoding and looking at the shape of damaged data raises.
WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


@attrs.frozen
class Decoding:
    """Reads back the rows of one store; `place` names it in errors."""

    place: str

    def damage(self, table: str, key: str, problem: object) -> StoreCorruptError:
        """Return the error for a row."""
        return StoreCorruptError(f"{self.place}: table {table}, {_short(key)}: {_short(str(problem))}{ADVICE}")

    def read(self, table: str, key: str, read: Callable[[], Read]) -> Read:
        """Return what `read` returns; what it raises is what is wrong with the row."""
        try:
            return read()
        except WRONG as error:
            raise self.damage(table, key, _described(error)) from error

    # -- tracks

    def track(self, key: str, value: Any, body: Any) -> Track:
        """Return the track of a body; `value` in the column `key` finds its row."""
        try:
            track: Track = decoded(body)
            if not _has_usual_types(track) or not 0.0 <= (track["energy"] or 0.0) <= 1.0:
                refuse_wrong_track(track)
            if key == "track_id" and track["track_id"] != value:
                raise ValueError(f"body is that of the track {track['track_id']!r}")
        except WRONG as error:
            raise self.damage("tracks", f"{key} {value!r}", _described(error)) from error
        return track

    def tracks(self, key: str, rows: Sequence[tuple[Key, Any]]) -> list[tuple[Key, Track]]:
        """Return the tracks of rows of a key and a body.

        They are decoded in one go, and only looked at for a usable track_id, which takes a twentieth of that; what is
        wrong otherwise is found by `damaged_rows`.
        """
        try:
            tracks = decoded_all([body for _, body in rows])
            "".join([track["track_id"] for track in tracks]).encode()  # of text, all of them, without lone surrogates
            return list(zip([value for value, _ in rows], tracks, strict=True))
        except WRONG:
            return [(value, self.track(key, value, body)) for value, body in rows]

    def whole_tracks(self, key: str, rows: Sequence[tuple[Key, Any]]) -> list[tuple[Key, Track]]:
        """Return the tracks of rows of a key and a body, of which each has all that a track has."""
        found = self.tracks(key, rows)
        if all(is_usual(track) for _, track in found):
            return found
        return [(value, self.track(key, value, body)) for value, body in rows]

    def tracks_at(self, positions: Sequence[int], bodies: Mapping[int, Any]) -> list[Track | None]:
        """Return a track of its own for each position, None where there is no body.

        Plugins see them, and one that is damaged would be taken for a plugin's fault: each is whole.
        """
        rows = [(position, bodies[position]) for position in positions if position in bodies]
        tracks = iter(self.whole_tracks("position", rows))
        return [next(tracks)[1] if position in bodies else None for position in positions]

    def token(self, counter: Any, token: Any) -> str:
        """Return the token of a commit of the catalogue."""
        if type(token) is not str or type(counter) is not int:
            raise self.damage("commits", f"counter {counter!r}", "its token is no text")
        return token

    # -- users

    def user_id(self, value: Any) -> str:
        """Return the id of a user."""
        if type(value) is not str:
            raise self.damage("users", f"user_id {value!r}", "user_id is no text")
        return value

    def user(self, row: Row) -> UserRow:
        """Return the user of a row: id, serial, revision and the `SCALARS`."""
        try:
            return _user(row)
        except WRONG as error:
            raise self.damage("users", f"user_id {row[0]!r}", _described(error)) from error

    def snapshot(self, user: UserRow, rows: Iterable[tuple[Any, Any, Any]]) -> ProfileSnapshot:
        """Return the profile of a user with these weights: field, spelling and weight, in order."""
        fields: dict[str, dict[str, float]] = {field: {} for field in WEIGHT_FIELDS}
        try:
            for field, name, weight in rows:
                if type(name) is not str or not 0.0 <= weight <= 1.0:
                    raise self.wrong_weight(user.user_id, field, name, weight)
                fields[field][name] = weight
        except (KeyError, TypeError):
            raise self.wrong_weight(user.user_id, field, name, weight) from None
        return user.snapshot_with(fields)

    def weights(self, user_id: str, rows: Iterable[Row]) -> list[tuple[Name, Weight]]:
        """Return the weights of a user by name, of rows of field, normal form, spelling and weight."""
        found = []
        for field, same, name, weight in rows:
            if type(weight) not in _NUMBERS or not 0.0 <= weight <= 1.0 or type(name) is not str:
                raise self.wrong_weight(user_id, field, name, weight)
            found.append(((field, same), (name, weight)))
        return found

    def wrong_weight(self, user_id: str, field: Any, name: Any, weight: Any) -> StoreCorruptError:
        """Return the error for a weight."""
        problem = f"{weight!r} is no weight from 0.0 to 1.0 of a name of {', '.join(WEIGHT_FIELDS)}"
        return self.damage("weights", f"user_id {user_id!r}, {field} {name!r}", problem)

    def event(self, row: Row) -> Event:
        """Return the event that `qfzz_core.storage.event_row` made the row of."""
        try:
            position, kind, timestamp, event_id, body = row
            event = decode_event(kind, timestamp, event_id, position, decoded(body))
            _refuse_wrong_event(event)
        except WRONG as error:
            raise self.damage("events", f"position {row[0]!r}", _described(error)) from error
        return event

    def state(self, user_id: str, learner: str, key: str, text: Any) -> Any:
        """Return a learner's state."""
        try:
            state = decoded(text)
            if state is None or type(key) is not str:
                raise ValueError("null is no state" if state is None else "key is no text")
        except WRONG as error:
            place = f"user_id {user_id!r}, learner {learner!r}, key {key!r}"
            raise self.damage("states", place, _described(error)) from error
        return state

    def states(self, user_id: str, rows: Iterable[Row]) -> list[tuple[str, str, Any]]:
        """Return the states of a user, of rows of learner, key and text."""
        return [(learner, key, self.state(user_id, learner, key, text)) for learner, key, text in rows]

    def latest(self, user_id: str, rows: list[Any]) -> list[Any]:
        """Return the latest interactions of a user: type, track id, position and moment."""
        for row in rows:
            if tuple(map(type, row)) != (str, str, int, int):
                raise self.damage("latest", f"user_id {user_id!r}, track_id {row[1]!r}", f"no interaction is {row!r}")
        return rows

    def document(self, user_id: str, text: Any) -> dict[str, Any]:
        """Return the body of a user who is kept whole, as `qfzz_core.storage.UserDraft` takes it."""
        return self.read("users", f"user_id {user_id!r}", lambda: _mapping(decoded(text)))

    def whole_user(
        self, user_id: str, revision: tuple[int, int], body: Mapping[str, Any]
    ) -> tuple[UserRow, dict[Name, Weight], dict[tuple[str, str], Any]]:
        """Return row, weights and states of a user who is kept whole."""
        return self.read("users", f"user_id {user_id!r}", lambda: self._whole_user(user_id, revision, body))

    def _whole_user(self, user_id: str, revision: tuple[int, int], body: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        weights, states = body["weights"], body["states"]
        row = _user((user_id, *revision, *(body["scalars"][field] for field in SCALARS)))
        rows = [(field, same, *weight) for field in WEIGHT_FIELDS for same, weight in weights[field].items()]
        learned = {
            (learner, renewed_publisher(key)): state for learner, own in states.items() for key, state in own.items()
        }
        return row, renewed_weights(self.weights(user_id, rows)), learned


def event_row(event: Event, position: int | None = None) -> tuple[int, str, str, str | None, str]:
    """Return an event as it stands in a table: position, kind, timestamp, event_id, and the rest as JSON text."""
    place = event.position if position is None else position
    return place, event.kind, event.timestamp, event.event_id, encoded(encode_event(event))


def event_of(row: Row) -> Event:
    """Return the event that `event_row` made the row of."""
    return ANYWHERE.event(row)


def refuse_damaged(tracks: Iterable[Track]) -> None:
    """Raise `StoreCorruptError` if one of the tracks that a plugin failed at is none, as `Decoding.tracks` allows."""
    for track in tracks:
        problem = track_problem(track)
        if problem is not None:
            raise ANYWHERE.damage("tracks", f"track_id {track['track_id']!r}", problem)


ANYWHERE = Decoding("the store")  # that of a backend which does not say its name


def without_advice(error: StoreCorruptError) -> str:
    """Return what a check says of an error: without the advice to run one."""
    return str(error).removesuffix(ADVICE)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _described(error: Exception) -> str:
    """Return what is wrong as a sentence; Python's own errors say little without their type."""
    if type(error) is ValueError or isinstance(error, InvalidInput):
        return str(error)
    return f"it cannot be decoded ({type(error).__name__}: {error})"


# ---- what must hold of a row -----------------------------------------------------------------------------------------


def hold(*conditions: tuple[object, str]) -> None:
    """Raise `ValueError` with what is wrong unless all conditions hold."""
    for holds, problem in conditions:
        if not holds:
            raise ValueError(problem)


def _has_usual_types(track: Any) -> bool:
    try:
        return tuple(map(type, required(track))) in USUAL_TYPES
    except (KeyError, TypeError):
        return False


def refuse_wrong_track(track: Any) -> None:
    """Raise `ValueError` unless the required fields of a track are valid."""
    problem = track_problem(track)
    hold((problem is None, str(problem)))


def _is_unit(value: Any) -> bool:
    return type(value) in _NUMBERS and 0.0 <= value <= 1.0


def _user(row: Row) -> UserRow:
    user_id, serial, revision, created_at, updated_at, energy_level, tempo_preference, discovery_factor = row
    if type(user_id) is not str:
        raise ValueError("user_id is no text")
    datetime.fromisoformat(created_at)
    datetime.fromisoformat(updated_at)
    if not (
        type(serial) is type(revision) is int
        and type(energy_level) in _NUMBERS
        and 0.0 <= energy_level <= 1.0
        and type(discovery_factor) in _NUMBERS
        and 0.0 <= discovery_factor <= 1.0
        and tempo_preference in TEMPO_PREFERENCES
    ):
        raise ValueError(f"no user has the values {row!r}")
    scalars = {
        "created_at": created_at,
        "updated_at": updated_at,
        "energy_level": energy_level,
        "tempo_preference": tempo_preference,
        "discovery_factor": discovery_factor,
    }
    return UserRow(user_id, serial, revision, scalars)


def _mapping(value: Any) -> dict[str, Any]:
    hold((type(value) is dict, f"expected an object, got {type(value).__name__}"))
    found: dict[str, Any] = value
    return found


def _refuse_wrong_event(event: Event) -> None:
    """Raise `ValueError` or `TypeError` for an event that nobody can have recorded."""
    datetime.fromisoformat(event.timestamp)
    interaction = event.interaction
    if (
        event.kind not in _KINDS
        or type(event.position) is not int
        or event.position <= 0
        or (interaction is None) is (event.kind in ("feedback", "interaction"))
        or not (event.event_id is None or type(event.event_id) is str)
        or (event.kind == "retracted") is not bool(event.retracts)
    ):
        raise ValueError(f"no event is of the kind {event.kind!r} with this position, event_id and body")
    for change in event.changes:
        _refuse_wrong_change(change)
    for event_id in event.retracts:
        hold((type(event_id) is str, f"it retracts {event_id!r}, which is no event_id"))
    if interaction is not None:
        _refuse_wrong_interaction(interaction)


def _refuse_wrong_change(change: Change) -> None:
    if change.field in WEIGHT_FIELDS and change.name is None and type(change.value) is dict:
        for name, weight in change.value.items():  # one by one: what is one name now may have been two
            checked_change(change.field, name, weight)
    else:
        checked_change(change.field, change.name, change.value)


def _refuse_wrong_interaction(interaction: Interaction) -> None:
    rating, strength = interaction.rating, interaction.strength
    if interaction.features is not None:
        _refuse_wrong_features(interaction.features)
    if not (
        type(interaction.track_id) is type(interaction.type) is type(interaction.timestamp) is str
        and (rating is None or _is_unit(rating))
        and (strength is None or (type(strength) in _NUMBERS and -1.0 <= strength <= 1.0))
        and isinstance(interaction.extra, Mapping)
    ):
        raise ValueError("its track_id, type, rating, strength or extra is of the wrong kind")


def _refuse_wrong_features(features: Features) -> None:
    for names in (features.genres, features.artists):
        if type(names) is not tuple or not {str}.issuperset(map(type, names)):
            raise ValueError("the further genres or artists of its track are no lists of text")
    known = type(features.artist) is type(features.publisher) is str
    if not known or not {type(features.genre), type(features.mood)} <= {str, NoneType}:
        raise ValueError("the features of its track are no text")
