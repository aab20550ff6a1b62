"""Asking the terms of a formula that no index holds: about the likeliest rows first, until no others can be better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import TrackFunction, Values
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.index.bounds import most
from qfzz_core.ranking.index.build import Places
from qfzz_core.ranking.index.sums import greatest
from qfzz_core.ranking.shapes import Function

BLOCK = 4_096  # rows asked about at a time: what a function needs for them stays in the processor's cache

TRACKS = 256  # rows asked about at a time when dictionaries have to be fetched, which takes longer than a block
LEAST_SCORED = 256  # rows that wait for being scored, which takes hardly longer for a few hundred than for one

Answers = NDArray[np.float64]  # the values of rows, a line for each term, NaN where it was not asked


class Asking:
    """Asks some terms of a formula about rows, about each row once, and tells the plan how many were asked everything.

    `most` is what these terms can add to a sum. Sums are compared with `slack`.
    """

    def __init__(self, formula: Formula, terms: Sequence[Term], *, slack: float, plan: Plan) -> None:
        self._formula = formula
        self._terms = sorted(terms, key=_turn)
        self._block = TRACKS if any(isinstance(term.prepared, TrackFunction) for term in terms) else BLOCK
        self._slack = slack
        self._plan = plan
        self._known: list[tuple[Rows, Answers]] = []  # what may have been asked, and the answers
        self.most = sum(term.weight * most(term) for term in terms)

    def best(self, rows: Rows, sums: Values, count: int, least: float = -np.inf) -> Best:
        """Return what can be among the best `count`, if so many rows are known to have the `least` sum.

        The rows are growing, and what is not asked of them adds up to at most `sums`.
        """
        answers = self._recalled(rows)
        known = dict(zip(self._terms, answers, strict=True))
        found = Best(self._formula, known, rows, count=count, slack=self._slack, least=least)
        for block in self._blocks(sums, found):
            found.add(*self._asked(rows, answers, block, sums[block], found.least))
        self._known.append((rows, answers))
        return found

    def _blocks(self, sums: Values, found: Best) -> Iterator[Places]:
        """Iterate the places of the sums with which a row can be among the best found meanwhile, the largest first."""
        if len(sums) <= self._block:
            yield (sums + self.most >= found.least).nonzero()[0]
            return
        order = (-sums).argsort()
        lacking, at = -sums[order], 0
        while at < (end := int(lacking.searchsorted(self.most - found.least, "right"))):
            stop = min(at + self._block, end)
            yield np.sort(order[at:stop])
            at = stop

    def _asked(self, rows: Rows, answers: Answers, block: Places, sums: Values, least: float) -> tuple[Places, Values]:
        """Ask about a block of places among the rows; return those that can have the least sum, and what they can have.

        Each term is asked about what those before it have left.
        """
        reach = sums + self.most
        new = block[:0]
        for term, values in zip(self._terms, answers, strict=True):
            new = block[np.isnan(values[block])]
            if len(new):
                values[new] = self._formula.values(term, rows[new])
            reach += term.weight * (values[block] - most(term))
            left = (reach >= least).nonzero()[0]
            block, reach = block[left], reach[left]
        self._plan.scored += len(new)
        return block, reach

    def _recalled(self, rows: Rows) -> Answers:
        """Return what was answered about rows before."""
        answers = np.full((len(self._terms), len(rows)), np.nan)
        if len(self._known) > 1:
            self._known = [_merged(*self._known)]
        for known, values in self._known:
            places = np.searchsorted(rows, known)
            again = (places < len(rows)).nonzero()[0]
            again = again[rows[places[again]] == known[again]]
            answers[:, places[again]] = values[:, again]
        return answers


def _turn(term: Term) -> int:
    """Return when a term is asked: what has its numbers at hand first, what needs dictionaries last."""
    return isinstance(term.evaluate, Function) + isinstance(term.prepared, TrackFunction)


def _merged(earlier: tuple[Rows, Answers], later: tuple[Rows, Answers]) -> tuple[Rows, Answers]:
    """Return what is known of all rows; of those of both, the later has the answers of the earlier too."""
    rows, first = np.unique(np.concatenate([later[0], earlier[0]]), return_index=True)
    return rows, np.concatenate([later[1], earlier[1]], axis=1)[:, first]


class Best:
    """The rows that can be among the best `count` of those added so far; so many of them have the `least` sum for sure.

    What has that sum or more is scored when there are enough to raise it, or when somebody asks.
    """

    def __init__(
        self,
        formula: Formula,
        answers: Mapping[Term, Values],
        rows: Rows,
        *,
        count: int,
        slack: float,
        least: float,
    ) -> None:
        self._formula = formula
        self._answers = answers
        self._rows = rows
        self._count = count
        self._slack = slack
        self._places = self._waiting = np.empty(0, dtype=np.intp)
        self._scores = np.empty(0)
        self.least = least

    def add(self, places: Places, reach: Values) -> None:
        """Take in rows at some places, which were asked everything and have sums of at most `reach`."""
        if self.least == -np.inf and len(places) > self._count:  # the likeliest tell which of the others can count
            order = (-reach).argpartition(self._count)
            places, reach = places[order], reach[order]
            self._score(places[: self._count])
            places, reach = places[self._count :], reach[self._count :]
        self._waiting = np.concatenate([self._waiting, places[reach >= self.least]])
        if len(self._waiting) >= (self._count if self.least == -np.inf else max(self._count, LEAST_SCORED)):
            self._score_waiting()

    def scored(self) -> tuple[Rows, Values]:
        """Return the rows and their scores, in no order."""
        self._score_waiting()
        return self._rows[self._places], self._scores

    def _score_waiting(self) -> None:
        waiting, self._waiting = self._waiting, self._waiting[:0]
        self._score(waiting)

    def _score(self, places: Places) -> None:
        """Score rows exactly, raise the least sum, and keep what has it."""
        values = [
            self._answers[term][places] if term in self._answers else self._formula.values(term, self._rows[places])
            for term in self._formula.terms
        ]
        self._places = np.concatenate([self._places, places])
        self._scores = np.concatenate([self._scores, self._formula.combined(values, len(places))])
        if len(self._scores) >= self._count:
            least = float(greatest(self._scores, self._count)) * self._formula.total - self._slack
            self.least = max(self.least, least)
            kept = (self._scores * self._formula.total >= self.least).nonzero()[0]
            self._places, self._scores = self._places[kept], self._scores[kept]
