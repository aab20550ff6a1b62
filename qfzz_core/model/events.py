"""The log of what happened to a user: interactions and explicit changes, each with the features that it moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import attrs

from qfzz_core.model.names import normalise
from qfzz_core.model.plain import copied

EventKind = Literal["created", "feedback", "interaction", "edited", "retracted"]

# The name of `Interaction.features` in stored logs, in exported documents and to learners written for 0.1: with another
# one, stores and documents of that time would not be read.
STORED_FEATURES = "taught"
FURTHER_FEATURES = ("genres", "artists")
_SINGLE_FEATURES = 4  # of a stored event, before the lists of further names, which most lack
SHOWN_INTERACTIONS = 1000  # how many interactions a profile shows; the log keeps them all


@attrs.frozen
class Features:
    """What a profile learns from an event: the names that the track had then, and who published it.

    A genre or mood that was unknown is None. `genres` and `artists` are the names that the track listed beside `genre`
    and `artist`. `publisher` is the key made by `qfzz_core.model.learning.publisher`.
    """

    genre: str | None
    artist: str
    mood: str | None
    publisher: str
    genres: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()


def renewed_publisher(key: str) -> str:
    """Return a publisher's key that may have been made when names compared otherwise, as it is made now."""
    kind, _, name = key.partition(":")
    return f"artist:{normalise(name)}" if kind == "artist" else key


@attrs.frozen
class Interaction:
    """One interaction of a user with a track.

    `strength` is the change of weight it caused, None if nothing was learned from it; `features` are those of the track
    at that moment, None if the catalogue did not know it; `extra` holds further keys that the
    application gave.
    """

    track_id: str
    type: str
    rating: float | None
    timestamp: str
    strength: float | None = None
    features: Features | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def taught(self) -> Features | None:
        """The features, under the name that learners written for 0.1 read."""
        return self.features

    def unshared(self) -> Interaction:
        """Return the interaction with nothing in it that could be changed for others."""
        extra = copied(dict(self.extra))  # its own even if it is empty: it could be added to
        return Interaction(self.track_id, self.type, self.rating, self.timestamp, self.strength, self.features, extra)

    def to_dict(self) -> dict[str, Any]:
        """Return the interaction as it stands in a profile's `interaction_history`."""
        shown = {"track_id": self.track_id, "type": self.type, "rating": self.rating, "timestamp": self.timestamp}
        return {**shown, **copied(dict(self.extra))}


@attrs.frozen
class Change:
    """One explicit change of a profile.

    With a `name`, the weight of that name in the mapping `field` becomes `value`, or is removed if `value` is None.
    Without, the whole `field` becomes `value`.
    """

    field: str
    name: str | None
    value: Any


@attrs.frozen
class Event:
    """One entry of the log, recorded at `timestamp`.

    `position` orders the log; it is 0 until a store has given one. `event_id` is the application's own, unique for
    each user. `retracts` are the ids of earlier events that are not in effect any more, of the kind "retracted" alone.
    """

    kind: EventKind
    timestamp: str
    interaction: Interaction | None = None
    changes: tuple[Change, ...] = ()
    event_id: str | None = None
    position: int = 0
    retracts: tuple[str, ...] = ()


def in_effect(newest_first: Iterable[Event]) -> Iterator[Event]:
    """Iterate the events of a log, newest first, that none retracts; retractions themselves are left out.

    A log is read from its end, where a retraction comes before what it retracts.
    """
    retracted: set[str | None] = set()
    for event in newest_first:
        if event.retracts:
            retracted.update(event.retracts)
        elif event.event_id not in retracted:
            yield event


def encode_event(event: Event) -> dict[str, Any]:
    """Return what a store keeps of an event beside its position, kind, timestamp and event_id, as plain data."""
    if event.retracts:
        return {"retracts": list(event.retracts)}
    if event.interaction is None:
        return {"changes": [[change.field, change.name, change.value] for change in event.changes]}
    interaction = event.interaction
    body: dict[str, Any] = {"track_id": interaction.track_id, "type": interaction.type, "rating": interaction.rating}
    if interaction.strength is not None:
        body["strength"] = interaction.strength
    if interaction.features is not None:
        features = interaction.features
        stored: list[Any] = [features.genre, features.artist, features.mood, features.publisher]
        if features.genres or features.artists:
            stored += [list(features.genres), list(features.artists)]
        body[STORED_FEATURES] = stored
    if interaction.extra:
        body["extra"] = dict(interaction.extra)
    if interaction.timestamp != event.timestamp:
        body["timestamp"] = interaction.timestamp
    return body


def decode_event(
    kind: EventKind, timestamp: str, event_id: str | None, position: int, body: Mapping[str, Any]
) -> Event:
    """Return the event that `encode_event` made `body` of."""
    if kind == "retracted":
        return Event(kind, timestamp, None, (), event_id, position, tuple(body["retracts"]))
    if "track_id" not in body:
        changes = tuple(Change(*change) for change in body["changes"])
        return Event(kind, timestamp, None, changes, event_id, position)
    interaction = Interaction(
        track_id=body["track_id"],
        type=body["type"],
        rating=body["rating"],
        timestamp=body.get("timestamp", timestamp),
        strength=body.get("strength"),
        features=_decoded_features(body[STORED_FEATURES]) if STORED_FEATURES in body else None,
        extra=body.get("extra", {}),
    )
    return Event(kind, timestamp, interaction, (), event_id, position)


def _decoded_features(stored: Sequence[Any]) -> Features:
    single, further = stored[:_SINGLE_FEATURES], stored[_SINGLE_FEATURES:]
    features = Features(*single, *(tuple(names) if isinstance(names, list) else names for names in further))
    key = features.publisher
    renewed = renewed_publisher(key) if isinstance(key, str) else key
    return features if renewed == key else attrs.evolve(features, publisher=renewed)
