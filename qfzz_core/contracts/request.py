"""One request as plugins see it: frozen, with what costs something fetched on demand."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from enum import Enum
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from qfzz_core.errors import RequestError, shown
from qfzz_core.model.events import SHOWN_INTERACTIONS, Interaction
from qfzz_core.model.plain import whole_of
from qfzz_core.model.profiles import ProfileSnapshot

if TYPE_CHECKING:
    from qfzz_core.contracts.latest import LatestInteractions
    from qfzz_core.model.names import Similarity

GREATEST_COUNT = 2**40  # more than any catalogue holds: a greater limit means all tracks, and fits an int64


class Unchanged(Enum):
    """An argument that is not given, where None has a meaning of its own: no limit."""

    UNCHANGED = "unchanged"


def checked_count(value: Any, what: str, lowest: int) -> int | None:
    """Return a whole number, or None for None; raises `RequestError` for anything else and for less than `lowest`."""
    if value is None:
        return None
    count = whole_of(value)
    if count is None or count < lowest:
        raise RequestError(f"{what} must be a whole number, {lowest} or more, or None, got {shown(value)}")
    return min(count, GREATEST_COUNT)


NO_RULES: Mapping[str, Any] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Sources:
    """Where the requests of an engine fetch from, on demand. Belongs to the engine; plugins use a request's methods."""

    interactions: Callable[[str], Iterator[Interaction]]
    latest: Callable[[ProfileSnapshot, Collection[str]], LatestInteractions]
    state: Callable[[str, str], Mapping[str, Any]]
    interaction_types: Mapping[str, Any]
    strategies: Mapping[str, Any]
    strategy_options: Mapping[str, Any]


@attrs.frozen(kw_only=True, eq=False)
class Request:
    """One request.

    `profile` is a snapshot with the overrides of this call; `context` the mapping given to the call; `now` the
    engine's clock, with a time zone; `limit` the number of tracks wanted, None for all; `options` the options of the
    plugin object that is called; `similarity` the genres that are similar; `rules` the options of the list rules by
    name, of which there are none yet.
    """

    profile: ProfileSnapshot
    context: Mapping[str, Any]
    limit: int | None
    now: datetime
    seed: str
    similarity: Similarity
    options: Any = None
    rules: Mapping[str, Any] = NO_RULES
    sources: Sources = attrs.field(repr=False)
    _random: random.Random | None = attrs.field(default=None, init=False, repr=False)

    @property
    def random(self) -> random.Random:
        """A generator for this request and this plugin object alone; its draws disturb nobody."""
        # Seeding takes 20 microseconds for each factor, filter and strategy of a request, and few of them draw.
        if self._random is None:
            object.__setattr__(self, "_random", random.Random(self.seed))
        return self._random  # type: ignore[return-value]

    def for_component(self, component: str, options: Any = None) -> Request:
        """Return the request as the plugin object `component` sees it: its options, its generator."""
        return Request(  # not by attrs.evolve, which takes four times as long, once for every factor
            profile=self.profile,
            context=self.context,
            limit=self.limit,
            now=self.now,
            seed=f"{self.seed}/{component}",
            similarity=self.similarity,
            options=options,
            rules=self.rules,
            sources=self.sources,
        )

    def interactions(self) -> Iterator[Interaction]:
        """Iterate the whole log of this user's interactions, newest first.

        What reads all of it takes time with every event: 5 s for a million. See `latest`.
        """
        return self.sources.interactions(self.profile.user_id)

    def latest(self, types: Collection[str]) -> LatestInteractions:
        """Return with which tracks this user had interactions of these types, and when they had the last of them.

        It is kept by event: however long the log is, only what was recorded since the last request is read.
        """
        return self.sources.latest(self.profile, types)

    def history(self, limit: int = SHOWN_INTERACTIONS) -> list[Interaction]:
        """Return the user's last interactions, oldest first, at most `limit`."""
        return list(islice(self.interactions(), limit))[::-1]

    def state(self, learner: str) -> Mapping[str, Any]:
        """Return what a learner knows of this user: plain data under keys. A copy, so changing it changes nothing."""
        return self.sources.state(self.profile.user_id, learner)

    @property
    def interaction_types(self) -> Mapping[str, Any]:
        """The registered `InteractionType` objects by name."""
        return self.sources.interaction_types

    def strategy(self, name: str, *, limit: int | Unchanged | None = Unchanged.UNCHANGED) -> tuple[Any, Request]:
        """Return another `DiscoveryStrategy` to wrap, and the request as it sees it: its options, its generator.

        `limit` is how many picks it is to return, 0 or more, None for all; without it, as many as this request wants.
        The ranking of this request serves every limit. Raises KeyError for a strategy that is not registered or whose
        options are missing, and `RequestError`, a ValueError, for a limit that cannot be used.
        """
        wrapped, options = self.sources.strategies[name], self.sources.strategy_options
        if name not in options:
            raise KeyError(f'the strategy "{name}" needs options, in a table [discovery.{name}]')
        seen = self.for_component(f"discovery.{name}", deepcopy(options[name]))
        if not isinstance(limit, Unchanged):
            seen = attrs.evolve(seen, limit=checked_count(limit, "limit", 0))
        return wrapped, seen
