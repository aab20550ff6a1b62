"""What a strategy gave, checked: picks that are there, each once, and as many as were asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.picks import Pick, Picks
from qfzz_core.contracts.strategies import Ranking
from qfzz_core.plugins.faults import BrokenContractError, refuse_coroutine


def checked_picks(given: Any, limit: int | None, ranking: Ranking) -> tuple[Picks, Rows]:
    """Return a strategy's picks, in arrays of our own, and the rows at their ranks.

    Raises `BrokenContractError` if they are not what was promised, and IndexError for a rank that is not there.
    """
    refuse_coroutine(given)
    picks = _of_columns(given) if isinstance(given, Picks) else _of_objects(list(given))
    ranks = picks.ranks
    if limit is not None and len(ranks) != len(ranking.take(limit)):
        raise BrokenContractError(f"pick returned {len(ranks)} picks, {len(ranking.take(limit))} were asked for")
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
    return column.astype(np.float64 if kinds == "f" else np.intp)
