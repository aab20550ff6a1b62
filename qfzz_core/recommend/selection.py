"""What is chosen from a ranking, by rank alone or by a strategy, and the dictionaries behind it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import islice
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Columns, Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.contracts.recommendation import Recommendation
from qfzz_core.contracts.request import Request
from qfzz_core.contracts.strategies import DiscoveryStrategy, Pick, Picks, Ranking
from qfzz_core.model.plain import only_called
from qfzz_core.model.tracks import Track
from qfzz_core.plugins.faults import BrokenContractError, ComponentFaultError, answer, fault_in, refuse_coroutine
from qfzz_core.plugins.registry import Registered
from qfzz_core.ranking.eligibility import EligibleRanking
from qfzz_core.recommend.explain import Account

# Dictionaries fetched at once by `read`, which doubles them from the first to the largest. From SQLite, 20,000 tracks
# take 110 ms in blocks of 128, 97 in blocks of 1,024 and 90 in blocks of 8,192, which hold eight times the memory. The
# first five of a long list take the same with 16 as with 64; with 4 a page of 20 takes three fetches.
FIRST_BLOCK, LARGEST_BLOCK = 16, 1_024


@attrs.frozen(eq=False)
class Selection:
    """What was chosen for a request, its scores, and what explains them and how they were found."""

    snapshot: Snapshot
    chosen: Chosen
    scores: Values
    account: Account
    plan: Plan

    @property
    def rows(self) -> Rows:
        """The rows of the picks."""
        return self.chosen.rows

    def __len__(self) -> int:
        return len(self.rows)

    def tracks(self) -> list[Track]:
        """Return the dictionaries, the caller's own; raises `StaleCatalogueError` if one is gone."""
        if len(self) < LARGEST_BLOCK:
            return self.snapshot.fetch(self.rows)
        order = np.argsort(self.rows)  # neighbours in the store are read one after the other, which takes less time
        fetched = self.snapshot.fetch(self.rows[order])
        return [fetched[place] for place in np.argsort(order).tolist()]

    def recommendations(self) -> list[Recommendation]:
        """Return them all; raises `StaleCatalogueError` if a track is gone."""
        return list(self._made(slice(None), self.tracks()))

    def read(self) -> Generator[Recommendation, None, None]:
        """Iterate them, fetching a block at a time; a track that is gone when its turn comes is left out."""
        start, size = 0, FIRST_BLOCK
        while start < len(self):
            places = slice(start, start + size)
            yield from self._made(places, self.snapshot.tracks_at(self._positions(places)))
            start, size = start + size, min(2 * size, LARGEST_BLOCK)

    def fetched_plan(self) -> Plan:
        """Fetch the dictionaries, and return how they were found."""
        self.tracks()
        return self.plan

    def _positions(self, places: slice) -> list[int]:
        positions: list[int] = self.snapshot.positions[self.rows[places]].tolist()
        return positions

    def _made(self, places: slice, tracks: Sequence[Track | None]) -> Generator[Recommendation, None, None]:
        rows, scores = self.rows[places].tolist(), self.scores[places].tolist()
        facts = zip(scores, *self.chosen.picks[places].listed(), tracks, rows, strict=True)
        for score, rank, reason, propensity, track, row in facts:
            if track is not None:
                yield Recommendation(score, rank, reason, propensity, track, row, self.account)


@attrs.frozen(eq=False)
class Chosen:
    """Picks in the order of the result, and the rows at their ranks."""

    picks: Picks
    rows: Rows


def best_ranked(ranking: EligibleRanking, limit: int | None) -> Chosen:
    """Return the best `limit` tracks, all of them for None."""
    rows = ranking.take(limit)
    return Chosen(Picks(np.arange(1, len(rows) + 1)), rows)


@attrs.frozen(eq=False)
class ShownRanking:
    """The ranking as a strategy sees it: it does not lead to what the rest of the request relies on."""

    columns: Columns
    take: Callable[[int | None], Rows]
    at: Callable[[Sequence[int] | Rows], Rows]
    scores: Callable[[Sequence[int] | Rows], Values]

    @classmethod
    def of(cls, ranking: EligibleRanking) -> ShownRanking:
        """Return what shows a ranking, by functions that lead to it no more than they say."""
        return cls(
            ranking.columns.shown,
            only_called(ranking.take),
            only_called(ranking.at),
            only_called(ranking.scores),
        )


