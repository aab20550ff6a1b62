"""Feedback as an application gives it: checked before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from qfzz_core.contracts.learners import InteractionType
from qfzz_core.errors import FeedbackError, ProfileError, did_you_mean
from qfzz_core.model.learning import rating_strength
from qfzz_core.model.names import checked_text
from qfzz_core.model.profiles import checked_user_id
from qfzz_core.model.weights import unit_number

FIELDS = ("user_id", "track_id", "interaction_type", "rating", "event_id")
_KNOWN = frozenset(FIELDS)
_REQUIRED = frozenset(FIELDS[:3])


@attrs.frozen(kw_only=True)
class Feedback:
    """One valid feedback. `strength` is what its type or rating moves weights by."""

    user_id: str
    track_id: str
    interaction_type: str
    rating: float | None
    event_id: str | None
    strength: float


def checked_feedback(values: Any, types: Mapping[str, InteractionType], position: int | None = None) -> Feedback:
    """Return a valid feedback made of a mapping with the names of `record_feedback`'s parameters.

    Raises `FeedbackError`, with the position in the batch where there is one.
    """
    try:
        return valid_feedback(types, **_arguments(values))
    except FeedbackError as error:
        place = "" if position is None else f"event at position {position}: "
        raise FeedbackError(place + str(error), position=position) from None


def valid_feedback(
    types: Mapping[str, InteractionType],
    user_id: Any,
    track_id: Any,
    interaction_type: Any,
    rating: Any = None,
    *,
    event_id: Any = None,
) -> Feedback:
    """Return a valid feedback of one of these types; raises `FeedbackError` for any other value."""
    kind = _known_type(interaction_type, types)
    try:
        number = None if rating is None else unit_number(rating, "rating")
        return Feedback(
            user_id=checked_user_id(user_id),
            track_id=checked_text(track_id, "track_id"),
            interaction_type=kind.name,
            rating=number,
            event_id=None if event_id is None else checked_text(event_id, "event_id"),
            strength=kind.strength if number is None else rating_strength(number),
        )
    except ProfileError as error:
        raise FeedbackError(str(error)) from None


def _arguments(values: Any) -> Mapping[str, Any]:
    if type(values) is not dict and not isinstance(values, Mapping):
        raise FeedbackError(f"expected a mapping with {', '.join(FIELDS[:3])}, got {values!r}")
    if not _REQUIRED <= values.keys() <= _KNOWN:
        _refuse_keys(values)
    return values


def _refuse_keys(values: Mapping[Any, Any]) -> None:
    for key in values:
        if key not in FIELDS:
            raise FeedbackError(f"unknown key {key!r}{did_you_mean(str(key), FIELDS)}")
    for key in FIELDS[:3]:
        if key not in values:
            raise FeedbackError(f"{key} is missing")


def _known_type(name: Any, types: Mapping[str, InteractionType]) -> InteractionType:
    if isinstance(name, str) and name in types:
        return types[name]
    hint = did_you_mean(name, types) if isinstance(name, str) else ""
    raise FeedbackError(f"unknown interaction_type {name!r}{hint or ';'} the types are {', '.join(types)}")
