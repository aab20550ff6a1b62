"""Trust: how far a user can trust what a creator publishes, from that user's own feedback.

    trust = (p + 1) / (p + q + 2)

with p the sum of the positive strengths and q that of the absolute negative ones, in units of one `like` (0.1): the
mean of a beta reputation (A. Jøsang and R. Ismail, "The Beta Reputation System", 2002); 0.5 before any feedback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qfzz_core import CategoryTable, Column, Request, hookimpl
from qfzz_core.model.events import Event
from qfzz_core.model.learning import publisher_of

LIKE = 0.1  # the strength of a `like`, the unit of feedback
UNKNOWN = 0.5  # the mean of a beta distribution of which nothing is known


def trust(state: Any) -> float:
    """Return the trust of a state [p, q], in (0, 1); of None, 0.5."""
    positive, negative = state or (0.0, 0.0)
    return float((positive + 1) / (positive + negative + 2))


class TrustLearner:
    """Keeps [p, q] for every publisher that a user gave feedback on."""

    name = "trust"

    def keys(self, event: Event) -> list[str]:
        """Return the publisher of the track that the feedback was about."""
        interaction = event.interaction
        return [interaction.features.publisher] if interaction is not None and interaction.features is not None else []

    def learn(self, state: Any, event: Event, key: str) -> list[float]:
        """Add the strength of one feedback."""
        positive, negative = state or (0.0, 0.0)
        strength = event.interaction.strength if event.interaction is not None else None
        # rounded, or 0.15 would be 1.4999999999999998 likes, and 0.1 and 0.2 together 0.30000000000000004
        units = round((strength or 0.0) / LIKE, 12)
        return [round(positive + max(units, 0.0), 12), round(negative + max(-units, 0.0), 12)]

    def read(self, state: Any) -> float:
        """Return the trust."""
        return trust(state)


def reason(track: Mapping[str, Any], value: float) -> str:
    """Say what the trust rests on."""
    if value == UNKNOWN:
        return "nothing known yet of who published it"
    return "you liked what its publisher published" if value > UNKNOWN else "you disliked what its publisher published"


class TrustFactor:
    """Scores by trust; off until the configuration gives it a weight."""

    name = "trust"
    weight = 0.0

    def prepare(self, request: Request) -> CategoryTable:
        """Score by the trust in each publisher."""
        values = {publisher: trust(state) for publisher, state in request.state("trust").items()}
        return CategoryTable(column="publisher", values=values, default=UNKNOWN, reason=reason)


@hookimpl
def qfzz_factors() -> list[TrustFactor]:
    """Register the factor."""
    return [TrustFactor()]


@hookimpl
def qfzz_learners() -> list[TrustLearner]:
    """Register the learner."""
    return [TrustLearner()]


@hookimpl
def qfzz_columns() -> list[Column]:
    """Declare who published a track: its creator, or without one its artist."""
    return [Column(name="publisher", kind="category", source=publisher_of, version="1", compare="exact")]
