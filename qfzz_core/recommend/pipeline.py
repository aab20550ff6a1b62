"""One request on one screen.

    query        every argument is checked, before anything happens
    profile      from the store, overridden for this call; frozen into a `Request`
    prepare      each active factor and filter says once how it takes part
    rank         the best rows, exactly, and no more of them than somebody looks at
    discover     the strategy picks; it sees ranks lazily
    shape        the rules, solved together; nothing without rules
    materialise  dictionaries for the picks
    notify       observers, with copies

`Pipeline` has a method for each of them, in this order. `run` is the loop from *prepare* to *materialise*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import attrs

from qfzz_core.catalogue.library import Library
from qfzz_core.catalogue.snapshot import Snapshot, StaleCatalogueError
from qfzz_core.contracts.plan import Plan
from qfzz_core.contracts.recommendation import FaultNote, Recommendation
from qfzz_core.contracts.request import Request, Sources
from qfzz_core.errors import RequestError
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.plugins.faults import ComponentFaultError, Health, Report, described
from qfzz_core.plugins.record import Origin
from qfzz_core.plugins.registry import Registry
from qfzz_core.plugins.settings import Settings
from qfzz_core.ranking.eligibility import EligibleRanking
from qfzz_core.recommend.explain import Account, fault_note
from qfzz_core.recommend.observers import Observers
from qfzz_core.recommend.prepared import Prepared, prepared_filter, prepared_shape
from qfzz_core.recommend.query import Keywords, Query, checked_query
from qfzz_core.recommend.selection import Chosen, Selection, best_ranked, picked

T = TypeVar("T")

# How often a request starts again at *rank* because a picked track was removed meanwhile. Each time the snapshot is as
# new as the store, so that even one repetition takes a removal within the milliseconds of a request.
ATTEMPTS = 5


@attrs.frozen(eq=False)
class Pipeline:
    """The steps of the requests of one engine. `clock` returns the time, with a time zone."""

    registry: Registry
    settings: Settings
    sources: Sources
    library: Library
    observers: Observers
    health: Health
    report: Report
    clock: Callable[[], datetime]

    def query(self, preferences: Mapping[str, Any] | None, keywords: Keywords) -> Query:
        """Return the valid arguments of a call; raises `ProfileError` or `RequestError`, both ValueErrors."""
        return checked_query(self.registry, preferences, keywords)

    def profile(self, profile: ProfileSnapshot, query: Query, seed: str) -> Request:
        """Return the request of the user whose stored profile this is."""
        return Request(
            profile=profile.overridden(query.preferences),
            context=query.context,
            limit=query.limit,
            now=self.clock(),
            seed=seed,
            similarity=self.registry.similarity,
            sources=self.sources,
        )

    def run(self, request: Request, query: Query, materialise: Callable[[Selection], T]) -> T:
        """Return what `materialise` makes of the tracks that are chosen for a request.

        A component that fails is left out, and the request starts again at *prepare*, because scores with and without
        a factor cannot be compared. A picked track that is gone from the store starts it again at *rank* with a newer
        snapshot; after `ATTEMPTS` of these, `RequestError` is raised.
        """
        excluded = self._exclusions(query)
        plan, stale = Plan(), 0
        snapshot, prepared = self.library.snapshot(), None
        while True:
            try:
                with plan.timed("prepare"):
                    # What the factors said holds for every snapshot: a stale one does not call them a second time.
                    prepared = prepared or self.prepare(request, query, excluded)
                    account = self.account(prepared, snapshot, excluded)
                ranking = self.rank(prepared, account, snapshot, query, plan)
                with plan.timed("discover"):
                    chosen = self.discover(request, query, ranking, excluded)
                    chosen = self.shape(request, chosen, ranking)
                with plan.timed("fetch"):
                    result = materialise(Selection(snapshot, chosen, ranking.scores(chosen.picks.ranks), account, plan))
            except ComponentFaultError as fault:  # again at prepare, without it
                excluded.add(fault)
                prepared = None
            except StaleCatalogueError:  # again at rank
                stale += 1
                if stale == ATTEMPTS:
                    raise RequestError(
                        "the catalogue changed faster than the request could be answered; try again"
                    ) from None
                snapshot = self.library.snapshot()
            else:
                if excluded.failed or self.health.failing:
                    self.health.ended(excluded.failed, self._taking_part(query))
                return result

    def prepare(self, request: Request, query: Query, excluded: Exclusions) -> Prepared:
        """Let each active factor and each filter of the query say how it takes part."""
        shapes = [
            prepared_shape(request, factor, self.health)
            for factor in self.settings.factors
            if f"factor {factor.name}" not in excluded.faults
        ]
        filters = [
            prepared_filter(request, self.registry.filters[name], option)
            for name, option in query.filters.items()
            if f"filter {name}" not in excluded.faults
        ]
        return Prepared(shapes, [active for active in filters if active is not None], self.health)

    def account(self, prepared: Prepared, snapshot: Snapshot, excluded: Exclusions) -> Account:
        """Return the formula of the prepared factors over a snapshot, with what explains its scores."""
        return Account(prepared.formula(snapshot), prepared.abstained, excluded.notes(), self.report)

    def rank(
        self, prepared: Prepared, account: Account, snapshot: Snapshot, query: Query, plan: Plan
    ) -> EligibleRanking:
        """Return the eligible tracks, best first, found as far as somebody looks."""
        return prepared.ranking(account.formula, snapshot, query, plan)

    def discover(self, request: Request, query: Query, ranking: EligibleRanking, excluded: Exclusions) -> Chosen:
        """Return what the strategy picks; without a strategy the best-ranked tracks."""
        strategy = self.settings.strategy
        if strategy is None or not query.discovers or f"strategy {strategy.name}" in excluded.faults:
            return best_ranked(ranking, request.limit)
        return picked(strategy, request, self.settings.strategy_options[strategy.name], ranking)

    def shape(self, request: Request, chosen: Chosen, ranking: EligibleRanking) -> Chosen:
        """Return the picks as the rules of the request shape them; without rules, as they are."""
        return chosen

    def notify(self, request: Request, recommendations: Sequence[Recommendation]) -> None:
        """Notify the observers of what was recommended."""
        self.observers.recommended(request, recommendations)

    # -- what is left out

    def _exclusions(self, query: Query) -> Exclusions:
        # Rarely is anything off, and then nobody needs the list of the components.
        off = self.health.off
        taking_part = self._taking_part(query) if off else {}
        switched_off = {
            name: (origin, f"switched off: {off[origin]}") for name, origin in taking_part.items() if origin in off
        }
        return Exclusions(self.report, switched_off)

    def _taking_part(self, query: Query) -> dict[str, Origin]:
        """Return where the components of a request come from, by component name."""
        origins = {f"factor {factor.name}": factor.registered.origin for factor in self.settings.factors}
        strategy = self.settings.strategy
        if query.discovers and strategy is not None:
            origins[f"strategy {strategy.name}"] = strategy.origin
        return origins | {f"filter {name}": self.registry.filters[name].origin for name in query.filters}


@attrs.define
class Exclusions:
    """What is left out of a request: where each component comes from, and why it is, by component name.

    `faults` are those switched off before and those that failed in this request, `failed` the latter alone.
    """

    report: Report
    faults: dict[str, tuple[Origin, str]]
    failed: dict[str, tuple[Origin, str]] = attrs.field(factory=dict)

    def add(self, fault: ComponentFaultError) -> None:
        """Leave a component out of this request from now on, and report it; raises `PluginError` if strict."""
        error = fault.__cause__ or fault
        self.report(fault.origin, fault.component, error)
        self.faults[fault.component] = self.failed[fault.component] = (fault.origin, described(error))

    def notes(self) -> tuple[FaultNote, ...]:
        """Return what an explanation says of them."""
        return tuple([fault_note(name, origin, message) for name, (origin, message) in self.faults.items()])
