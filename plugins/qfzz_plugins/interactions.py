"""The documented types of interaction and their strengths."""

from __future__ import annotations

from qfzz_core import InteractionType, hookimpl


@hookimpl
def qfzz_interaction_types() -> list[InteractionType]:
    """Register the documented types."""
    return [
        InteractionType("play", 0.05, heard=True),
        InteractionType("skip", -0.05),
        InteractionType("like", 0.1, judgement="like"),
        InteractionType("dislike", -0.1, judgement="dislike"),
        InteractionType("favorite", 0.2, judgement="like"),
    ]
