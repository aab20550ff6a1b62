"""How a request is ranked: by scoring every row that may be chosen, or by the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property, partial
from typing import Literal

import attrs
import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows, without
from qfzz_core.contracts.filters import CategoryFilter, IdFilter
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.eligibility import OVERSAMPLING, EligibleRanking, Keeps
from qfzz_core.ranking.filters import (
    ActiveFilter,
    ColumnTest,
    Mask,
    Passes,
    live_rows_passing,
    passing_rows,
    read_once,
    row_test,
)
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index.build import Index, category_sizes, index_for
from qfzz_core.ranking.index.candidates import Fallback, IndexCandidates
from qfzz_core.ranking.index.layout import Parts
from qfzz_core.ranking.index.result_cache import cache_key
from qfzz_core.ranking.index.search import Search
from qfzz_core.ranking.scan import Candidates, Scan

SMALL = 12_000  # rows up to which scoring all of them is as fast
DEEP = 8  # the index does not pay when more than this fraction of the rows is wanted
MANY_IDS = 16  # track ids matter when they are more than this fraction of the base
MIN_CANDIDATE_BUDGET = 2_048  # candidates from the index that are tested, whatever a filtered scan costs
SAMPLE = 512  # rows by which the share that passes is estimated

# What a row costs in a filtered scan, in candidates from an index.
COLUMN_COST = 1 / 512  # to be tested by a column
TEST_COST = 1 / 16  # to be tested in any other way, as long as that is not slow
SCORE_COST = 1 / 8

# Spread evenly over all rows (Weyl, 1916): every 2,000th row of a file that alternates two labels would be of one.
_PLACES = np.sort(np.arange(SAMPLE) ** 2 * 2**0.5 % 1.0)


@attrs.frozen
class Costs:
    """Of so many `rows`: the `share` that passes all tests, and what `testing` a row costs."""

    rows: int
    share: float = 1.0
    testing: float = 0.0

    @classmethod
    def sampled(cls, snapshot: Snapshot, tests: Sequence[Passes]) -> Costs:
        """Return the costs as a sample of the rows lets expect them."""
        rows = snapshot.columns.length
        if not tests or not rows:
            return cls(rows)
        passing = sampled = without((rows * _PLACES).astype(np.intp), snapshot.deleted)
        testing = 0.0
        for test in tests if len(sampled) else ():
            testing += len(passing) / len(sampled) * (COLUMN_COST if isinstance(test, ColumnTest) else TEST_COST)
            passing = passing[test(passing)] if len(passing) else passing
        return cls(rows, len(passing) / max(1, len(sampled)), testing)

    def scan(self, share: float) -> float:
        """Return what it costs to test all rows, and to score those that pass if they are this share."""
        return self.rows * (self.testing + share * SCORE_COST)


def ranked(
    snapshot: Snapshot,
    formula: Formula,
    filters: Sequence[ActiveFilter] = (),
    *,
    constraints: Sequence[Callable[[], Keeps]] = (),
    wanted: int | None = None,
    method: Literal["scan", "index"] | None = None,
    plan: Plan | None = None,
) -> EligibleRanking:
    """Return the eligible ranking of a snapshot, of which about `wanted` ranks will be looked at, all if None.

    `method` has that one taken, whatever it costs, without the result cache. `plan` says afterwards what was chosen
    and done.
    """
    plan = plan or Plan()
    with plan.timed("plan"):
        planner = _Planner(snapshot, formula, filters, plan)
        candidates, tests = planner.chosen(wanted, method)
    return EligibleRanking(
        snapshot.columns,
        candidates,
        tests,
        constraints=constraints,
        filtered=planner.filtered if plan.method == "index" else None,
        budget=planner.budget,
        share=planner.share,
        plan=plan,
    )


class _Planner:
    def __init__(self, snapshot: Snapshot, formula: Formula, filters: Sequence[ActiveFilter], plan: Plan) -> None:
        plan.tracks = len(snapshot)
        self._plan = plan
        self.share = 1.0
        self._snapshot = snapshot
        self._formula = formula
        self._test: Callable[[ActiveFilter], Passes] = cache(partial(row_test, snapshot))
        self._pruning = [active for active in filters if active.prunes]
        self._predicates = self._tests(active for active in filters if not active.prunes)

    @cached_property
    def _parts(self) -> Parts:
        return Parts.of(self._formula, category_sizes(self._snapshot.segment), self._snapshot.base)

    def chosen(
        self, wanted: int | None, method: Literal["scan", "index"] | None
    ) -> tuple[Candidates, Sequence[Passes]]:
        """Return where candidates come from, and the tests that they have yet to pass."""
        reason = self._why_scan(wanted) if method is None else "it was asked for"
        if not reason and self._is_narrowed(wanted or 0):
            return self.filtered("few tracks pass the filters"), ()
        if not reason or method == "index":
            index = index_for(self._snapshot.segment, self._parts.layout)
            if index is not None:
                self.share = max(self._costs.share, 1 / SAMPLE)
                self._plan.method, self._plan.reason = "index", reason or "few of many tracks are asked for"
                return self._indexed(index, cached=method is None)
            reason = "there are too many kinds of requests to have an index for each"
        return self._scan(reason, self._tests(self._pruning), self._named), self._predicates

    def _why_scan(self, wanted: int | None) -> str:
        """Return why the index does not pay, "" if it does."""
        rows = self._snapshot.columns.length
        if rows <= SMALL:
            return "the catalogue is small"
        if wanted is None or wanted * DEEP > rows:
            return "most of the ranking is asked for"
        if not self._formula.terms or self._formula.total == 0.0:
            return "no factor has a weight"
        return "" if self._named is None else "a filter names its tracks"

    def _is_narrowed(self, wanted: int) -> bool:
        """Return whether so few candidates pass the filters that it costs less to filter all rows first."""
        share = self._costs.share
        alone = SMALL * SCORE_COST  # what the index costs before its first candidate
        return share < 1.0 and self._costs.scan(share) * share < alone * share + wanted * OVERSAMPLING

    def budget(self, share: float) -> float:
        """Return about how many candidates to test at most before all rows are filtered, of which a share passes."""
        return max(MIN_CANDIDATE_BUDGET, self._costs.scan(share))

    @cached_property
    def _costs(self) -> Costs:
        """What it costs to filter all rows, by a sample of them."""
        narrowing = [active for active in self._pruning if self._narrows(active)]
        return Costs.sampled(self._snapshot, [*self._tests(narrowing), *self._predicates])

    def _narrows(self, active: ActiveFilter) -> bool:
        """Return whether so many candidates may fail a filter that it matters."""
        prepared = active.prepared
        if isinstance(prepared, IdFilter) and len(read_once(prepared.track_ids)) * MANY_IDS < self._snapshot.base:
            return False
        return not self._by_cell(active)

    def _tests(self, filters: Iterable[ActiveFilter]) -> list[Passes]:
        """Return the tests of filters, each made once."""
        return [self._test(active) for active in filters]

    # -- scan

    def _scan(self, reason: str, tests: Sequence[Passes], named: Rows | None = None) -> Scan:
        """Return candidates from scoring all rows, or those that are named, if they pass the tests."""
        self._plan.method, self._plan.reason = "scan", reason
        rows = live_rows_passing(self._snapshot, tests) if named is None else passing_rows([named], tests)
        return Scan(self._formula, rows, self._plan)

    def filtered(self, reason: str = "few tracks passed the filters") -> Scan:
        """Return candidates from scoring all rows that pass all filters."""
        return self._scan(reason, [*self._tests(self._pruning), *self._predicates])

    @cached_property
    def _named(self) -> Rows | None:
        """The rows that a filter names one by one, in order of position; None if no filter does."""
        for active in self._pruning:
            if isinstance(active.prepared, IdFilter) and not active.prepared.exclude:
                rows = np.unique(self._snapshot.rows(active.prepared.track_ids))
                return rows[np.argsort(self._snapshot.positions[rows], kind="stable")]
        return None

    # -- index

    def _by_cell(self, active: ActiveFilter) -> bool:
        """Return whether a filter lets whole cells of the index pass or not."""
        return isinstance(active.prepared, CategoryFilter) and active.prepared.column in self._parts.layout.cells

    def _indexed(self, index: Index, *, cached: bool) -> tuple[Candidates, Sequence[Passes]]:
        inside = [active for active in self._pruning if self._by_cell(active)]
        others = [active for active in self._pruning if active not in inside]
        snapshot, formula, parts, plan = self._snapshot, self._formula, self._parts, self._plan
        tests = self._tests(inside)
        allowed = _allowed(snapshot, inside, index)
        indexed = IndexCandidates(
            formula,
            snapshot,
            passing_rows([snapshot.live_delta], tests),
            lambda: Search(formula, parts, index, deleted=snapshot.base_deleted, allowed=allowed, plan=plan),
            key=cache_key(formula, index, allowed) if cached else None,
            plan=plan,
        )
        fallback = Fallback(indexed, lambda: self._scan("too many tracks could reach the result", tests))
        return fallback, [*self._tests(others), *self._predicates]


def _allowed(snapshot: Snapshot, filters: Sequence[ActiveFilter], index: Index) -> Mask | None:
    """Return of each cell whether the filters let it pass, None if there are no filters."""
    if not filters:
        return None
    allowed = np.ones(1, dtype=np.bool_)
    for name, size in index.dims.items():
        passing = np.ones(size, dtype=np.bool_)  # the first for tracks without a category
        for active in filters:
            prepared = active.prepared
            if isinstance(prepared, CategoryFilter) and prepared.column == name:
                codes = snapshot.columns[name].vocabulary.codes(prepared.names)
                passing &= np.isin(np.arange(-1, size - 1), codes[codes >= 0]) != prepared.exclude
        allowed = np.logical_and.outer(allowed, passing).reshape(-1)
    return allowed
