"""Mood: the profile's weight of the mood, 0.0 if absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qfzz_core import CategoryTable, Request, hookimpl


def reason(track: Mapping[str, Any], value: float) -> str:
    """Say how much the mood is liked."""
    return f"you like {track['mood']} music" if value > 0 else f"{track['mood']} is not among your moods"


class MoodFactor:
    """The documented mood factor."""

    name = "mood"
    weight = 0.10
    order = 5

    def prepare(self, request: Request) -> CategoryTable:
        """Score by the profile's moods."""
        return CategoryTable(column="mood", values=request.profile.moods, reason=reason)


@hookimpl
def qfzz_factors() -> list[MoodFactor]:
    """Register the factor."""
    return [MoodFactor()]
