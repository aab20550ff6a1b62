"""What an event does to a profile: the learning rule, and explicit changes.

Pure functions of (state, event): a store's transaction and a replay of the log use the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from qfzz_core.model.events import Change, Event, Features
from qfzz_core.model.names import normalise
from qfzz_core.model.tracks import Track, names_of
from qfzz_core.model.weights import WEIGHT_FIELDS, refuse_second_spelling

DIGITS = 12  # sums of strengths such as 0.1 stay the numbers that people expect


class ProfileWriter(Protocol):
    """Where changes of one profile go. Names compare by normal form; `field` is genres, artists or moods."""

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        """Return the stored spelling and weight of a name, None if the profile lacks it."""

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight: in place under the stored spelling if the name is there, else last in the mapping."""

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name; nothing happens if it is not there."""

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""

    def put_scalar(self, field: str, value: Any) -> None:
        """Set `energy_level`, `tempo_preference`, `discovery_factor` or `updated_at`."""


def rating_strength(rating: float) -> float:
    """Return the strength of an explicit rating in [0, 1]: (rating - 0.5) * 0.2."""
    return (rating - 0.5) * 0.2


def moved(weight: float, strength: float) -> float:
    """Return a weight moved by a strength: clamp(round(weight + strength, 12), 0, 1)."""
    weight = round(weight + strength, DIGITS)
    return 0.0 if weight <= 0.0 else 1.0 if weight >= 1.0 else weight


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


def features_of(track: Track) -> Features:
    """Return the features of a track that a profile learns from: genres, artists and mood, and who published it."""
    features = Features(track["genre"], track["artist"], track["mood"], publisher_of(track))
    if not (track.get("genres") or track.get("artists")):
        return features
    return attrs.evolve(features, genres=_further(track, "genre"), artists=_further(track, "artist"))


def _further(track: Track, field: str) -> tuple[str, ...]:
    """Return the names that a track lists beside the single one."""
    return tuple(name for name in names_of(track, field) if name != track[field])


def apply_event(event: Event, profile: ProfileWriter, *, replayed: bool = False) -> None:
    """Write what an event does to the profile's weights and scalars.

    Raises `ProfileError` for a second spelling of a name, unless it is `replayed`: when it was recorded, the two may
    have been two names.
    """
    for change in event.changes:
        if not replayed:
            _refuse_second_spelling(change, profile)
        apply_change(change, profile)
    interaction = event.interaction
    if interaction is not None and interaction.features is not None and interaction.strength is not None:
        move_weights(interaction.features, interaction.strength, profile)


def move_weights(features: Features, strength: float, profile: ProfileWriter) -> None:
    """Move genre, artist and mood of a track by a strength, and the names listed beside them by half of it.

    A name that is blank or would stay at 0 is not inserted.
    """
    for field, name in (("genres", features.genre), ("artists", features.artist), ("moods", features.mood)):
        if name is not None:
            _move(field, name, strength, profile)
    for field, names in (("genres", features.genres), ("artists", features.artists)):
        for name in names:
            _move(field, name, strength / 2, profile)


def _move(field: str, name: str, strength: float, profile: ProfileWriter) -> None:
    present = profile.weight(field, name)
    # A dislike of an unknown name leaves no weight of 0 behind, which would show the name as one the user chose.
    weight = moved(present[1] if present else 0.0, strength)
    if present:
        profile.put_weight(field, present[0], weight)
    elif weight > 0.0 and WEIGHT_FIELDS[field](name):
        profile.put_weight(field, name, weight)


def apply_change(change: Change, profile: ProfileWriter) -> None:
    """Write an explicit change, under the spelling of a name that is there."""
    if change.field not in WEIGHT_FIELDS:
        profile.put_scalar(change.field, change.value)
    elif change.name is None:
        profile.clear_weights(change.field)
        for name, weight in change.value.items():
            profile.put_weight(change.field, name, weight)
    elif change.value is None:
        profile.drop_weight(change.field, change.name)
    else:
        profile.put_weight(change.field, change.name, change.value)


def _refuse_second_spelling(change: Change, profile: ProfileWriter) -> None:
    if change.field in WEIGHT_FIELDS and change.name is not None and change.value is not None:
        present = profile.weight(change.field, change.name)
        refuse_second_spelling(change.field, change.name, present[0] if present else change.name)
