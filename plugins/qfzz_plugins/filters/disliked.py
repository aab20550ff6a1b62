"""`disliked=False` leaves out the tracks whose latest judgement by this user was a dislike."""

from __future__ import annotations

from typing import Any

from qfzz_core import Predicate, Request, hookimpl
from qfzz_core.errors import shown


class DislikedFilter:
    """The filter `disliked`."""

    name = "disliked"

    def check(self, option: Any) -> None:
        """Take True or False."""
        if not isinstance(option, bool):
            raise ValueError(f"give False to leave disliked tracks out, True to keep them, got {shown(option)}")

    def prepare(self, request: Request, option: Any) -> Predicate | None:
        """Leave out what was disliked last, unless everything may pass."""
        if option:
            return None
        types = request.interaction_types
        judging = [name for name, known in types.items() if known.judgement is not None]
        dislikes = [name for name in judging if types[name].judgement == "dislike"]
        latest = request.latest(judging)
        disliked = latest.positions(dislikes)
        return latest.leave_out((disliked > 0) & (disliked == latest.positions(judging)))


@hookimpl
def qfzz_filters() -> list[DislikedFilter]:
    """Register the filter."""
    return [DislikedFilter()]
