"""The factor `recency`: tracks, or artists, that were heard not long ago, avoided or preferred.

With a half-life h, what was last heard a days ago has the familiarity 0.5 ** (a / h): 1 just now, 1/2 after a
half-life, 0 if never. `prefer = "familiar"` scores by that, `prefer = "fresh"` by 1 minus that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import attrs
from qfzz_core import CategoryTable, Request, hookimpl

plugin_name = "recency"  # also for an application that passes the module instead of installing it

SECONDS_A_DAY = 86_400


def _above_zero(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 < value < float("inf"):
        raise ValueError(f"{attribute.name} must be above 0, got {value}")


@attrs.frozen
class RecencyOptions:
    """The table `[factors.recency]`."""

    prefer: Literal["fresh", "familiar"] = "fresh"
    by: Literal["track", "artist"] = "track"
    half_life: float = attrs.field(default=7.0, validator=_above_zero)
    """In days."""


def moment(text: str) -> datetime:
    """Return the moment of an interaction's timestamp, which is ISO-8601."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def days_since_heard(request: Request, by: Literal["track", "artist"]) -> dict[str, float]:
    """Return how many days ago each track or artist was last heard, 0 or more, as far as the history shows.

    The last hearing is found by time: applications may add interactions that are older than others in the log.
    """
    types = request.interaction_types
    ages: dict[str, float] = {}
    for interaction in request.history():
        if interaction.type not in types or not types[interaction.type].heard:
            continue
        name = interaction.track_id
        if by == "artist":
            if interaction.features is None:  # the catalogue did not know the track, so nobody knows its artist
                continue
            name = interaction.features.artist.casefold()  # else two spellings would be two entries of the table
        age = max(0.0, (request.now - moment(interaction.timestamp)).total_seconds() / SECONDS_A_DAY)
        ages[name] = min(age, ages.get(name, age))
    return ages


def reason_for(options: RecencyOptions) -> Callable[[Mapping[str, Any], float], str]:
    """Return what says a track's value in a few words."""
    who = "this track" if options.by == "track" else "this artist"

    def reason(track: Mapping[str, Any], value: float) -> str:
        familiar = value if options.prefer == "familiar" else 1.0 - value
        if familiar == 0.0:
            return f"you have not heard {who} lately"
        days = f"{options.half_life:g} days"
        return f"you heard {who} " + (f"within the last {days}" if familiar >= 0.5 else f"more than {days} ago")

    return reason


class RecencyFactor:
    """Scores by how long ago a track or its artist was heard."""

    name = "recency"
    weight = 0.15
    Options = RecencyOptions

    def prepare(self, request: Request) -> CategoryTable | None:
        """Score by a table of what was heard; without any hearing, say nothing."""
        options: RecencyOptions = request.options
        ages = days_since_heard(request, options.by)
        if not ages:
            return None
        familiar = {name: 0.5 ** (age / options.half_life) for name, age in ages.items()}
        fresh = options.prefer == "fresh"
        return CategoryTable(
            column="track_id" if options.by == "track" else "artist",
            values={name: 1.0 - value for name, value in familiar.items()} if fresh else familiar,
            default=1.0 if fresh else 0.0,
            reason=reason_for(options),
        )


@hookimpl
def qfzz_factors() -> list[RecencyFactor]:
    """Register the factor."""
    return [RecencyFactor()]
