"""Factors: the four shapes in which a factor says how it scores a request, and the decorator for the simplest one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Columns, Rows
from qfzz_core.contracts.request import Request

Values = NDArray[np.float64]
Reason = Callable[[Mapping[str, Any], float], str]


@attrs.frozen(kw_only=True, eq=False)
class CategoryTable:
    """A table over one category or tags column: `values` by name, `default` for every other name.

    Names compare as the column compares them; on a tags column the largest mapped value of a track counts; a track
    without a category or tag has the value `missing`, or the default if that is None. All values lie in [0, 1].
    `reason` says a track's value in a few words.
    """

    column: str
    values: Mapping[str, float]
    default: float = 0.0
    missing: float | None = None
    reason: Reason | None = None


@attrs.frozen(kw_only=True, eq=False)
class NumericDistance:
    """A distance on one number column: `max(0, 1 - abs(number - target) / scale)`, `missing` where there is none."""

    column: str
    target: float
    scale: float = 1.0
    missing: float = 0.0
    reason: Reason | None = None


@attrs.frozen(kw_only=True, eq=False)
class ColumnFunction:
    """A vectorised function `(columns, rows) -> float64 values in [0, bound]`, one for each row.

    It is called with some rows, in any order, perhaps several times; a row's value must not depend on the others.
    """

    function: Callable[[Columns, Rows], Values]
    bound: float = 1.0
    reason: Reason | None = None


@attrs.frozen(kw_only=True, eq=False)
class TrackFunction:
    """A function of one track's dictionary, giving a value in [0, bound]: the simplest shape, and the slowest."""

    function: Callable[[Mapping[str, Any]], float]
    bound: float = 1.0
    reason: Reason | None = None


Prepared = CategoryTable | NumericDistance | ColumnFunction | TrackFunction


@runtime_checkable
class Factor(Protocol):
    """One reason to like a track.

    `name` stands in explanations and in the configuration (`[factors.NAME]`), `weight` is the default weight,
    finite and >= 0. Two optional attributes: `Options`, an attrs class into which the rest of that table is
    structured (`request.options`), and, for the built-in factors only, `order`, by which they come first in the sum.
    """

    @property
    def name(self) -> str:
        """The name by which configuration, explanations and reports know it."""
        ...

    @property
    def weight(self) -> float:
        """The default weight, finite and >= 0."""
        ...

    def prepare(self, request: Request) -> Prepared | None:
        """Say how to score this request, called once for it; None abstains: the weight leaves the sum."""
        ...


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@attrs.frozen
class FunctionFactor:
    """A factor made of a function of a track, or of a track and the request."""

    name: str
    weight: float
    function: Callable[..., float]
    bound: float
    reason: Reason | None

    def prepare(self, request: Request) -> TrackFunction:
        """Score by the function."""
        parameters = inspect.signature(self.function).parameters.values()
        takes_request = sum(parameter.kind in _POSITIONAL for parameter in parameters) > 1
        score = (lambda track: self.function(track, request)) if takes_request else self.function
        return TrackFunction(function=score, bound=self.bound, reason=self.reason)


def factor(
    name: str | None = None,
    *,
    weight: float,
    bound: float = 1.0,
    reason: Reason | None = None,
) -> Callable[[Callable[..., float]], FunctionFactor]:
    """Make a factor of a function `(track)` or `(track, request)` that returns a value in [0, bound].

    `name` is the function's own if not given, `weight` the default weight, finite and >= 0; `reason` says a track's
    value in a few words.
    """

    def made(function: Callable[..., float]) -> FunctionFactor:
        return FunctionFactor(name or function.__name__, weight, function, bound, reason)

    return made
