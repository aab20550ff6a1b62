"""The factor `embedding`: tracks whose vectors point where those of the liked tracks point.

Each track brings a vector, such as an audio model gives. The value is the cosine of the angle between a track's vector
and the centroid of the user's liked tracks, 0 where they point away from each other. Without likes the factor abstains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray
from qfzz_core import Column, ColumnFunction, Columns, Request, Setup, hookimpl

plugin_name = "embedding"  # also for an application that passes the module instead of installing it

Vector = NDArray[np.float64]
Rows = NDArray[np.intp]

BLOCK = 1_024  # rows whose vectors are copied at a time: so few stay in the processor's cache, which halves the time


def _at_least_one(_: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name} must be 1 or more, got {value}")


@attrs.frozen
class VectorOptions:
    """The table `[plugins.embedding]`: which key of a track holds its vector, and how many numbers that has."""

    key: str = "embedding"
    size: int = attrs.field(default=128, validator=_at_least_one)


@attrs.frozen
class TasteOptions:
    """The table `[factors.embedding]`: how many liked tracks make the centroid, the newest ones."""

    likes: int = attrs.field(default=100, validator=_at_least_one)


def unit_vector_of(key: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return the source of the column: a track's vector, scaled to length 1.

    Scaling once for each track spares every request the lengths. What is no vector is returned as it is: QFZZ takes it
    for missing, and counts how often that happened.
    """

    def unit_vector(track: Mapping[str, Any]) -> Any:
        given: Any = track.get(key)
        try:
            length = math.hypot(*given)
        except (TypeError, OverflowError):
            return given
        return [number / length for number in given] if length else None

    return unit_vector


def liked_tracks(request: Request, most: int) -> list[str]:
    """Return the ids of the tracks whose latest judgement by this user is a like, the newest first."""
    types = request.interaction_types
    judgements: dict[str, str] = {}
    for interaction in reversed(request.history()):
        judgement = types[interaction.type].judgement if interaction.type in types else None
        if judgement is not None:
            judgements.setdefault(interaction.track_id, judgement)
    return [track_id for track_id, judgement in judgements.items() if judgement == "like"][:most]


def centroid(columns: Columns, track_ids: list[str]) -> Vector | None:
    """Return the direction, of length 1, in which the tracks point on average; None if they have none."""
    rows = columns.rows(track_ids)
    total: Vector = np.nansum(columns["embedding"].vectors[rows[rows >= 0]], axis=0)
    length = float(np.linalg.norm(total))
    return total / length if length > 1e-9 else None


def cosines(vectors: Vector, direction: Vector) -> Vector:
    """Return the cosine of each row with a direction, both of length 1, in [0, 1]; 0 for a row of NaN.

    Not `vectors @ direction`: BLAS adds in another order for another number of rows, and then a track would have
    another value, in its last bit, when the ranking evaluates it alone.
    """
    values: Vector = np.nan_to_num((vectors * direction).sum(axis=1))
    return np.clip(values, 0.0, 1.0)


class EmbeddingFactor:
    """Scores by the direction of a track's vector."""

    name = "embedding"
    weight = 0.2
    Options = TasteOptions

    def prepare(self, request: Request) -> ColumnFunction | None:
        """Score by a function of the column; the centroid is computed when the first rows are evaluated."""
        liked = liked_tracks(request, request.options.likes)
        if not liked:
            return None
        found: list[Vector | None] = []

        def values(columns: Columns, rows: Rows) -> Vector:
            if not found:
                found.append(centroid(columns, liked))
            direction = found[0]
            if direction is None:
                return np.zeros(len(rows))
            vectors = columns["embedding"].vectors
            blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
            return np.concatenate([np.zeros(0), *(cosines(vectors[block], direction) for block in blocks)])

        return ColumnFunction(function=values, bound=1.0, reason=reason)


def reason(track: Mapping[str, Any], value: float) -> str:
    """Say how near a track is to what was liked."""
    return f"{value:.0%} like the tracks you liked" if value > 0 else "not like the tracks you liked"


@hookimpl
def qfzz_options() -> type:
    """Say how `[plugins.embedding]` is read."""
    return VectorOptions


@hookimpl
def qfzz_columns(setup: Setup) -> list[Column]:
    """Declare the column; its version stands for the function, so that the column can be cached on disk."""
    options: VectorOptions = setup.options
    source = unit_vector_of(options.key)
    return [Column(name="embedding", kind="vector", size=options.size, source=source, version=f"unit {options.key}")]


@hookimpl
def qfzz_factors() -> list[EmbeddingFactor]:
    """Register the factor."""
    return [EmbeddingFactor()]
