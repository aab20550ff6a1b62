"""The decorator that makes a factor of a function, for the ten-line plugin."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from qfzz_core.contracts import TrackFunction
from qfzz_core.request import Request

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@attrs.frozen
class FunctionFactor:
    """A factor made of a function of a track, or of a track and the request."""

    name: str
    weight: float
    function: Callable[..., float]
    bound: float
    reason: Callable[[Mapping[str, Any], float], str] | None

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
    reason: Callable[[Mapping[str, Any], float], str] | None = None,
) -> Callable[[Callable[..., float]], FunctionFactor]:
    """Make a factor of a function `(track)` or `(track, request)` that returns a value in [0, bound].

    `name` is the function's own if not given, `weight` the default weight, finite and >= 0; `reason` says a track's
    value in a few words.
    """

    def made(function: Callable[..., float]) -> FunctionFactor:
        return FunctionFactor(name or function.__name__, weight, function, bound, reason)

    return made
