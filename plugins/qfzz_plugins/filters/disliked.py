"""`disliked=False` leaves out the tracks whose latest judgement by this user was a dislike."""

from __future__ import annotations

from typing import Any

from qfzz_core import IdFilter, Request, hookimpl


class DislikedFilter:
    """The filter `disliked`."""

    name = "disliked"

    def check(self, option: Any) -> None:
        """Take True or False."""
        if not isinstance(option, bool):
            raise ValueError(f"give False to leave disliked tracks out, True to keep them, got {option!r}")

    def prepare(self, request: Request, option: Any) -> IdFilter | None:
        """Leave out what was disliked last, unless everything may pass."""
        return None if option else IdFilter(track_ids=disliked(request), exclude=True)


def disliked(request: Request) -> set[str]:
    """Return the ids of the tracks whose latest judgement was a dislike."""
    types = request.interaction_types
    judged: set[str] = set()
    found: set[str] = set()
    for interaction in request.interactions():
        known = types.get(interaction.type)
        if known is None or known.judgement is None or interaction.track_id in judged:
            continue
        judged.add(interaction.track_id)
        if known.judgement == "dislike":
            found.add(interaction.track_id)
    return found


@hookimpl
def qfzz_filters() -> list[DislikedFilter]:
    """Register the filter."""
    return [DislikedFilter()]
