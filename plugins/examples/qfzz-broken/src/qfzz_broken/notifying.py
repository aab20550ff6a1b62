"""Ways in which learners, observers and commands fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from qfzz_broken.parts import Plugin, Way, broken


@attrs.frozen
class Learner:
    """A learner that cannot learn."""

    learn: Callable[..., Any] = broken
    read: Callable[[Any], float] = lambda state: 0.0
    keys: Callable[[Any], Any] = lambda event: ["all"]
    name: str = "broken"


def emptying(recommended: Any) -> None:
    """Take the tracks out of the result."""
    for found in recommended.recommendations:
        found.track.clear()


def closing(recommended: Any) -> None:
    """Close the store, if what is given leads to it."""
    recommended.request.sources.state.__self__.close()


WAYS = [
    Way("learner-raises", "feedback", "raises when it should learn", lambda: Plugin(qfzz_learners=lambda: [Learner()])),
    Way(
        "observer-feedback",
        "feedback",
        "raises when it is notified of feedback",
        lambda: Plugin(qfzz_feedback_recorded=lambda feedback: broken()),
    ),
    Way(
        "observer-result",
        "recommend",
        "raises when it is notified of a result",
        lambda: Plugin(qfzz_recommended=lambda recommended: broken()),
    ),
    Way(
        "mutate-result",
        "recommend",
        "empties the tracks of which it is notified",
        lambda: Plugin(qfzz_recommended=emptying),
    ),
    Way(
        "observer-closes",
        "recommend",
        "closes the store by the object of a method, if there is one",
        lambda: Plugin(qfzz_recommended=closing),
    ),
    Way("command-raises", "command", "raises when it is called for commands", lambda: Plugin(qfzz_commands=broken)),
]
