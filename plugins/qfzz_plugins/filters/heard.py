"""`heard_within_days` and `heard_within_plays` leave out what this user heard not long ago."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from qfzz_core import Filter, IdFilter, Predicate, Request, hookimpl
from qfzz_core.errors import shown
from qfzz_core.model.events import Interaction
from qfzz_core.model.plain import number_or_nan, whole_of
from qfzz_core.model.timestamps import days_before

MOST = 2**40  # more plays than any log holds; islice refuses numbers beyond sys.maxsize


def heard_types(request: Request) -> list[str]:
    """Return the names of the interactions in which a track is heard."""
    return [name for name, known in request.interaction_types.items() if known.heard]


def hearings(request: Request) -> Iterator[Interaction]:
    """Iterate the interactions in which a track was heard, newest first."""
    types = heard_types(request)
    return (interaction for interaction in request.interactions() if interaction.type in types)


class HeardWithinDays:
    """Leaves out the tracks that were played in the last `option` days."""

    name = "heard_within_days"

    def check(self, option: Any) -> None:
        """Take a number of days, 0 or more."""
        if not 0 <= number_or_nan(option) <= 100_000:
            raise ValueError(f"give a number of days, 0 to 100,000, got {shown(option)}")

    def prepare(self, request: Request, option: Any) -> Predicate | None:
        """Leave out what was heard since, in whatever order it was recorded."""
        types = heard_types(request)
        latest = request.latest(types)
        return latest.leave_out(latest.since(days_before(request.now, float(option)), types))


class HeardWithinPlays:
    """Leaves out the tracks of the last `option` plays."""

    name = "heard_within_plays"

    def check(self, option: Any) -> None:
        """Take a whole number, 0 or more."""
        plays = whole_of(option)
        if plays is None or plays < 0:
            raise ValueError(f"give a whole number of plays, 0 or more, got {shown(option)}")

    def prepare(self, request: Request, option: Any) -> IdFilter:
        """Leave out what was heard last."""
        played = islice(hearings(request), min(whole_of(option) or 0, MOST))
        return IdFilter(track_ids={interaction.track_id for interaction in played}, exclude=True)


@hookimpl
def qfzz_filters() -> list[Filter]:
    """Register the filters."""
    return [HeardWithinDays(), HeardWithinPlays()]
