"""Where the requests of one engine fetch from, when a plugin wants more than its snapshot of the profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from qfzz_core.contracts.request import Sources
from qfzz_core.contracts.stores import Store
from qfzz_core.model.events import Interaction
from qfzz_core.plugins.registry import Registered, Registry
from qfzz_core.plugins.settings import Settings
from qfzz_core.profiles.latest import LatestCache

T = TypeVar("T")


def request_sources(store: Store, registry: Registry, settings: Settings, latest: LatestCache) -> Sources:
    """Return the sources of an engine's requests."""

    def interactions(user_id: str) -> Iterator[Interaction]:
        events = store.events(user_id, newest_first=True)
        return (event.interaction for event in events if event.interaction is not None)

    return Sources(
        interactions=interactions,
        latest=latest.of,
        state=store.states,
        interaction_types=_values(registry.interaction_types),
        strategies=_values(registry.strategies),
        strategy_options=settings.strategy_options,
    )


def _values(registered: Mapping[str, Registered[T]]) -> Mapping[str, T]:
    return MappingProxyType({name: each.value for name, each in registered.items()})
