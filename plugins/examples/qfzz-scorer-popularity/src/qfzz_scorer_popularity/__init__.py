"""The factor `popularity`: a count of plays, or of whatever else the tracks say, that saturates.

A count n has the popularity n / (n + half): 0 for none, 1/2 at `half`, nearer and nearer to 1 beyond. So ten plays more
mean much to an unknown track and nothing to a famous one.

The column holds the popularity and not the count. So the curve is computed once for each track, when the catalogue is
loaded, and a request only measures a distance, which is the shape that costs least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import attrs
from qfzz_core import Column, NumericDistance, Request, Setup, hookimpl

plugin_name = "popularity"  # also for an application that passes the module instead of installing it

GREATEST = 1e300  # whole numbers of tracks can be larger than a float holds; all of them are famous


def _above_zero(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{attribute.name} must be above 0, got {value}")


@attrs.frozen
class PopularityOptions:
    """The table `[plugins.popularity]`: which key of a track holds its count, and the count that is half popular."""

    key: str = "plays"
    half: float = attrs.field(default=1000.0, validator=_above_zero)


@attrs.frozen
class PreferenceOptions:
    """The table `[factors.popularity]`: which end is preferred, and the popularity of tracks without a count."""

    prefer: Literal["popular", "obscure"] = "popular"
    unknown: float = attrs.field(default=0.0)

    @unknown.validator
    def _check_unknown(self, _: object, value: float) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"unknown must be a popularity from 0 to 1, got {value}")


def popularity_of(options: PopularityOptions) -> Callable[[Mapping[str, Any]], Any]:
    """Return the source of the column: a track's popularity in [0, 1).

    What is no count is returned as it is, or as NaN: QFZZ takes it for missing, and counts how often that happened.
    """

    def popularity(track: Mapping[str, Any]) -> Any:
        count = track.get(options.key)
        if isinstance(count, bool) or not isinstance(count, (int, float)):
            return count
        if count < 0:
            return math.nan
        limited = min(count, GREATEST)
        return limited / (limited + options.half)

    return popularity


class PopularityFactor:
    """Scores by popularity, or by 1 minus it."""

    name = "popularity"
    weight = 0.1
    Options = PreferenceOptions

    def prepare(self, request: Request) -> NumericDistance:
        """Score by the distance to the preferred end, which is the popularity itself, or 1 minus it."""
        options: PreferenceOptions = request.options
        popular = options.prefer == "popular"

        def reason(track: Mapping[str, Any], value: float) -> str:
            return f"popularity {value if popular else 1.0 - value:.2f}, {options.prefer} is preferred"

        return NumericDistance(
            column="popularity",
            target=1.0 if popular else 0.0,
            missing=options.unknown if popular else 1.0 - options.unknown,
            reason=reason,
        )


@hookimpl
def qfzz_options() -> type:
    """Say how `[plugins.popularity]` is read."""
    return PopularityOptions


@hookimpl
def qfzz_columns(setup: Setup) -> list[Column]:
    """Declare the column; its version stands for what the function would say, so that it can be cached on disk."""
    options: PopularityOptions = setup.options
    version = f"n/(n+{options.half!r}) of {options.key}"
    return [Column(name="popularity", kind="number", source=popularity_of(options), version=version)]


@hookimpl
def qfzz_factors() -> list[PopularityFactor]:
    """Register the factor."""
    return [PopularityFactor()]
