"""What the documented factors give a track whose value is unknown: what is configured, with a reason that says so."""

from __future__ import annotations

from typing import Any

import attrs


def _in_unit(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be from 0 to 1, got {value}")


def value_for_missing(default: float) -> Any:
    """Return the option `missing` of a factor: the value of tracks of which nothing is known."""
    return attrs.field(default=default, validator=_in_unit)


@attrs.frozen
class MissingIsNothing:
    """What a track counts of which the value is unknown: by default as little as one that is not liked."""

    missing: float = value_for_missing(0.0)


@attrs.frozen
class MissingIsHalf:
    """What a track counts of which the value is unknown: by default half of what it could be."""

    missing: float = value_for_missing(0.5)


def unknown(name: str, value: float) -> str:
    """Say that a value of the track is unknown, and what it counts as."""
    return f"{name} unknown, counts as {value:g}"
