"""Reading a profile document, which somebody may have written by hand: every part is checked before it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

import attrs

from qfzz_core.contracts.stores import UserRecord
from qfzz_core.errors import DocumentError, ProfileError, did_you_mean
from qfzz_core.model.events import FURTHER_FEATURES, STORED_FEATURES, Change, Event, EventKind, Features, Interaction
from qfzz_core.model.names import checked_text, is_storable
from qfzz_core.model.plain import NotPlainError, plain
from qfzz_core.model.profiles import PREFERENCE_FIELDS, ProfileSnapshot, UserProfile, checked_change
from qfzz_core.model.timestamps import checked_timestamp
from qfzz_core.model.tracks import MAY_BE_UNKNOWN
from qfzz_core.model.weights import WEIGHT_FIELDS, unit_number

PROFILE_FORMAT = "qfzz-profile"
PROFILE_VERSION = 1

_PARTS = ("format", "version", "profile", "events", "learned")
_PROFILE_FIELDS = (*PREFERENCE_FIELDS, "user_id", "created_at", "updated_at")
_EVENT_FIELDS = tuple(field.name for field in attrs.fields(Event) if field.name != "retracts")
_INTERACTION_FIELDS = tuple(
    STORED_FEATURES if field.name == "features" else field.name for field in attrs.fields(Interaction)
)
_FEATURES_FIELDS = tuple(field.name for field in attrs.fields(Features) if field.name not in FURTHER_FEATURES)
_CHANGE_FIELDS = tuple(field.name for field in attrs.fields(Change))
_OWN_KEYS = ("track_id", "type", "rating", "timestamp")
_WITH_INTERACTION = ("feedback", "interaction")

Read = TypeVar("Read")


def record_from_document(document: Any) -> UserRecord:
    """Return the user whom a document of `qfzz_core.storage.copies.profile_document` holds, for `Store.load`.

    `profile.interaction_history` is checked and not used: it is what the events say. Raises `DocumentError`, which
    says where in the document something is not as it should be.
    """
    parts = _fields("the document", document, _PARTS)
    _check_format(parts["format"], parts["version"])
    profile = _at("profile", lambda: UserProfile.from_dict(parts["profile"]))
    snapshot = ProfileSnapshot(**{field: _snapshot_value(profile, field) for field in _PROFILE_FIELDS})
    return UserRecord(snapshot, _events(parts["events"]), list(_learned(parts["learned"])))


def _snapshot_value(profile: UserProfile, field: str) -> Any:
    value = getattr(profile, field)
    return dict(value) if field in WEIGHT_FIELDS else value


def _check_format(name: Any, version: Any) -> None:
    if name != PROFILE_FORMAT:
        raise DocumentError(f'format must be "{PROFILE_FORMAT}", got {name!r}: this is no export of a profile')
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise DocumentError(f"version must be a whole number from 1, got {version!r}")
    if version > PROFILE_VERSION:
        raise DocumentError(
            f"version {version} was written by a newer QFZZ (this one knows {PROFILE_VERSION}): upgrade"
        )


# -- the log


def _events(values: Any) -> list[Event]:
    first_at: dict[str, int] = {}
    events: list[Event] = []
    for place, value in enumerate(_list("events", values)):
        event = _event(f"events[{place}]", value)
        for event_id in event.retracts:
            if event_id not in first_at or events[first_at[event_id]].interaction is None:
                raise DocumentError(f"events[{place}].retracts: no earlier interaction has the event_id {event_id!r}")
        if event.event_id is not None and first_at.setdefault(event.event_id, place) != place:
            first = first_at[event.event_id]
            raise DocumentError(f"events[{place}].event_id: {event.event_id!r} stands in events[{first}] already")
        events.append(event)
    return events


def _event(where: str, value: Any) -> Event:
    retracted = isinstance(value, Mapping) and value.get("kind") == "retracted"
    fields = _fields(where, value, (*_EVENT_FIELDS, "retracts") if retracted else _EVENT_FIELDS)
    kind, event_id = fields["kind"], fields["event_id"]
    if kind not in get_args(EventKind):
        raise DocumentError(f"{where}.kind must be one of {', '.join(get_args(EventKind))}, got {kind!r}")
    if (kind in _WITH_INTERACTION) != (fields["interaction"] is not None):
        raise DocumentError(f"{where}.interaction: the kinds {' and '.join(_WITH_INTERACTION)} have one, others none")
    changes = tuple(_change(f"{where}.changes[{n}]", each) for n, each in enumerate(_list(where, fields["changes"])))
    return Event(
        kind=kind,
        timestamp=_at(where, lambda: checked_timestamp(fields["timestamp"], "timestamp")),
        interaction=None if kind not in _WITH_INTERACTION else _interaction(f"{where}.interaction", value),
        changes=changes,
        event_id=None if event_id is None else _at(where, lambda: checked_text(event_id, "event_id")),
        retracts=_retracts(f"{where}.retracts", fields["retracts"]) if retracted else (),
    )


def _retracts(where: str, value: Any) -> tuple[str, ...]:
    event_ids = tuple(_text(where, each) for each in _list(where, value))
    if not event_ids:
        raise DocumentError(f"{where} must name an event_id")
    return event_ids


def _interaction(where: str, event: Mapping[str, Any]) -> Interaction:
    fields = _fields(where, event["interaction"], _INTERACTION_FIELDS)
    rating, strength, features = fields["rating"], fields["strength"], fields[STORED_FEATURES]
    return Interaction(
        track_id=_at(where, lambda: checked_text(fields["track_id"], "track_id")),
        type=_at(where, lambda: checked_text(fields["type"], "type")),
        rating=None if rating is None else _at(where, lambda: unit_number(rating, "rating")),
        timestamp=_at(where, lambda: checked_timestamp(fields["timestamp"], "timestamp")),
        strength=None if strength is None else _strength(f"{where}.strength", strength),
        features=None if features is None else _features(f"{where}.{STORED_FEATURES}", features),
        extra=_extra(f"{where}.extra", fields["extra"]),
    )


def _strength(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 1:
        raise DocumentError(f"{where} must be a number from -1 to 1, got {value!r}")
    return value


def _features(where: str, value: Any) -> Features:
    fields = _fields(where, value, _FEATURES_FIELDS, FURTHER_FEATURES)
    unknown = {name for name in MAY_BE_UNKNOWN & fields.keys() if fields[name] is None}
    given: Any = (None if name in unknown else _text(f"{where}.{name}", fields[name]) for name in _FEATURES_FIELDS)
    further: Any = {name: _names(f"{where}.{name}", fields.get(name, ())) for name in FURTHER_FEATURES}
    return Features(*given, **further)


def _extra(where: str, value: Any) -> dict[str, Any]:
    extra = _plain(where, _mapping(where, value))
    for key in _OWN_KEYS:
        if key in extra:
            raise DocumentError(f"{where} must not hold {key!r}, which the interaction has itself")
    return dict(extra)


def _change(where: str, value: Any) -> Change:
    fields = _fields(where, value, _CHANGE_FIELDS)
    return _at(where, lambda: checked_change(fields["field"], fields["name"], fields["value"]))


# -- learned state


def _learned(value: Any) -> Iterator[tuple[str, str, Any]]:
    for learner, states in _mapping("learned", value).items():
        name = _text("a name in learned", learner)
        for key, state in _mapping(f"learned.{name}", states).items():
            if state is None:
                raise DocumentError(f"learned.{name}.{key} must not be null: leave the key out")
            yield name, _text(f"a key in learned.{name}", key), _plain(f"learned.{name}.{key}", state)


# -- parts of a document


def _at(where: str, read: Callable[[], Read]) -> Read:
    """Return what `read` returns; what it refuses is said to stand at `where`."""
    try:
        return read()
    except ProfileError as error:
        raise DocumentError(f"{where}: {error}") from None


def _fields(where: str, value: Any, names: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return an object that has these fields, perhaps the optional ones, and no others."""
    fields = _mapping(where, value)
    for name in fields:
        if name not in names and name not in optional:
            raise DocumentError(f"{where}: unknown field {name!r}{did_you_mean(str(name), (*names, *optional))}")
    for name in names:
        if name not in fields:
            raise DocumentError(f"{where}: {name} is missing")
    return fields


def _mapping(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DocumentError(f"{where} must be an object, got {type(value).__name__}")
    return value


def _list(where: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise DocumentError(f"{where} must hold a list, got {type(value).__name__}")
    return value


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not is_storable(value):
        raise DocumentError(f"{where} must be text without lone surrogates, got {value!r}")
    return str(value)


def _names(where: str, value: Any) -> tuple[str, ...]:
    return tuple(_text(f"{where}[{n}]", each) for n, each in enumerate(_list(where, value)))


def _plain(where: str, value: Any) -> Any:
    try:
        return plain(value, where)
    except NotPlainError as error:
        raise DocumentError(str(error)) from None
