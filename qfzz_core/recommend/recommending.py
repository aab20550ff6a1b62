"""From a request to picks: prepare, filter, rank, discover; again from the start without what failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs
import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.picks import Picks
from qfzz_core.contracts.plan import Plan
from qfzz_core.contracts.request import Request
from qfzz_core.plugins.faults import ComponentFaultError, Report, described
from qfzz_core.plugins.health import Health
from qfzz_core.plugins.origin import Origin
from qfzz_core.plugins.registry import Registry
from qfzz_core.plugins.settings import Settings
from qfzz_core.ranking.eligibility import EligibleRanking
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.recommend.explain import Account, fault_notes
from qfzz_core.recommend.picking import checked_picks
from qfzz_core.recommend.query import Query
from qfzz_core.recommend.ranked import prepared_term, ranked
from qfzz_core.recommend.selection import Selection

T = TypeVar("T")


@attrs.define
class LeftOut:
    """What is left out of a request, by component name: what failed in it, and what was switched off before."""

    report: Report
    switched_off: dict[str, tuple[Origin, str]]
    failed: dict[str, tuple[Origin, str]] = attrs.field(factory=dict)

    def add(self, component: str, origin: Origin, error: BaseException) -> None:
        """Leave a component out of this request from now on, and report it."""
        self.report(origin, component, error)
        self.failed[component] = (origin, described(error))

    @property
    def faults(self) -> dict[str, tuple[Origin, str]]:
        """Where each component comes from that is left out, and why it is."""
        return {**self.switched_off, **self.failed}

    def __contains__(self, component: object) -> bool:
        return component in self.failed or component in self.switched_off


@attrs.frozen(eq=False)
class Recommending:
    """Answers the requests of one engine."""

    registry: Registry
    settings: Settings
    report: Report
    health: Health

    def select(self, snapshot: Snapshot, request: Request, query: Query) -> Selection:
        """Return what is recommended, in order; raises `StaleCatalogueError` if the snapshot is out of date."""
        plan = Plan()
        return self._persistent(lambda left_out: self._attempt(snapshot, request, query, left_out, plan), query)

    def account(self, snapshot: Snapshot, request: Request) -> Account:
        """Return what explains the tracks of a request."""
        return self._persistent(lambda left_out: self._account(snapshot, request, left_out))

    def _persistent(self, attempt: Callable[[LeftOut], T], query: Query | None = None) -> T:
        """Return what the attempt gives, beginning again without whatever fails."""
        left_out = LeftOut(self.report, self._switched_off(query))
        while True:
            try:
                result = attempt(left_out)
                break
            except ComponentFaultError as fault:
                left_out.add(fault.component, fault.origin, fault.__cause__ or fault)
        self.health.ended(left_out.failed, lambda: self._taking_part(query).keys())
        return result

    def _switched_off(self, query: Query | None) -> dict[str, tuple[Origin, str]]:
        off = self.health.off
        if not off:
            return {}
        taking_part = self._taking_part(query)
        return {name: (origin, f"switched off: {off[origin]}") for name, origin in taking_part.items() if origin in off}

    def _taking_part(self, query: Query | None) -> dict[str, Origin]:
        """Return where the components of a request come from; without a query it is only explained."""
        origins = {f"factor {factor.name}": factor.registered.origin for factor in self.settings.factors}
        if query is not None:
            if self.settings.strategy is not None:
                origins[f"strategy {self.settings.strategy.value.name}"] = self.settings.strategy.origin
            origins |= {f"filter {name}": self.registry.filters[name].origin for name in query.filters}
        return origins

    # -- steps

    def _attempt(self, snapshot: Snapshot, request: Request, query: Query, left_out: LeftOut, plan: Plan) -> Selection:
        with plan.timed("prepare"):
            account = self._account(snapshot, request, left_out)
        ranking = ranked(
            snapshot, request, query, account.formula, registry=self.registry, left_out=left_out, plan=plan
        )
        with plan.timed("discover"):
            picks, rows = self._picks(request, ranking, left_out)
        return Selection(snapshot, picks, rows, ranking.scores(picks.ranks), account, plan)

    def _account(self, snapshot: Snapshot, request: Request, left_out: LeftOut) -> Account:
        terms: list[Term] = []
        abstained: list[str] = []
        for factor in self.settings.factors:
            if f"factor {factor.name}" not in left_out:
                term = prepared_term(snapshot, request, factor, self.health)
                if term is None:
                    abstained.append(factor.name)
                else:
                    terms.append(term)
        notes = fault_notes([(name, origin, message) for name, (origin, message) in left_out.faults.items()])
        return Account(Formula(terms), tuple(abstained), notes, self.report)

    def _picks(self, request: Request, ranking: EligibleRanking, left_out: LeftOut) -> tuple[Picks, Rows]:
        strategy = self.settings.strategy
        component = "" if strategy is None else f"strategy {strategy.value.name}"
        if strategy is None or component in left_out:
            rows = ranking.take(request.limit)
            return Picks(np.arange(1, len(rows) + 1)), rows
        asked = request.asking(f"discovery.{strategy.value.name}", self.settings.strategy_options)
        try:
            checked = checked_picks(strategy.value.pick(asked, ranking), request.limit, ranking)
        except Exception as error:
            if ranking.failure is None:
                raise ComponentFaultError(component, strategy.origin) from error
        if ranking.failure is not None:  # raised on the way to the strategy, which may have swallowed it
            raise ranking.failure
        return checked
