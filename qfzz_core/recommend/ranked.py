"""From a request to its ranking: what factors and filters say once, and the rows in order as far as somebody looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from functools import partial

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.filters import IdFilter
from qfzz_core.contracts.plan import Plan
from qfzz_core.contracts.request import Request
from qfzz_core.plugins.faults import ComponentFaultError, answer
from qfzz_core.plugins.health import Health, Stopwatch
from qfzz_core.plugins.registry import Registry
from qfzz_core.plugins.settings import ActiveFactor
from qfzz_core.ranking import planner
from qfzz_core.ranking.eligibility import Distinct, EligibleRanking, Keeps, MaxPerArtist
from qfzz_core.ranking.filters import ActiveFilter, settled
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.shapes import Function, compiled
from qfzz_core.recommend.query import Query


def prepared_term(snapshot: Snapshot, request: Request, factor: ActiveFactor, health: Health) -> Term | None:
    """Return a factor as it scores this request, None if it abstains; raises `ComponentFaultError` if it fails."""
    origin = factor.registered.origin
    try:
        asked = request.asking(f"factor.{factor.name}", factor.options)
        begun = time.perf_counter()
        prepared = answer(factor.registered.value.prepare, asked)
        spent = time.perf_counter() - begun
        if spent > health.seconds:
            health.is_slow(f"factor {factor.name}", origin, spent)
        if prepared is None:
            return None
        evaluate = compiled(prepared, snapshot.columns, snapshot.fetch)
        if isinstance(evaluate, Function):
            watch = Stopwatch(health, f"factor {factor.name}", origin, spent)
            evaluate = Function(partial(watch.time, evaluate.evaluate), evaluate.bound)
    except Exception as error:
        raise ComponentFaultError(f"factor {factor.name}", origin) from error
    return Term(factor.name, factor.weight, prepared, evaluate, origin)


def ranked(
    snapshot: Snapshot,
    request: Request,
    query: Query,
    formula: Formula,
    *,
    registry: Registry,
    left_out: Container[str],
    plan: Plan | None = None,
) -> EligibleRanking:
    """Return the ranking of a request without the filters that are left out; raises `ComponentFaultError`."""
    filters = _filters(registry, request, query, left_out)
    constraints = _constraints(snapshot, query)
    return planner.ranked(snapshot, formula, filters, constraints=constraints, wanted=request.limit, plan=plan)


def _filters(registry: Registry, request: Request, query: Query, left_out: Container[str]) -> list[ActiveFilter]:
    filters = [ActiveFilter(name, prepared) for name, prepared in query.conditions.items()]
    if query.exclude:
        filters.append(ActiveFilter("exclude", IdFilter(track_ids=query.exclude, exclude=True)))
    for name, option in query.filters.items():
        if f"filter {name}" not in left_out:
            registered = registry.filters[name]
            try:
                answer(registered.value.check, option)
                prepared = settled(answer(registered.value.prepare, request.asking(f"filter.{name}"), option))
            except Exception as error:
                raise ComponentFaultError(f"filter {name}", registered.origin) from error
            if prepared is not None:
                filters.append(ActiveFilter(name, prepared, registered.origin))
    return filters


def _constraints(snapshot: Snapshot, query: Query) -> list[Callable[[], Keeps]]:
    columns = snapshot.columns
    constraints: list[Callable[[], Keeps]] = []
    if query.distinct:
        constraints.append(partial(Distinct, columns["artist"], columns["title"]))
    if query.max_per_artist is not None:
        constraints.append(partial(MaxPerArtist, columns["artist"], query.max_per_artist))
    return constraints
