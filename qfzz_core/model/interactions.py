"""Interactions as an application writes them: dictionaries, checked and given a timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qfzz_core.errors import ProfileError
from qfzz_core.model.events import Interaction
from qfzz_core.model.names import is_storable
from qfzz_core.model.plain import NotPlainError, plain
from qfzz_core.model.timestamps import checked_timestamp
from qfzz_core.model.weights import unit_number

_OWN_KEYS = ("track_id", "type", "rating", "timestamp")


def checked_text(value: Any, what: str) -> str:
    """Return a string that is not blank; raises `ProfileError` for anything else."""
    if type(value) is str and value.isascii() and value.strip():
        return value  # nearly every one, without a look at its characters one by one
    if not isinstance(value, str):
        raise ProfileError(f"{what} must be text, got {value!r}")
    if not value.strip():
        raise ProfileError(f"{what} must not be blank, got {value!r}")
    if not is_storable(value):
        raise ProfileError(f"{what} holds a lone surrogate, which is no character: {value!r}")
    return str(value)


def checked_interaction(interaction: Any, now: str) -> Interaction:
    """Return an interaction from which nothing is learned, made of a dictionary; `now` is its timestamp if it has none.

    Raises `ProfileError` if `track_id` or `type` is missing or any value is not valid.
    """
    if not isinstance(interaction, Mapping):
        raise ProfileError(f"an interaction must be a mapping, got {interaction!r}")
    for key in ("track_id", "type"):
        if key not in interaction:
            raise ProfileError(f"the interaction has no {key}")
    rating = interaction.get("rating")
    given = interaction.get("timestamp")
    return Interaction(
        track_id=checked_text(interaction["track_id"], "track_id"),
        type=checked_text(interaction["type"], "type"),
        rating=None if rating is None else unit_number(rating, "rating"),
        timestamp=now if given is None else checked_timestamp(given, "timestamp"),
        extra=_extra(interaction),
    )


def _extra(interaction: Mapping[str, Any]) -> dict[str, Any]:
    try:
        copy: dict[str, Any] = plain({key: value for key, value in interaction.items() if key not in _OWN_KEYS})
    except NotPlainError as error:
        raise ProfileError(f"the interaction cannot be kept: {error}") from None
    return copy
