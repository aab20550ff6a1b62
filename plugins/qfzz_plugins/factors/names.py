"""Artist and mood: the profile's weight of the name, 0.0 if absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from qfzz_core import CategoryTable, Request, hookimpl
from qfzz_plugins.factors.missing import MissingIsNothing, unknown


@attrs.frozen
class NameFactor:
    """A documented factor that scores a name of the track; the profile's `field` has the weights of names."""

    name: str
    weight: float
    order: int
    field: str
    liked: str
    Options: type[MissingIsNothing] | None = None

    def prepare(self, request: Request) -> CategoryTable:
        """Score by the weights of the profile."""
        missing = None if self.Options is None else request.options.missing
        weights = getattr(request.profile, self.field)
        return CategoryTable(column=self.name, values=weights, missing=missing, reason=self.reason)

    def reason(self, track: Mapping[str, Any], value: float) -> str:
        """Say whether the name is liked."""
        name = track[self.name]
        if name is None:
            return unknown(self.name, value)
        return self.liked.format(name) if value > 0 else f"{name} is not among your {self.field}"


@attrs.frozen
class NamePlugin:
    """A plugin with one such factor, so that each can be switched off by its name."""

    factor: NameFactor

    @hookimpl
    def qfzz_factors(self) -> list[NameFactor]:
        """Register the factor."""
        return [self.factor]


artist = NamePlugin(NameFactor("artist", 0.25, 2, "artists", "you like {}"))
mood = NamePlugin(NameFactor("mood", 0.10, 5, "moods", "you like {} music", MissingIsNothing))
