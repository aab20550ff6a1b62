"""From prepared filters to the rows that may be chosen, and the predicates that are asked about candidates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.snapshot import Catalogue
from qfzz_core.columns import CategoryColumn, FlagColumn, NumberColumn, Rows, TagsColumn, sealed
from qfzz_core.contracts import CategoryFilter, IdFilter, Predicate, PreparedFilter, RangeFilter
from qfzz_core.plugins.faults import BrokenContractError, ComponentFaultError, answer
from qfzz_core.plugins.origin import Origin
from qfzz_core.ranking.eligible import Passes

Mask = NDArray[np.bool_]


@attrs.frozen(eq=False)
class ActiveFilter:
    """One prepared filter of a request and where it came from; `origin` is None for a condition on a column."""

    name: str
    prepared: PreparedFilter
    origin: Origin | None = None


def eligible_rows(catalogue: Catalogue, filters: Sequence[ActiveFilter]) -> Rows:
    """Return the rows, ascending, that pass all filters that can prune."""
    mask: Mask | None = None
    for active in filters:
        if not isinstance(active.prepared, Predicate):
            passing = _guarded(active, partial(_mask, catalogue, active.prepared))
            mask = passing if mask is None else mask & passing
    return np.arange(len(catalogue)) if mask is None else np.flatnonzero(mask)


def predicates(catalogue: Catalogue, filters: Iterable[ActiveFilter]) -> list[Passes]:
    """Return the tests for candidates of the filters that cannot prune."""
    return [
        partial(_test, catalogue, active, active.prepared)
        for active in filters
        if isinstance(active.prepared, Predicate)
    ]


def _test(catalogue: Catalogue, active: ActiveFilter, predicate: Predicate, rows: Rows) -> Mask:
    return _guarded(active, lambda: _booleans(answer(predicate.function, catalogue.columns, sealed(rows)), len(rows)))


def _guarded(active: ActiveFilter, ask: Callable[[], Mask]) -> Mask:
    try:
        return ask()
    except Exception as error:
        if active.origin is None:
            raise
        raise ComponentFaultError(f"filter {active.name}", active.origin) from error


def _booleans(result: object, count: int) -> Mask:
    mask = np.asarray(result)
    if mask.dtype != np.bool_ or mask.shape != (count,):
        raise BrokenContractError(f"a predicate must return {count} booleans, got {mask.dtype} of shape {mask.shape}")
    return mask


def _mask(catalogue: Catalogue, prepared: PreparedFilter) -> Mask:
    if isinstance(prepared, IdFilter):
        mask = np.zeros(len(catalogue), dtype=np.bool_)
        mask[catalogue.rows(prepared.track_ids)] = True
        return ~mask if prepared.exclude else mask
    if isinstance(prepared, CategoryFilter):
        mask = _category_mask(catalogue.columns[prepared.column], prepared)
        return ~mask if prepared.exclude else mask
    if isinstance(prepared, RangeFilter):
        return _range_mask(catalogue.columns[prepared.column], prepared)
    raise BrokenContractError(
        "a filter's prepare must return CategoryFilter, RangeFilter, IdFilter, Predicate or None, "
        f"got {type(prepared).__name__}"
    )


def _category_mask(column: CategoryColumn | TagsColumn, prepared: CategoryFilter) -> Mask:
    codes = [code for code in map(column.vocabulary.code, prepared.names) if code >= 0]
    found = np.isin(column.codes, codes)
    if isinstance(column, CategoryColumn):
        return found
    counts = np.concatenate([[0], np.cumsum(found)])
    mask: Mask = counts[column.starts[1:]] > counts[column.starts[:-1]]
    return mask


def _range_mask(column: NumberColumn | FlagColumn, prepared: RangeFilter) -> Mask:
    low = -math.inf if prepared.low is None else prepared.low
    high = math.inf if prepared.high is None else prepared.high
    numbers = column.numbers if isinstance(column, NumberColumn) else column.flags
    mask: Mask = (numbers >= low) & (numbers <= high)
    return mask