def picked(strategy: Registered[DiscoveryStrategy], request: Request, options: Any, ranking: EligibleRanking) -> Chosen:
    """Return what a strategy picks; raises `ComponentFaultError` if it fails.

    What a factor or filter raised on the way to the strategy, which may have swallowed it, is raised as it was.
    """
    given = request.for_component(f"discovery.{strategy.name}", options)
    try:
        picks = answer(strategy.value.pick, given, ShownRanking.of(ranking))
        chosen = Chosen(*checked_picks(picks, request.limit, ranking))
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        fault = fault_in(error)
        if ranking.failure is None:
            raise ComponentFaultError(f"strategy {strategy.name}", strategy.origin) from fault
    if ranking.failure is not None:
        raise ranking.failure
    return chosen


def checked_picks(given: Any, limit: int | None, ranking: Ranking) -> tuple[Picks, Rows]:
    """Return a strategy's picks, in arrays of our own, and the rows at their ranks.

    Raises `BrokenContractError` if they are not what was promised, and IndexError for a rank that is not there.
    """
    refuse_coroutine(given)
    wanted = len(ranking.take(limit))
    if not isinstance(given, (Picks, list, tuple)):
        given = list(islice(given, wanted + 1))  # one more than there can be: a generator may never end
    picks = _of_columns(given) if isinstance(given, Picks) else _of_objects(list(given))
    ranks = picks.ranks
    if limit is not None and len(ranks) != wanted:
        raise BrokenContractError(f"pick returned {len(ranks)} picks, {wanted} were asked for")
    rows = ranking.at(ranks)
    if len(ranks) and np.bincount(ranks).max() > 1:
        raise BrokenContractError("pick returned a rank twice")
    return picks, rows


def _of_objects(picks: list[Any]) -> Picks:
    for pick in picks:
        if not isinstance(pick, Pick) or not isinstance(pick.reason, str) or type(pick.rank) is not int:
            raise BrokenContractError(f"pick must return Pick objects with a whole rank and a reason, got {pick!r}")
        if pick.propensity is not None and not (type(pick.propensity) is float and 0.0 <= pick.propensity <= 1.0):
            raise BrokenContractError(f"a propensity must be a float from 0 to 1 or None, got {pick.propensity!r}")
    return Picks.of(picks)


def _of_columns(picks: Picks) -> Picks:
    ranks = _own(picks.ranks, "ranks", "iu", len(picks.ranks))
    if not isinstance(picks.reasons, tuple) or not picks.reasons or {type(each) for each in picks.reasons} != {str}:
        raise BrokenContractError(f"the reasons of Picks must be a tuple of strings, got {picks.reasons!r}")
    reason_of = None if picks.reason_of is None else _own(picks.reason_of, "reason_of", "iu", len(ranks))
    if reason_of is not None and not ((reason_of >= 0) & (reason_of < len(picks.reasons))).all():
        raise BrokenContractError(f"reason_of of Picks must point at one of the {len(picks.reasons)} reasons")
    chances = None if picks.propensities is None else _own(picks.propensities, "propensities", "f", len(ranks))
    if chances is not None and ((chances < 0.0) | (chances > 1.0)).any():
        raise BrokenContractError("the propensities of Picks must lie in [0, 1], or be NaN")
    return Picks(ranks, picks.reasons, reason_of, chances)


def _own(column: Any, what: str, kinds: str, count: int) -> NDArray[Any]:
    """Return a copy of one of the columns: the strategy may keep its own array."""
    if not isinstance(column, np.ndarray) or column.dtype.kind not in kinds or column.shape != (count,):
        shown = f"{column.dtype} of shape {column.shape}" if isinstance(column, np.ndarray) else repr(column)
        numbers = "floats" if kinds == "f" else "whole numbers"
        raise BrokenContractError(f"{what} of Picks must be an array of {count} {numbers}, got {shown}")
    return np.array(column, dtype=np.float64 if kinds == "f" else np.intp)
