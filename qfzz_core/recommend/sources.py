"""Where the requests of one engine fetch from, when a plugin wants more than its snapshot of the profile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from qfzz_core.contracts.latest import LatestInteractions
from qfzz_core.contracts.request import Request, Sources
from qfzz_core.contracts.stores import Store
from qfzz_core.contracts.strategies import DiscoveryStrategy, Pick, Ranking
from qfzz_core.model.events import Interaction, in_effect
from qfzz_core.model.plain import only_called
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.plugins.faults import store_errors_pass
from qfzz_core.plugins.registry import Registered, Registry
from qfzz_core.plugins.settings import Settings
from qfzz_core.profiles.latest import LatestCache


def request_sources(store: Store, registry: Registry, settings: Settings, latest: LatestCache) -> Sources:
    """Return the sources of an engine's requests."""

    # Functions of our own, because a method leads by its `__self__` to the store, which a plugin could close.
    def interactions(user_id: str) -> Iterator[Interaction]:
        with store_errors_pass:
            for event in in_effect(store.events(user_id, newest_first=True)):
                if event.interaction is not None:
                    yield event.interaction.unshared()

    def state(user_id: str, learner: str) -> Mapping[str, Any]:
        with store_errors_pass:
            return store.states(user_id, learner)

    def latest_of(profile: ProfileSnapshot, types: Collection[str]) -> LatestInteractions:
        with store_errors_pass:
            return latest.of(profile, types)

    return Sources(
        interactions=interactions,
        latest=latest_of,
        state=state,
        interaction_types=MappingProxyType({name: each.value for name, each in registry.interaction_types.items()}),
        strategies=MappingProxyType({name: ShownStrategy.of(each) for name, each in registry.strategies.items()}),
        strategy_options=MappingProxyType(dict(settings.strategy_options)),
    )


@attrs.frozen(eq=False)
class ShownStrategy:
    """A strategy as one that wraps it sees it: it picks, and cannot be changed."""

    name: str
    pick: Callable[[Request, Ranking], Sequence[Pick]]

    @classmethod
    def of(cls, strategy: Registered[DiscoveryStrategy]) -> ShownStrategy:
        """Return what shows a strategy."""
        return cls(strategy.name, only_called(strategy.value.pick))
