"""What a user's feedback says of each arm: a genre, an artist or a mood."""

from __future__ import annotations

from typing import Any, Literal

import attrs

LIKE = 0.1  # the strength of one like, the unit in which feedback is counted


@attrs.frozen
class BanditOptions:
    """The table `[plugins.bandit]`: what an arm is."""

    by: Literal["genre", "artist", "mood"] = "genre"


def key_of(by: str, name: str) -> str:
    """Return the key of an arm's state; it holds `by`, so that changing it starts from nothing and can be undone."""
    return f"{by}:{name}"


def counts(state: Any) -> tuple[float, float]:
    """Return how much feedback was good and how much was bad, in likes."""
    good, bad = state or (0.0, 0.0)
    return good, bad


class ArmLearner:
    """Keeps [good, bad] for every arm that feedback was about: a pure function of the log, as a learner must be."""

    name = "bandit"

    def __init__(self, by: Literal["genre", "artist", "mood"]) -> None:
        self._by = by

    def keys(self, event: Any) -> list[str]:
        """Return the arm of the track that the feedback was about."""
        interaction = event.interaction
        if interaction is None or interaction.features is None:
            return []
        name = getattr(interaction.features, self._by)
        return [] if name is None else [key_of(self._by, name)]  # feedback on an unknown genre is about no arm

    def learn(self, state: Any, event: Any, key: str) -> list[float]:
        """Add the strength of one feedback to the good or to the bad."""
        good, bad = counts(state)
        likes = (event.interaction.strength or 0.0) / LIKE
        return [round(good + max(likes, 0.0), 9), round(bad + max(-likes, 0.0), 9)]

    def read(self, state: Any) -> float:
        """Return how good the arm is expected to be: the mean of its beta distribution, 0.5 before any feedback."""
        good, bad = counts(state)
        return (good + 1.0) / (good + bad + 2.0)
