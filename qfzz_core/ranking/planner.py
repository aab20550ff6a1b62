"""How a request is ranked: by scoring every row that may be chosen, or by the index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows, without
from qfzz_core.contracts.filters import CategoryFilter, IdFilter
from qfzz_core.contracts.plan import Plan
from qfzz_core.model.cached_property import cached_property
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

# Rows up to which scoring all of them is as fast. The best 50 take, by scan and by index: of 6,000 rows 0.4 and 0.8 ms,
# of 12,000 rows 0.6 and 0.9 ms, of 24,000 rows 2.3 and 0.6 ms.
SMALL = 12_000
# The index does not pay when more than a DEEP-th of the rows is wanted. Of a million rows, by index and by scan: the
# best 62,500 take 27 and 112 ms, the best 125,000 take 68 and 61 ms, the best 250,000 take 285 and 235 ms.
DEEP = 8
# Track ids matter when they are more than a MANY_IDS-th of the base; fewer leave out too few candidates to be sampled,
# for which the rows of all ids are looked up. Leaving out 20,000 tracks of a million takes 1.8 ms with 16, 14 with 64.
MANY_IDS = 16
# Candidates from the index that are tested, whatever a filtered scan costs. With 512, 2,048 and 8,192, a request takes
# 14, 14 and 13 ms when every 100th of a million tracks passes a predicate, 19, 17 and 16 ms when every 300th does.
MIN_CANDIDATE_BUDGET = 2_048
# Rows by which the share that passes is estimated. With 128, 512 and 2,048, a request takes 23, 17 and 16 ms when every
# 100th of a million tracks passes a predicate, 68, 49 and 81 ms when every 300th does, and 88, 91 and 90 ms when every
# 1,000th does.
SAMPLE = 512

# What a row costs in a filtered scan, in candidates from an index, of which one takes 0.48 us.
COLUMN_COST = 1 / 512  # to be tested by a column: 0.3 ns with codes of two bytes, 1.2 with floats
TEST_COST = 1 / 16  # to be tested in any other way: 62 ns by a predicate that mixes two columns, 25 by a plain one
SCORE_COST = 1 / 8  # 52 ns with the five factors

# Spread evenly over all rows (Weyl, 1916), because multiples of a step see one label of a file that alternates labels.
_PLACES = np.sort(np.arange(SAMPLE) ** 2 * 2**0.5 % 1.0)


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
        self._made: dict[ActiveFilter, Passes] = {}
        self._pruning = [active for active in filters if active.prunes]
        self._predicates = self._tests([active for active in filters if not active.prunes])

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
                self.share = max(self._sampled[0], 1 / SAMPLE)
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
        share, _ = self._sampled
        alone = SMALL * SCORE_COST  # what the index costs before its first candidate
        return share < 1.0 and self._scan_cost(share) * share < alone * share + wanted * OVERSAMPLING

    def budget(self, share: float) -> float:
        """Return about how many candidates to test at most before all rows are filtered, of which a share passes."""
        return max(MIN_CANDIDATE_BUDGET, self._scan_cost(share))

    def _scan_cost(self, share: float) -> float:
        """Return what it costs to test all rows, and to score those that pass if they are this share."""
        return self._snapshot.columns.length * (self._sampled[1] + share * SCORE_COST)

    @cached_property
    def _sampled(self) -> tuple[float, float]:
        """The share of a sample of the rows that passes all filters, and what testing a row costs."""
        tests = [*self._tests([active for active in self._pruning if self._narrows(active)]), *self._predicates]
        if not tests or not self._snapshot.columns.length:
            return 1.0, 0.0
        rows = (self._snapshot.columns.length * _PLACES).astype(np.intp)
        passing = sampled = without(rows, self._snapshot.deleted)
        testing = 0.0
        for test in tests:
            if len(passing):
                cost = COLUMN_COST if isinstance(test, ColumnTest) else TEST_COST
                testing += cost * len(passing) / len(sampled)
                passing = passing[test(passing)]
        return len(passing) / max(1, len(sampled)), testing

    def _narrows(self, active: ActiveFilter) -> bool:
        """Return whether so many candidates may fail a filter that it matters."""
        prepared = active.prepared
        if isinstance(prepared, IdFilter) and len(read_once(prepared.track_ids)) * MANY_IDS < self._snapshot.base:
            return False
        return not self._by_cell(active)

    def _tests(self, filters: Sequence[ActiveFilter]) -> list[Passes]:
        """Return the tests of filters, each made once."""
        for active in filters:
            if active not in self._made:
                self._made[active] = row_test(self._snapshot, active)
        return [self._made[active] for active in filters]

    # -- scan

    def _scan(self, reason: str, tests: Sequence[Passes], named: Rows | None = None) -> Scan:
        """Return candidates from scoring all rows, or those that are named, if they pass the tests."""
        self._plan.method, self._plan.reason = "scan", reason
        if named is not None:
            rows = passing_rows([named], tests)
        else:
            rows = live_rows_passing(self._snapshot, tests) if tests else self._snapshot.live_rows()
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
        delta = snapshot.live_delta
        allowed = _allowed(snapshot, inside, index)
        indexed = IndexCandidates(
            formula,
            snapshot,
            passing_rows([delta], self._tests(inside)) if inside and len(delta) else delta,
            lambda: Search(formula, parts, index, deleted=snapshot.base_deleted, allowed=allowed, plan=plan),
            key=cache_key(formula, index, allowed) if cached else None,
            plan=plan,
        )
        reason = "too many tracks could reach the result"
        fallback = Fallback(indexed, lambda: self._scan(reason, self._tests(inside)))
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
                codes = snapshot.columns[name].vocabulary.having(*prepared.names)
                passing &= np.isin(np.arange(-1, size - 1), codes) != prepared.exclude
        allowed = np.logical_and.outer(allowed, passing).reshape(-1)
    return allowed
