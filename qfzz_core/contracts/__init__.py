"""What plugins promise and what they are given: the protocols, and what passes between plugins and the engine.

One module for each kind of object; the names below can be imported from here. They are found when they are first
used, so that the command line can name a format without waiting for NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qfzz_core.contracts.columns import Column, ColumnKind, Columns, Provider, Rows, Source
    from qfzz_core.contracts.factors import (
        CategoryTable,
        ColumnFunction,
        Factor,
        NumericDistance,
        Prepared,
        Reason,
        TrackFunction,
        Values,
        factor,
    )
    from qfzz_core.contracts.filters import CategoryFilter, Filter, IdFilter, Predicate, PreparedFilter, RangeFilter
    from qfzz_core.contracts.formats import ImportFileError, Playlist, PlaylistError, Reader, Row, TrackFile, Writer
    from qfzz_core.contracts.learners import InteractionType, Learner
    from qfzz_core.contracts.picks import Pick, Picks
    from qfzz_core.contracts.plan import Plan
    from qfzz_core.contracts.recommendation import Explanation, FactorExplanation, FaultNote, Recommendation
    from qfzz_core.contracts.request import Request
    from qfzz_core.contracts.stores import Store, StoreScheme
    from qfzz_core.contracts.strategies import DiscoveryStrategy, Ranking

_NAMES = {
    "columns": "Column ColumnKind Columns Provider Rows Source",
    "factors": "CategoryTable ColumnFunction Factor NumericDistance Prepared Reason TrackFunction Values factor",
    "filters": "CategoryFilter Filter IdFilter Predicate PreparedFilter RangeFilter",
    "formats": "ImportFileError Playlist PlaylistError Reader Row TrackFile Writer",
    "learners": "InteractionType Learner",
    "picks": "Pick Picks",
    "plan": "Plan",
    "recommendation": "Explanation FactorExplanation FaultNote Recommendation",
    "request": "Request",
    "stores": "Store StoreScheme",
    "strategies": "DiscoveryStrategy Ranking",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "CategoryFilter",
    "CategoryTable",
    "Column",
    "ColumnFunction",
    "ColumnKind",
    "Columns",
    "DiscoveryStrategy",
    "Explanation",
    "Factor",
    "FactorExplanation",
    "FaultNote",
    "Filter",
    "IdFilter",
    "ImportFileError",
    "InteractionType",
    "Learner",
    "NumericDistance",
    "Pick",
    "Picks",
    "Plan",
    "Playlist",
    "PlaylistError",
    "Predicate",
    "Prepared",
    "PreparedFilter",
    "Provider",
    "RangeFilter",
    "Ranking",
    "Reader",
    "Reason",
    "Recommendation",
    "Request",
    "Row",
    "Rows",
    "Source",
    "Store",
    "StoreScheme",
    "TrackFile",
    "TrackFunction",
    "Values",
    "Writer",
    "factor",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"qfzz_core.contracts.{_HOMES[name]}"), name)
