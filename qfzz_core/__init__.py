"""The engine of QFZZ: for applications that want types, and for the authors of plugins.

Names are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qfzz_core._moved import serve_old_names
from qfzz_core._version import __version__

if TYPE_CHECKING:
    from qfzz_core.config import Config, load_config
    from qfzz_core.contracts import (
        CategoryFilter,
        CategoryTable,
        Column,
        ColumnFunction,
        DiscoveryStrategy,
        Factor,
        Filter,
        IdFilter,
        InteractionType,
        Learner,
        NumericDistance,
        Predicate,
        RangeFilter,
        Ranking,
        StoreScheme,
        TrackFunction,
    )
    from qfzz_core.contracts.columns import Columns
    from qfzz_core.contracts.factors import factor
    from qfzz_core.contracts.picks import Pick, Picks
    from qfzz_core.contracts.plan import Plan
    from qfzz_core.contracts.recommendation import Explanation, Recommendation
    from qfzz_core.contracts.request import Request
    from qfzz_core.engine import Engine
    from qfzz_core.errors import PluginWarning, QfzzError
    from qfzz_core.hookspecs import FeedbackRecorded, Recommended, Setup, hookimpl
    from qfzz_core.model.profiles import ProfileSnapshot, UserProfile

serve_old_names()

_HOMES = {
    "config": ("Config", "load_config"),
    "contracts": (
        "CategoryFilter",
        "CategoryTable",
        "Column",
        "ColumnFunction",
        "Columns",
        "DiscoveryStrategy",
        "Explanation",
        "Factor",
        "Filter",
        "IdFilter",
        "InteractionType",
        "Learner",
        "NumericDistance",
        "Pick",
        "Picks",
        "Plan",
        "Predicate",
        "RangeFilter",
        "Ranking",
        "Recommendation",
        "Request",
        "StoreScheme",
        "TrackFunction",
        "factor",
    ),
    "engine": ("Engine",),
    "errors": ("PluginWarning", "QfzzError"),
    "hookspecs": ("FeedbackRecorded", "Recommended", "Setup", "hookimpl"),
    "model.profiles": ("ProfileSnapshot", "UserProfile"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CategoryFilter",
    "CategoryTable",
    "Column",
    "ColumnFunction",
    "Columns",
    "Config",
    "DiscoveryStrategy",
    "Engine",
    "Explanation",
    "Factor",
    "FeedbackRecorded",
    "Filter",
    "IdFilter",
    "InteractionType",
    "Learner",
    "NumericDistance",
    "Pick",
    "Picks",
    "Plan",
    "PluginWarning",
    "Predicate",
    "ProfileSnapshot",
    "QfzzError",
    "RangeFilter",
    "Ranking",
    "Recommendation",
    "Recommended",
    "Request",
    "Setup",
    "StoreScheme",
    "TrackFunction",
    "UserProfile",
    "__version__",
    "factor",
    "hookimpl",
    "load_config",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"qfzz_core.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
