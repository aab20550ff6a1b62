"""How a request is ranked: by scoring every row that may be chosen, or by the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import Literal

import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.filters import CategoryFilter, IdFilter
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking.costs import SAMPLE, SCORED, Costs
from qfzz_core.ranking.eligibility import MORE, EligibleRanking, Keeps
from qfzz_core.ranking.filters import ActiveFilter, live_rows_passing, passing_rows, read_once, row_tests
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index.build import Index
from qfzz_core.ranking.index.candidates import Indexed, Merging, Switching
from qfzz_core.ranking.index.indexes import serving, sizes_of
from qfzz_core.ranking.index.layout import Parts, parts
from qfzz_core.ranking.index.result_cache import question
from qfzz_core.ranking.index.search import Search
from qfzz_core.ranking.row_tests import Mask, Passes
from qfzz_core.ranking.scan import Candidates, Scan

SMALL = 12_000  # rows up to which scoring all of them is as fast
DEEP = 8  # the index does not pay when more than one in so many rows is asked for
MANY_IDS = 16  # track ids matter when they are more than one in so many of the base
LEAST_PATIENCE = 2_048  # candidates from the index that are asked about, whatever a filtered scan costs


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

    `method` has that one taken, whatever it costs, without recalling what was found before. What is chosen and done is
    told to `plan`.
    """
    plan = plan or Plan()
    with plan.timed("plan"):
        planner = _Planner(snapshot, formula, filters, plan)
        candidates, asked = planner.chosen(wanted, method)
    return EligibleRanking(
        snapshot.columns,
        candidates,
        asked,
        constraints=constraints,
        filtered=planner.filtered if plan.method == "index" else None,
        patience=planner.patience,
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
        self._pruning = [active for active in filters if active.prunes]
        self._predicates = row_tests(snapshot, [active for active in filters if not active.prunes])
        self._made: dict[ActiveFilter, Passes] = {}

    @cached_property
    def _parts(self) -> Parts:
        return parts(self._formula, sizes_of(self._snapshot.segment), self._snapshot.base)

    def chosen(
        self, wanted: int | None, method: Literal["scan", "index"] | None
    ) -> tuple[Candidates, Sequence[Passes]]:
        """Return where candidates come from, and the tests that they have yet to pass."""
        why_not = self._why_not(wanted) if method is None else None
        if method is not None:
            self._plan.reason = "it was asked for"
        if method == "scan" or why_not is not None:
            return self._scan(why_not or self._plan.reason), self._predicates
        if method is None and self._is_narrowed(wanted or 0):
            return self.filtered("few tracks pass the filters"), ()
        found = self._index(recalls=method is None)
        if found is None:
            return self._scan("there are too many kinds of requests to have an index for each"), self._predicates
        self.share = max(self._costs.share, 1 / SAMPLE)
        self._plan.method = "index"
        self._plan.reason = self._plan.reason or "few of many tracks are asked for"
        return found

    def _why_not(self, wanted: int | None) -> str | None:
        """Return why the index does not pay, None if it does."""
        rows = self._snapshot.columns.length
        if rows <= SMALL:
            return "the catalogue is small"
        if wanted is None or wanted * DEEP > rows:
            return "most of the ranking is asked for"
        if not self._formula.terms or self._formula.total == 0.0:
            return "no factor has a weight"
        if self._named is not None:
            return "a filter names its tracks"
        return None

    def _is_narrowed(self, wanted: int) -> bool:
        """Return whether so few candidates pass the filters that it costs less to filter all rows first."""
        share = self._costs.share
        alone = SMALL * SCORED  # what the index costs before its first candidate
        return share < 1.0 and self._costs.scan(share) * share < alone * share + wanted * MORE

    def patience(self, share: float) -> float:
        """Return about how many candidates to ask at most before all rows are filtered, of which a share passes."""
        return max(LEAST_PATIENCE, self._costs.scan(share))

    @cached_property
    def _costs(self) -> Costs:
        """What it costs to filter all rows, by a sample of them."""
        narrowing = [active for active in self._pruning if self._narrows(active)]
        return Costs.sampled(self._snapshot, [*self._tests(narrowing), *self._predicates])

    # -- scan

    def _scan(self, reason: str) -> Scan:
        """Return candidates from scoring all rows that pass the filters that say what does."""
        named = self._named
        tests = self._tests(self._pruning)
        rows = live_rows_passing(self._snapshot, tests) if named is None else passing_rows([named], tests)
        return self._scan_of(rows, reason)

    def filtered(self, reason: str = "few tracks passed the filters") -> Scan:
        """Return candidates from scoring all rows that pass all filters."""
        rows = live_rows_passing(self._snapshot, [*self._tests(self._pruning), *self._predicates])
        return self._scan_of(rows, reason)

    def _scan_of(self, rows: Rows, reason: str) -> Scan:
        self._plan.method, self._plan.reason = "scan", reason
        return Scan(self._formula, rows, self._plan)

    def _tests(self, filters: Iterable[ActiveFilter]) -> list[Passes]:
        """Return the tests of filters, each made once."""
        return [self._made.get(active) or self._test(active) for active in filters]

    def _test(self, active: ActiveFilter) -> Passes:
        (self._made[active],) = row_tests(self._snapshot, [active])
        return self._made[active]

    @cached_property
    def _named(self) -> Rows | None:
        """The rows that a filter names one by one, in order of position; None if no filter does."""
        for active in self._pruning:
            if isinstance(active.prepared, IdFilter) and not active.prepared.exclude:
                rows = np.unique(self._snapshot.rows(active.prepared.track_ids))
                return rows[np.argsort(self._snapshot.positions[rows], kind="stable")]
        return None

    def _narrows(self, active: ActiveFilter) -> bool:
        """Return whether so many candidates may fail a filter that it matters."""
        prepared = active.prepared
        if isinstance(prepared, IdFilter) and len(read_once(prepared.track_ids)) * MANY_IDS < self._snapshot.base:
            return False
        return not self._by_cell(active)

    def _by_cell(self, active: ActiveFilter) -> bool:
        """Return whether a filter lets whole cells of the index pass or not."""
        return isinstance(active.prepared, CategoryFilter) and active.prepared.column in self._parts.layout.cells

    # -- index

    def _index(self, *, recalls: bool) -> tuple[Candidates, Sequence[Passes]] | None:
        index = serving(self._snapshot.segment, self._parts.layout)
        if index is None:
            return None
        inside = [active for active in self._pruning if self._by_cell(active)]
        allowed = _allowed(self._snapshot, inside, index)
        finder = Merging(
            self._formula,
            self._snapshot,
            self._delta(inside),
            partial(self._search, index, allowed),
            question=question(self._formula, index, allowed) if recalls else None,
            plan=self._plan,
        )
        indexed = Indexed(finder, self._snapshot.base)
        others = [active for active in self._pruning if active not in inside]
        return Switching(indexed, lambda: self._scan_inside(inside)), [*self._tests(others), *self._predicates]

    def _search(self, index: Index, allowed: Mask | None) -> Search:
        """Return a search of the base, of the cells that are allowed."""
        deleted = self._snapshot.base_deleted
        return Search(self._formula, self._parts, index, deleted=deleted, allowed=allowed, plan=self._plan)

    def _delta(self, inside: Sequence[ActiveFilter]) -> Rows:
        """Return the rows behind the base that pass the filters which the index applies to the base."""
        delta = self._snapshot.live_delta
        return passing_rows([delta], self._tests(inside)) if len(delta) and inside else delta

    def _scan_inside(self, inside: Sequence[ActiveFilter]) -> Scan:
        """Return candidates from scoring all rows that the index would have considered."""
        rows = live_rows_passing(self._snapshot, self._tests(inside))
        return self._scan_of(rows, "too many tracks could reach the result")


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
