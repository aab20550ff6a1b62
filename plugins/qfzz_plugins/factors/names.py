"""Artist and mood: the profile's weight of the name, 0.0 if absent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from qfzz_core import CategoryTable, Request, hookimpl
from qfzz_core.model.names import normalise
from qfzz_core.model.tracks import names_of
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
        reason = partial(self.reason, weights)
        return CategoryTable(column=self.name, values=weights, missing=missing, reason=reason)

    def reason(self, weights: Mapping[str, float], track: Mapping[str, Any], value: float) -> str:
        """Say whether the name is liked: of several names, the one with the greatest weight."""
        names = names_of(track, self.name)
        if not names:
            return unknown(self.name, value)
        by_form = {normalise(name): weight for name, weight in weights.items()}
        name = max(names, key=lambda name: by_form.get(normalise(name), 0.0))
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
