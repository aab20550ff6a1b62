"""From a request to picks: prepare, filter, rank, discover, materialise; again from the start without what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from qfzz_core.catalogue.shelf import Shelf
from qfzz_core.columns import Rows
from qfzz_core.contracts import IdFilter, Pick, Ranking
from qfzz_core.plain import copied
from qfzz_core.plugins.faults import (
    BrokenContractError,
    ComponentFaultError,
    Report,
    answer,
    described,
    refuse_coroutine,
)
from qfzz_core.plugins.origin import Origin
from qfzz_core.plugins.registry import Registry
from qfzz_core.plugins.settings import ActiveFactor, Settings
from qfzz_core.ranking.constraints import Distinct, MaxPerArtist
from qfzz_core.ranking.eligible import EligibleRanking, Keeps
from qfzz_core.ranking.filtering import ActiveFilter, eligible_rows, predicates
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.scan import Scan
from qfzz_core.ranking.shapes import compiled
from qfzz_core.request import Request
from qfzz_core.requests.explanation import Account, fault_notes
from qfzz_core.requests.query import Query
from qfzz_core.requests.recommendation import Recommendation

T = TypeVar("T")


@attrs.define
class LeftOut:
    """What failed in a request so far, by component name."""

    report: Report
    faults: dict[str, tuple[Origin, str]] = attrs.field(factory=dict)

    def add(self, component: str, origin: Origin, error: BaseException) -> None:
        """Leave a component out of this request from now on, and report it."""
        self.report(origin, component, error)
        self.faults[component] = (origin, described(error))

    def __contains__(self, component: str) -> bool:
        return component in self.faults


@attrs.frozen(eq=False)
class Recommending:
    """Answers the requests of one engine."""

    registry: Registry
    settings: Settings
    report: Report

    def recommend(self, shelf: Shelf, request: Request, query: Query) -> list[Recommendation]:
        """Return the recommendations in order; raises `StaleCatalogueError` if the shelf is out of date."""
        return self._persistent(lambda left_out: self._attempt(shelf, request, query, left_out))

    def account(self, shelf: Shelf, request: Request) -> Account:
        """Return what explains the tracks of a request."""
        return self._persistent(lambda left_out: self._account(shelf, request, left_out))

    def _persistent(self, attempt: Callable[[LeftOut], T]) -> T:
        """Return what the attempt gives, beginning again without whatever fails."""
        left_out = LeftOut(self.report)
        while True:
            try:
                return attempt(left_out)
            except ComponentFaultError as fault:
                left_out.add(fault.component, fault.origin, fault.__cause__ or fault)

    # -- steps

    def _attempt(self, shelf: Shelf, request: Request, query: Query, left_out: LeftOut) -> list[Recommendation]:
        account = self._account(shelf, request, left_out)
        ranking = self._ranking(shelf, request, query, account.formula, left_out)
        picks = self._picks(request, ranking, left_out)
        return _materialised(shelf, ranking, picks, account)

    def _account(self, shelf: Shelf, request: Request, left_out: LeftOut) -> Account:
        terms: list[Term] = []
        abstained: list[str] = []
        for factor in self.settings.factors:
            if f"factor {factor.name}" not in left_out:
                term = self._term(shelf, request, factor)
                if term is None:
                    abstained.append(factor.name)
                else:
                    terms.append(term)
        notes = fault_notes([(name, origin, message) for name, (origin, message) in left_out.faults.items()])
        return Account(Formula(terms), tuple(abstained), notes, self.report)

    def _term(self, shelf: Shelf, request: Request, factor: ActiveFactor) -> Term | None:
        origin = factor.registered.origin
        try:
            asked = request.asking(f"factor.{factor.name}", factor.options)
            prepared = answer(factor.registered.value.prepare, asked)
            if prepared is None:
                return None
            evaluate = compiled(prepared, shelf.catalogue.columns, shelf.fetch)
        except Exception as error:
            raise ComponentFaultError(f"factor {factor.name}", origin) from error
        return Term(factor.name, factor.weight, prepared, evaluate, origin)

    def _ranking(
        self, shelf: Shelf, request: Request, query: Query, formula: Formula, left_out: LeftOut
    ) -> EligibleRanking:
        catalogue = shelf.catalogue
        filters = self._filters(request, query, left_out)
        candidates = Scan(formula, eligible_rows(catalogue, filters))
        constraints = self._constraints(shelf, query)
        return EligibleRanking(catalogue.columns, candidates, predicates(catalogue, filters), constraints)

    def _filters(self, request: Request, query: Query, left_out: LeftOut) -> list[ActiveFilter]:
        filters = [ActiveFilter(name, prepared) for name, prepared in query.conditions.items()]
        if query.exclude:
            filters.append(ActiveFilter("exclude", IdFilter(track_ids=query.exclude, exclude=True)))
        for name, option in query.filters.items():
            if f"filter {name}" not in left_out:
                registered = self.registry.filters[name]
                try:
                    answer(registered.value.check, option)
                    prepared = answer(registered.value.prepare, request.asking(f"filter.{name}"), option)
                except Exception as error:
                    raise ComponentFaultError(f"filter {name}", registered.origin) from error
                if prepared is not None:
                    filters.append(ActiveFilter(name, prepared, registered.origin))
        return filters

    def _constraints(self, shelf: Shelf, query: Query) -> list[Keeps]:
        columns = shelf.catalogue.columns
        constraints: list[Keeps] = []
        if query.distinct:
            constraints.append(Distinct(columns["artist"], columns["title"]))
        if query.max_per_artist is not None:
            constraints.append(MaxPerArtist(columns["artist"], query.max_per_artist))
        return constraints

    def _picks(self, request: Request, ranking: EligibleRanking, left_out: LeftOut) -> Sequence[Pick]:
        strategy = self.settings.strategy
        component = "" if strategy is None else f"strategy {strategy.value.name}"
        if strategy is None or component in left_out:
            return [Pick(rank) for rank in range(1, len(ranking.take(request.limit)) + 1)]
        asked = request.asking(f"discovery.{strategy.value.name}", self.settings.strategy_options)
        try:
            picks = checked_picks(strategy.value.pick(asked, ranking), request.limit, ranking)
        except Exception as error:
            if ranking.failure is None:
                raise ComponentFaultError(component, strategy.origin) from error
        if ranking.failure is not None:  # raised on the way to the strategy, which may have swallowed it
            raise ranking.failure
        return picks


def checked_picks(picks: Sequence[Pick], limit: int | None, ranking: Ranking) -> list[Pick]:
    """Return a strategy's picks; raises `BrokenContractError` if they are not what was promised."""
    refuse_coroutine(picks)
    chosen = list(picks)
    for pick in chosen:
        if not isinstance(pick, Pick) or not isinstance(pick.reason, str) or type(pick.rank) is not int:
            raise BrokenContractError(f"pick must return Pick objects with a whole rank and a reason, got {pick!r}")
        if pick.propensity is not None and not (type(pick.propensity) is float and 0.0 <= pick.propensity <= 1.0):
            raise BrokenContractError(f"a propensity must be a float from 0 to 1 or None, got {pick.propensity!r}")
    ranks = [pick.rank for pick in chosen]
    if len(set(ranks)) != len(ranks):
        raise BrokenContractError("pick returned a rank twice")
    if limit is not None and len(ranks) != len(ranking.take(limit)):
        raise BrokenContractError(f"pick returned {len(ranks)} picks, {len(ranking.take(limit))} were asked for")
    ranking.at(ranks)
    return chosen


def _materialised(
    shelf: Shelf, ranking: EligibleRanking, picks: Sequence[Pick], account: Account
) -> list[Recommendation]:
    ranks = [pick.rank for pick in picks]
    rows: Rows = ranking.at(ranks)
    found = zip(shelf.fetch(rows), ranking.scores(ranks).tolist(), picks, rows.tolist(), strict=True)
    return [
        Recommendation(track, score, pick.rank, pick.reason, pick.propensity, copied(track), row, account)
        for track, score, pick, row in found
    ]
