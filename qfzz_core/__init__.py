"""The engine of QFZZ: for applications that want types, and for the authors of plugins.

Names are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qfzz_core._moved import serve_names, serve_old_names
from qfzz_core._version import __version__ as __version__

if TYPE_CHECKING:
    from qfzz_core.config import Config as Config
    from qfzz_core.config import load_config as load_config
    from qfzz_core.contracts import CategoryFilter as CategoryFilter
    from qfzz_core.contracts import CategoryTable as CategoryTable
    from qfzz_core.contracts import Column as Column
    from qfzz_core.contracts import ColumnFunction as ColumnFunction
    from qfzz_core.contracts import Columns as Columns
    from qfzz_core.contracts import DiscoveryStrategy as DiscoveryStrategy
    from qfzz_core.contracts import Explanation as Explanation
    from qfzz_core.contracts import Factor as Factor
    from qfzz_core.contracts import Filter as Filter
    from qfzz_core.contracts import IdFilter as IdFilter
    from qfzz_core.contracts import InteractionType as InteractionType
    from qfzz_core.contracts import Learner as Learner
    from qfzz_core.contracts import NumericDistance as NumericDistance
    from qfzz_core.contracts import Pick as Pick
    from qfzz_core.contracts import Picks as Picks
    from qfzz_core.contracts import Plan as Plan
    from qfzz_core.contracts import Predicate as Predicate
    from qfzz_core.contracts import RangeFilter as RangeFilter
    from qfzz_core.contracts import Ranking as Ranking
    from qfzz_core.contracts import Recommendation as Recommendation
    from qfzz_core.contracts import Request as Request
    from qfzz_core.contracts import StoreScheme as StoreScheme
    from qfzz_core.contracts import TrackFunction as TrackFunction
    from qfzz_core.contracts import factor as factor
    from qfzz_core.engine import Engine as Engine
    from qfzz_core.errors import PluginWarning as PluginWarning
    from qfzz_core.errors import QfzzError as QfzzError
    from qfzz_core.hookspecs import FeedbackRecorded as FeedbackRecorded
    from qfzz_core.hookspecs import Recommended as Recommended
    from qfzz_core.hookspecs import Setup as Setup
    from qfzz_core.hookspecs import hookimpl as hookimpl
    from qfzz_core.model.profiles import ProfileSnapshot as ProfileSnapshot
    from qfzz_core.model.profiles import UserProfile as UserProfile

serve_names(
    __name__,
    {
        "config": "Config load_config",
        "contracts": "CategoryFilter CategoryTable Column ColumnFunction Columns DiscoveryStrategy Explanation Factor "
        "Filter IdFilter InteractionType Learner NumericDistance Pick Picks Plan Predicate RangeFilter "
        "Ranking Recommendation Request StoreScheme TrackFunction factor",
        "engine": "Engine",
        "errors": "PluginWarning QfzzError",
        "hookspecs": "FeedbackRecorded Recommended Setup hookimpl",
        "model.profiles": "ProfileSnapshot UserProfile",
    },
    "__version__",
)
serve_old_names()
