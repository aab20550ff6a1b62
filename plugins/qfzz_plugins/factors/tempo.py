"""Tempo: 1.0 if the track's tempo is the preferred one, or any tempo is; else 0.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qfzz_core import CategoryTable, Request, hookimpl
from qfzz_plugins.factors.missing import MissingIsHalf, unknown

ANY_TEMPO = "varied"


class TempoFactor:
    """The documented tempo factor."""

    name = "tempo"
    weight = 0.15
    order = 4
    Options = MissingIsHalf

    def prepare(self, request: Request) -> CategoryTable:
        """Score by the preferred tempo."""
        wanted, missing = request.profile.tempo_preference, request.options.missing

        def reason(track: Mapping[str, Any], value: float) -> str:
            if track["tempo"] is None:
                return unknown("tempo", value)
            if wanted == ANY_TEMPO:
                return f"{track['tempo']}, you like any tempo"
            return f"{track['tempo']}, as you prefer" if value > 0 else f"{track['tempo']}, you prefer {wanted}"

        if wanted == ANY_TEMPO:
            return CategoryTable(column="tempo", values={}, default=1.0, missing=missing, reason=reason)
        return CategoryTable(column="tempo", values={wanted: 1.0}, missing=missing, reason=reason)


@hookimpl
def qfzz_factors() -> list[TempoFactor]:
    """Register the factor."""
    return [TempoFactor()]
