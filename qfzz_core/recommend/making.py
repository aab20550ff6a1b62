"""From a valid query to the request that plugins see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from qfzz_core.contracts.request import Request, Sources
from qfzz_core.contracts.stores import Store
from qfzz_core.model.events import Interaction
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.plugins.registry import Registered, Registry
from qfzz_core.plugins.settings import Settings
from qfzz_core.recommend.query import Query

T = TypeVar("T")


class RequestMaker:
    """Makes the requests of one engine. `clock` returns the time, with a time zone."""

    def __init__(self, store: Store, registry: Registry, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._sources = Sources(
            interactions=self._interactions,
            state=store.states,
            interaction_types=_values(registry.interaction_types),
            strategies=_values(registry.strategies),
            strategy_options=settings.strategy_options,
        )

    def made(self, query: Query, profile: ProfileSnapshot, seed: str) -> Request:
        """Return the request of the user whose profile this is."""
        return Request(
            profile=profile.overridden(query.preferences),
            context=query.context,
            limit=query.limit,
            now=self._clock(),
            seed=seed,
            similarity=self._registry.similarity,
            sources=self._sources,
        )

    def _interactions(self, user_id: str) -> Iterator[Interaction]:
        events = self._store.events(user_id, newest_first=True)
        return (event.interaction for event in events if event.interaction is not None)


def _values(registered: Mapping[str, Registered[T]]) -> Mapping[str, T]:
    return MappingProxyType({name: each.value for name, each in registered.items()})
