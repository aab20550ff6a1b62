"""Ways in which filters, strategies and stores fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qfzz_core import Pick, Predicate, StoreScheme

from qfzz_broken.parts import Filter, Plugin, Strategy, Way, broken


def filtering(**methods: Any) -> Callable[[], Plugin]:
    """Return what makes a plugin with a filter of these methods."""
    return lambda: Plugin(qfzz_filters=lambda: [Filter(**methods)])


def picking(pick: Callable[[Any, Any], Any]) -> Callable[[], Plugin]:
    """Return what makes a plugin with a strategy of this `pick`."""
    return lambda: Plugin(qfzz_strategies=lambda: [Strategy(pick)])


def numbers(request: Any, option: Any) -> Predicate:
    """Answer a question of yes or no with numbers."""

    def passes(columns: Any, rows: Any) -> Any:
        return np.ones(len(rows))

    return Predicate(function=passes)


WAYS = [
    Way("filter-check", "where", "raises when it checks an option", filtering(check=broken)),
    Way("filter-prepare", "where", "raises when a filter is prepared", filtering(prepare=broken)),
    Way("filter-numbers", "where", "has a predicate that gives numbers", filtering(prepare=numbers)),
    Way("strategy-raises", "strategy", "raises when it picks", picking(broken)),
    Way("strategy-too-few", "strategy", "picks one track", picking(lambda request, ranking: [Pick(1)])),
    Way("strategy-twice", "strategy", "picks the best only", picking(lambda request, _: [Pick(1)] * request.limit)),
    Way("strategy-nonsense", "strategy", "picks what is no pick", picking(lambda request, ranking: "surprise")),
    Way(
        "store-raises",
        "store",
        "raises when its store is opened",
        lambda: Plugin(qfzz_stores=lambda: [StoreScheme("broken", broken)]),
    ),
]
