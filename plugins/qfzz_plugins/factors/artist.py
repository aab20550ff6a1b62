"""Artist: the profile's weight of the artist, 0.0 if absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qfzz_core import CategoryTable, Request, hookimpl


def reason(track: Mapping[str, Any], value: float) -> str:
    """Say how much the artist is liked."""
    return f"you like {track['artist']}" if value > 0 else f"{track['artist']} is not among your artists"


class ArtistFactor:
    """The documented artist factor."""

    name = "artist"
    weight = 0.25
    order = 2

    def prepare(self, request: Request) -> CategoryTable:
        """Score by the profile's artists."""
        return CategoryTable(column="artist", values=request.profile.artists, reason=reason)


@hookimpl
def qfzz_factors() -> list[ArtistFactor]:
    """Register the factor."""
    return [ArtistFactor()]
