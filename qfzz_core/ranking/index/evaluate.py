"""Evaluates the terms of a formula that no index holds: the likeliest rows first, until no others can be better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import TrackFunction, Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.index.bounds import greatest, upper_bound
from qfzz_core.ranking.index.entries import Places
from qfzz_core.ranking.shapes import Function

# Rows evaluated at a time: what a function needs for them stays in the processor's cache. With a function of 64
# dimensions the best 50 of a million take 2.8 ms with 256, 2.6 with 1,024, 2.4 with 4,096 and 2.5 with 16,384.
BLOCK = 4_096
# The same when dictionaries have to be fetched, which takes so long that the threshold had better be raised first: with
# 2,000 liked artists, the best 50 of 200,000 take 6.2 ms with 64, 4.9 with 256 and 13 with 1,024.
TRACKS = 256
# Rows that wait for being scored, which takes hardly longer for a few hundred than for one: the best 50 of a million
# take with 2,000 liked artists 11.1 ms with 16, 9.6 with 256 and 11.8 with 4,096.
MIN_SCORED = 256

Known = NDArray[np.float64]  # the values of rows, a line for each term, NaN where it was not evaluated


class Evaluator:
    """Evaluates some terms of a formula, for each row once, and counts for the plan the rows that have all of them.

    `upper_bound` is what these terms can add to a sum. Sums are compared with `slack`.
    """

    def __init__(self, formula: Formula, terms: Sequence[Term], *, slack: float, plan: Plan) -> None:
        self._formula = formula
        # What has its numbers at hand goes first, what needs dictionaries last, for the few rows that are left by then.
        self._terms = sorted(
            terms, key=lambda term: isinstance(term.evaluate, Function) + isinstance(term.prepared, TrackFunction)
        )
        self._block = TRACKS if any(isinstance(term.prepared, TrackFunction) for term in terms) else BLOCK
        self._slack = slack
        self._plan = plan
        self._known: list[tuple[Rows, Known]] = []  # what may have been evaluated, and the values
        self.upper_bound = sum(map(upper_bound, terms))

    def best(self, rows: Rows, sums: Values, count: int, threshold: float = -np.inf) -> Contenders:
        """Return what can be among the best `count`, if so many rows are known to reach the `threshold`.

        The rows are ascending, and what is not evaluated of them adds up to at most `sums`.
        """
        values = self._known_of(rows)
        known = dict(zip(self._terms, values, strict=True))
        found = Contenders(self._formula, known, rows, count, self._slack, threshold)
        for block in self._blocks(sums, found):
            found.add(*self._evaluated(rows, values, block, sums[block], found.threshold))
        self._known.append((rows, values))
        return found

    def _blocks(self, sums: Values, found: Contenders) -> Iterator[Places]:
        """Iterate the places of the sums with which a row can be among the best found meanwhile, the largest first."""
        if len(sums) <= self._block:
            yield (sums + self.upper_bound >= found.threshold).nonzero()[0]
            return
        order = (-sums).argsort()
        lacking, at = -sums[order], 0
        while at < (end := int(lacking.searchsorted(self.upper_bound - found.threshold, "right"))):
            stop = min(at + self._block, end)
            yield np.sort(order[at:stop])
            at = stop

    def _evaluated(
        self, rows: Rows, known: Known, block: Places, sums: Values, threshold: float
    ) -> tuple[Places, Values]:
        """Evaluate a block of places among the rows; return those that can reach the threshold, and their upper bounds.

        Each term is evaluated only for what those before it have left.
        """
        bounds = sums + self.upper_bound
        new = block[:0]
        for term, values in zip(self._terms, known, strict=True):
            new = block[np.isnan(values[block])]
            if len(new):
                values[new] = self._formula.values(term, rows[new])
            bounds += term.weight * values[block] - upper_bound(term)
            left = (bounds >= threshold).nonzero()[0]
            block, bounds = block[left], bounds[left]
        self._plan.scored += len(new)
        return block, bounds

    def _known_of(self, rows: Rows) -> Known:
        """Return which values of rows are known: of rows evaluated twice, the later values include the earlier."""
        known = np.full((len(self._terms), len(rows)), np.nan)
        for earlier, values in self._known:
            places = np.searchsorted(rows, earlier)
            again = (places < len(rows)).nonzero()[0]
            again = again[rows[places[again]] == earlier[again]]
            known[:, places[again]] = values[:, again]
        return known


@attrs.define(eq=False)
class Contenders:
    """The rows that can be among the best `count` of those added; so many of them reach the `threshold` for sure.

    What reaches it is scored when there are enough to raise it, or when the scores are needed. `known` are the values
    of rows by term.
    """

    _formula: Formula
    _known: Mapping[Term, Values]
    _rows: Rows
    _count: int
    _slack: float
    threshold: float
    _places: Places = attrs.field(factory=lambda: np.empty(0, dtype=np.intp))
    _waiting: Places = attrs.field(factory=lambda: np.empty(0, dtype=np.intp))
    _scores: Values = attrs.field(factory=lambda: np.empty(0))

    def add(self, places: Places, bounds: Values) -> None:
        """Take in rows at some places, of which all terms were evaluated and whose sums are at most the bounds."""
        if self.threshold == -np.inf and len(places) > self._count:  # the likeliest say which of the others can count
            order = (-bounds).argpartition(self._count)
            places, bounds = places[order], bounds[order]
            self._score(places[: self._count])
            places, bounds = places[self._count :], bounds[self._count :]
        self._waiting = np.concatenate([self._waiting, places[bounds >= self.threshold]])
        if len(self._waiting) >= (self._count if self.threshold == -np.inf else max(self._count, MIN_SCORED)):
            self._score_waiting()

    def scored(self) -> tuple[Rows, Values]:
        """Return the rows and their scores, in no order."""
        self._score_waiting()
        return self._rows[self._places], self._scores

    def _score_waiting(self) -> None:
        waiting, self._waiting = self._waiting, self._waiting[:0]
        self._score(waiting)

    def _score(self, places: Places) -> None:
        """Score rows exactly, raise the threshold, and keep what reaches it."""
        values = [
            self._known[term][places] if term in self._known else self._formula.values(term, self._rows[places])
            for term in self._formula.terms
        ]
        self._places = np.concatenate([self._places, places])
        self._scores = np.concatenate([self._scores, self._formula.combined(values, len(places))])
        if len(self._scores) >= self._count:
            sums = self._scores * self._formula.total
            self.threshold = max(self.threshold, greatest(sums, self._count) - self._slack)
            kept = (sums >= self.threshold).nonzero()[0]
            self._places, self._scores = self._places[kept], self._scores[kept]


class ExactScores:
    """The scores of rows by one formula, each computed once; its length is how many were."""

    def __init__(self, formula: Formula) -> None:
        self._formula = formula
        self._rows = np.empty(0, dtype=np.intp)
        self._scores = np.empty(0)

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, rows: Rows) -> Values:
        """Return the scores of ascending rows."""
        if not len(self):
            self._rows, self._scores = rows, self._formula.scores(rows)
            return self._scores
        new = rows[~np.isin(rows, self._rows, assume_unique=True)]
        known = np.concatenate([self._rows, new])
        scores = np.concatenate([self._scores, self._formula.scores(new)])
        order = known.argsort()
        self._rows, self._scores = known[order], scores[order]
        return self._scores[self._rows.searchsorted(rows)]
