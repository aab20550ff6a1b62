"""The factor `daytime`: the energy that fits the hour, or what the listener is doing.

The application may say more in `context`: `{"activity": "workout"}` asks for the energy of an activity that the
options list, `{"hour": 22.5}` is the listener's local time. Without either, the hour is that of the request's clock in
the time zone of the options.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from qfzz_core import NumericDistance, Request, hookimpl

plugin_name = "daytime"  # also for an application that passes the module instead of installing it

ACTIVITIES = {"sleep": 0.1, "relax": 0.3, "focus": 0.4, "commute": 0.6, "party": 0.85, "workout": 0.95}


def unit(value: object) -> bool:
    """Return whether a value is a number from 0 to 1."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _energy(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not unit(value):
        raise ValueError(f"{attribute.name} must be an energy from 0 to 1, got {value}")


def _energies(_: object, attribute: attrs.Attribute[Mapping[str, float]], value: Mapping[str, float]) -> None:
    for activity, energy in value.items():
        if not unit(energy):
            raise ValueError(f"{attribute.name} must map to energies from 0 to 1, got {energy} for {activity}")


def _known_zone(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f'{attribute.name} must be a time zone such as "Europe/Berlin", got {value!r}') from error


@attrs.frozen
class DaytimeOptions:
    """The table `[factors.daytime]`: energies at 3, 9, 15 and 21 o'clock, between which the target glides."""

    night: float = attrs.field(default=0.2, validator=_energy)
    morning: float = attrs.field(default=0.5, validator=_energy)
    afternoon: float = attrs.field(default=0.6, validator=_energy)
    evening: float = attrs.field(default=0.7, validator=_energy)
    timezone: str = attrs.field(default="UTC", validator=_known_zone)
    activities: dict[str, float] = attrs.field(factory=ACTIVITIES.copy, validator=_energies)

    def energy_at(self, hour: float) -> float:
        """Return the energy that fits an hour of the day, in [0, 24), by straight lines between the four."""
        known = [(3, self.night), (9, self.morning), (15, self.afternoon), (21, self.evening), (27, self.night)]
        hour += 24 * (hour < 3)  # the day is a circle: the small hours lie between the evening and the night
        for (start, low), (end, high) in pairwise(known):
            if hour < end:
                return low + (high - low) * (hour - start) / (end - start)
        return self.night


def local_hour(request: Request, options: DaytimeOptions) -> float:
    """Return the hour, in [0, 24), that the context says, else that of the clock; ValueError if it says no hour."""
    said = request.context.get("hour")
    if said is None:
        now = request.now.astimezone(ZoneInfo(options.timezone))
        return now.hour + now.minute / 60
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not 0 <= said < 24:
        raise ValueError(f'context["hour"] must be a number from 0 to below 24, got {said!r}')
    return float(said)


def clock(hour: float) -> str:
    """Return an hour as a clock shows it: 22.5 is 22:30."""
    return f"{math.floor(hour):02}:{math.floor(hour % 1 * 60):02}"


class DaytimeFactor:
    """Scores by how near a track's energy is to the one that fits."""

    name = "daytime"
    weight = 0.15
    Options = DaytimeOptions

    def prepare(self, request: Request) -> NumericDistance:
        """Score by a distance: the ranking need not look at all tracks for that."""
        options: DaytimeOptions = request.options
        activity = request.context.get("activity")
        if isinstance(activity, str) and activity in options.activities:
            wanted, occasion = options.activities[activity], activity
        else:
            hour = local_hour(request, options)
            wanted, occasion = options.energy_at(hour), clock(hour)

        def reason(track: Mapping[str, Any], value: float) -> str:
            energy = "unknown" if track["energy"] is None else f"{track['energy']:g}"
            return f"energy {energy}, {wanted:.2g} fits {occasion}"

        return NumericDistance(column="energy", target=wanted, reason=reason)


@hookimpl
def qfzz_factors() -> list[DaytimeFactor]:
    """Register the factor."""
    return [DaytimeFactor()]
