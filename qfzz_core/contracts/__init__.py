"""What plugins promise and what they are given: the protocols, and what passes between plugins and the engine.

One module for each kind of object; the names below can be imported from here. They are found when they are first
used, so that the command line can name a format without waiting for NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qfzz_core._moved import serve_names

if TYPE_CHECKING:
    from qfzz_core.contracts.analysers import Analyser as Analyser
    from qfzz_core.contracts.analysers import AnalysisError as AnalysisError
    from qfzz_core.contracts.columns import Column as Column
    from qfzz_core.contracts.columns import ColumnKind as ColumnKind
    from qfzz_core.contracts.columns import Columns as Columns
    from qfzz_core.contracts.columns import Provider as Provider
    from qfzz_core.contracts.columns import Rows as Rows
    from qfzz_core.contracts.columns import Source as Source
    from qfzz_core.contracts.descriptions import Description as Description
    from qfzz_core.contracts.factors import CategoryTable as CategoryTable
    from qfzz_core.contracts.factors import ColumnFunction as ColumnFunction
    from qfzz_core.contracts.factors import Factor as Factor
    from qfzz_core.contracts.factors import NumericDistance as NumericDistance
    from qfzz_core.contracts.factors import Prepared as Prepared
    from qfzz_core.contracts.factors import Reason as Reason
    from qfzz_core.contracts.factors import TrackFunction as TrackFunction
    from qfzz_core.contracts.factors import Values as Values
    from qfzz_core.contracts.factors import factor as factor
    from qfzz_core.contracts.filters import CategoryFilter as CategoryFilter
    from qfzz_core.contracts.filters import Filter as Filter
    from qfzz_core.contracts.filters import IdFilter as IdFilter
    from qfzz_core.contracts.filters import Predicate as Predicate
    from qfzz_core.contracts.filters import PreparedFilter as PreparedFilter
    from qfzz_core.contracts.filters import RangeFilter as RangeFilter
    from qfzz_core.contracts.formats import Header as Header
    from qfzz_core.contracts.formats import ImportFileError as ImportFileError
    from qfzz_core.contracts.formats import Playlist as Playlist
    from qfzz_core.contracts.formats import PlaylistError as PlaylistError
    from qfzz_core.contracts.formats import Reader as Reader
    from qfzz_core.contracts.formats import Row as Row
    from qfzz_core.contracts.formats import TrackFile as TrackFile
    from qfzz_core.contracts.formats import Writer as Writer
    from qfzz_core.contracts.histories import HistoryReader as HistoryReader
    from qfzz_core.contracts.histories import LeftOut as LeftOut
    from qfzz_core.contracts.histories import Play as Play
    from qfzz_core.contracts.learners import InteractionType as InteractionType
    from qfzz_core.contracts.learners import Learner as Learner
    from qfzz_core.contracts.limits import Limits as Limits
    from qfzz_core.contracts.plan import Plan as Plan
    from qfzz_core.contracts.playlists import PlaylistEntry as PlaylistEntry
    from qfzz_core.contracts.playlists import PlaylistFile as PlaylistFile
    from qfzz_core.contracts.playlists import PlaylistReader as PlaylistReader
    from qfzz_core.contracts.playlists import PlaylistTitle as PlaylistTitle
    from qfzz_core.contracts.recommendation import Explanation as Explanation
    from qfzz_core.contracts.recommendation import FactorExplanation as FactorExplanation
    from qfzz_core.contracts.recommendation import FaultNote as FaultNote
    from qfzz_core.contracts.recommendation import Recommendation as Recommendation
    from qfzz_core.contracts.request import Request as Request
    from qfzz_core.contracts.stores import Store as Store
    from qfzz_core.contracts.stores import StoreScheme as StoreScheme
    from qfzz_core.contracts.strategies import DiscoveryStrategy as DiscoveryStrategy
    from qfzz_core.contracts.strategies import Pick as Pick
    from qfzz_core.contracts.strategies import Picks as Picks
    from qfzz_core.contracts.strategies import Ranking as Ranking

serve_names(
    __name__,
    {
        "analysers": "Analyser AnalysisError",
        "columns": "Column ColumnKind Columns Provider Rows Source",
        "descriptions": "Description",
        "factors": "CategoryTable ColumnFunction Factor NumericDistance Prepared Reason TrackFunction Values factor",
        "filters": "CategoryFilter Filter IdFilter Predicate PreparedFilter RangeFilter",
        "formats": "Header ImportFileError Playlist PlaylistError Reader Row TrackFile Writer",
        "histories": "HistoryReader LeftOut Play",
        "learners": "InteractionType Learner",
        "limits": "Limits",
        "plan": "Plan",
        "playlists": "PlaylistEntry PlaylistFile PlaylistReader PlaylistTitle",
        "recommendation": "Explanation FactorExplanation FaultNote Recommendation",
        "request": "Request",
        "stores": "Store StoreScheme",
        "strategies": "DiscoveryStrategy Pick Picks Ranking",
    },
)
