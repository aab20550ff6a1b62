"""What factors and filters said of one request, once, and what follows from it over a snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import attrs

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.factors import CategoryTable, ColumnFunction, NumericDistance, TrackFunction
from qfzz_core.contracts.factors import Prepared as Shape
from qfzz_core.contracts.filters import Filter, IdFilter
from qfzz_core.contracts.plan import Plan
from qfzz_core.contracts.request import Request
from qfzz_core.model.plain import unshared
from qfzz_core.plugins.faults import ComponentFaultError, Health, Stopwatch, answer, fault_in
from qfzz_core.plugins.registry import Registered
from qfzz_core.plugins.settings import ActiveFactor
from qfzz_core.ranking import planner
from qfzz_core.ranking.eligibility import Distinct, EligibleRanking, Keeps, MaxPerArtist
from qfzz_core.ranking.filters import ActiveFilter, settled
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.shapes import Function, compiled
from qfzz_core.recommend.query import Query

_SHAPES = (CategoryTable, NumericDistance, ColumnFunction, TrackFunction)


class PreparedFactor(NamedTuple):
    """One factor, the shape by which it scores, None if it abstains, and the seconds that it has taken."""

    active: ActiveFactor
    shape: Shape | None
    seconds: float


def prepared_shape(request: Request, factor: ActiveFactor, health: Health) -> PreparedFactor:
    """Return how a factor scores a request; raises `ComponentFaultError` if it fails."""
    origin = factor.registered.origin
    begun = time.perf_counter()
    try:
        given = request.for_component(f"factor.{factor.name}", factor.options)
        shape = answer(factor.registered.value.prepare, given)
        if type(shape) not in _SHAPES:
            shape = _own_shape(shape)
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        raise ComponentFaultError(f"factor {factor.name}", origin) from fault_in(error)
    spent = time.perf_counter() - begun
    if spent > health.seconds:
        health.is_slow(f"factor {factor.name}", origin, spent)
    return PreparedFactor(factor, shape, spent)


def _own_shape(shape: Any) -> Any:
    """Return a shape as an object of one of our classes, whose attributes run none of the plugin's code."""
    ours = next((each for each in _SHAPES if issubclass(type(shape), each)), None)
    return shape if ours is None else ours(**{each.name: getattr(shape, each.name) for each in attrs.fields(ours)})


def prepared_filter(request: Request, registered: Registered[Filter], option: Any) -> ActiveFilter | None:
    """Return which tracks a filter lets pass, None for all; raises `ComponentFaultError` if it fails."""
    name, found = registered.name, registered.value
    try:
        answer(found.check, unshared(option))
        prepared = answer(found.prepare, request.for_component(f"filter.{name}"), unshared(option))
        return None if prepared is None else ActiveFilter(name, settled(prepared), registered.origin)
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        raise ComponentFaultError(f"filter {name}", registered.origin) from fault_in(error)


@attrs.frozen(eq=False)
class Prepared:
    """What the factors and filters of a request said; it holds for every snapshot."""

    factors: Sequence[PreparedFactor]
    filters: Sequence[ActiveFilter]
    health: Health

    @property
    def abstained(self) -> tuple[str, ...]:
        """The names of the factors that have nothing to say of the request."""
        return tuple(factor.active.name for factor in self.factors if factor.shape is None)

    def formula(self, snapshot: Snapshot) -> Formula:
        """Return the sum of the factors over a snapshot; raises `ComponentFaultError` for a shape that is not valid."""
        return Formula([self._term(factor, snapshot) for factor in self.factors if factor.shape is not None])

    def _term(self, factor: PreparedFactor, snapshot: Snapshot) -> Term:
        active, origin = factor.active, factor.active.registered.origin
        component = f"factor {active.name}"
        try:
            evaluate = compiled(factor.shape, snapshot.columns, snapshot.fetch)
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            raise ComponentFaultError(component, origin) from fault_in(error)
        if isinstance(evaluate, Function):  # a table or a distance runs none of the plugin's code any more
            watch = Stopwatch(self.health, component, origin, factor.seconds)
            evaluate = Function(partial(watch.time, evaluate.evaluate), evaluate.bound)
        assert factor.shape is not None
        return Term(active.name, active.weight, factor.shape, evaluate, origin)

    def ranking(self, formula: Formula, snapshot: Snapshot, query: Query, plan: Plan | None = None) -> EligibleRanking:
        """Return the tracks of a snapshot that pass filters and constraints, best first."""
        filters = [ActiveFilter(name, condition) for name, condition in query.conditions.items()]
        if query.exclude:
            filters.append(ActiveFilter("exclude", IdFilter(track_ids=query.exclude, exclude=True)))
        filters += self.filters
        constraints = _constraints(snapshot, query)
        return planner.ranked(snapshot, formula, filters, constraints=constraints, wanted=query.limit, plan=plan)


def _constraints(snapshot: Snapshot, query: Query) -> list[Callable[[], Keeps]]:
    columns = snapshot.columns
    constraints: list[Callable[[], Keeps]] = []
    if query.distinct:
        constraints.append(partial(Distinct, columns["artist"], columns["title"], whole=query.distinct == "exact"))
    if query.max_per_artist is not None:
        constraints.append(partial(MaxPerArtist, columns["artist"], query.max_per_artist))
    return constraints
