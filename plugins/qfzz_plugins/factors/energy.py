"""Energy: 1 - abs(track energy - preferred energy)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qfzz_core import NumericDistance, Request, hookimpl
from qfzz_plugins.factors.missing import MissingIsHalf, unknown


class EnergyFactor:
    """The documented energy factor."""

    name = "energy"
    weight = 0.20
    order = 3
    Options = MissingIsHalf

    def prepare(self, request: Request) -> NumericDistance:
        """Score by the distance to the preferred energy."""
        wanted = request.profile.energy_level

        def reason(track: Mapping[str, Any], value: float) -> str:
            if track["energy"] is None:
                return unknown("energy", value)
            return f"energy {track['energy']:g}, you prefer {wanted:g}"

        return NumericDistance(column="energy", target=wanted, missing=request.options.missing, reason=reason)


@hookimpl
def qfzz_factors() -> list[EnergyFactor]:
    """Register the factor."""
    return [EnergyFactor()]
