"""Thompson sampling with propensities that are exact (W. R. Thompson, Biometrika 25, 1933).

An arm is worth what a draw from Beta(1 + good, 1 + bad) says, and the arm with the best draw is taken. How likely each
arm was has no closed form. So the draws are made first, many of them; the share that an arm wins is its probability,
and the arm is drawn from those shares. The probability that is reported is then the one that was used, not an
estimate of it. Inside an arm the best-ranked track that is left is taken.
"""

from __future__ import annotations

import json
import logging
import math
from collections import deque
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qfzz_core import Picks, Ranking, Request

from qfzz_strategy_bandit.learning import counts, key_of

logger = logging.getLogger("qfzz_strategy_bandit")

Arms = dict[int, deque[int]]
Posterior = tuple[float, float]
Surprises = list[tuple[int, float]]
REASONS = ("ranked", "discovery")


def picked(request: Request, ranking: Ranking, by: str) -> Picks:
    """Return the picks of a request: the best-ranked in order, with the surprises at places drawn uniformly."""
    high, pool, wanted = groups(request, ranking)
    arms = arms_of(ranking, pool, by) if wanted else {}
    surprises = drawn(arms, posteriors(request, ranking, by), wanted, request)
    log(request, ranking, surprises)
    count = high + wanted
    surprising = np.zeros(count, dtype=np.intp)
    surprising[request.random.sample(range(count), wanted)] = 1
    ranks, propensities = np.empty(count, dtype=np.intp), np.full(count, np.nan)
    ranks[surprising == 0] = np.arange(1, high + 1)
    ranks[surprising == 1] = [rank for rank, _ in surprises]
    propensities[surprising == 1] = [propensity for _, propensity in surprises]
    return Picks(ranks, REASONS, surprising, propensities)


def groups(request: Request, ranking: Ranking) -> tuple[int, range, int]:
    """Return how many of the best are included, the ranks of the pool, and how many surprises are drawn from it.

    These are the numbers of the documented discovery, in which the surprises are drawn uniformly.
    """
    d, limit = request.profile.discovery_factor, request.limit
    if limit is None:
        count = len(ranking.take(None))
        high = count - math.floor(d * count + 1e-9)
        return high, range(high + 1, count + 1), math.floor(d * (count - high) + 0.5)
    wanted = math.floor(d * limit + 0.5)
    found = len(ranking.take(request.options.pool_depth * limit if wanted else limit))
    high = min(limit - wanted, found)
    return high, range(high + 1, found + 1), min(wanted, found - high)


def arms_of(ranking: Ranking, pool: range, by: str) -> Arms:
    """Return the ranks of each arm in the pool, the best first; the arms by the codes of their names."""
    arms: Arms = {}
    column = ranking.columns[by]
    codes = column.vocabulary.primaries(column.codes[ranking.at(pool)])  # of several genres or artists, the first one
    for rank, code in zip(pool, codes.tolist(), strict=True):
        arms.setdefault(code, deque()).append(rank)
    return arms


def posteriors(request: Request, ranking: Ranking, by: str) -> dict[int, Posterior]:
    """Return what is known of the arms by the codes of their names, which are equal for spellings of one name."""
    found: dict[int, Posterior] = {}
    vocabulary, prefix = ranking.columns[by].vocabulary, key_of(by, "")
    for key, state in request.state("bandit").items():
        if key.startswith(prefix):
            code = vocabulary.code(key.removeprefix(prefix))
            if code < 0:  # which is the arm of tracks without such a name
                continue
            (good, bad), (more, worse) = found.get(code, (0.0, 0.0)), counts(state)
            found[code] = (good + more, bad + worse)
    return found


def drawn(arms: Arms, known: dict[int, Posterior], wanted: int, request: Request) -> Surprises:
    """Return so many ranks, each with its probability given those before it; takes the ranks from the arms."""
    generator = np.random.default_rng(request.random.getrandbits(64))
    chosen: Surprises = []
    while len(chosen) < wanted:
        there = [code for code, ranks in arms.items() if ranks]
        shares = probabilities([known.get(code, (0.0, 0.0)) for code in there], request.options, generator)
        total = list(accumulate(shares))
        while len(chosen) < wanted:  # the shares hold until an arm is used up
            (place,) = request.random.choices(range(len(there)), cum_weights=total)
            ranks = arms[there[place]]
            chosen.append((ranks.popleft(), min(shares[place], 1.0)))
            if not ranks:
                break
    return chosen


def probabilities(known: list[Posterior], options: Any, generator: np.random.Generator) -> list[float]:
    """Return the probability of each arm: the share of the draws that it wins, mixed with what all have alike."""
    good, bad = np.array(known, dtype=np.float64).T
    draws: NDArray[np.float64] = generator.beta(1.0 + good, 1.0 + bad, size=(options.samples, len(known)))
    wins = np.bincount(draws.argmax(axis=1), minlength=len(known)) / options.samples
    shares: list[float] = ((1.0 - options.explore) * wins + options.explore / len(known)).tolist()
    return shares


def log(request: Request, ranking: Ranking, surprises: Surprises) -> None:
    """Log a line of JSON for each surprise, as evaluation needs it; at DEBUG, because it names user and track."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    track_ids = ranking.columns["track_id"].names(ranking.at([rank for rank, _ in surprises]))
    for (rank, propensity), track_id in zip(surprises, track_ids, strict=True):
        shown = {"track_id": track_id, "rank": rank, "propensity": propensity}
        logger.debug(json.dumps({"time": request.now.isoformat(), "user_id": request.profile.user_id, **shown}))
