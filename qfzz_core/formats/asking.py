"""Asking a plugin for several things, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from qfzz_core.plugins.faults import BrokenContractError, answer

_END = object()


def answered(function: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """Yield what a plugin's function gives, as it gives it; raises what it raises, and `BrokenContractError`."""
    given = answer(function, *arguments)
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise BrokenContractError(f"expected several things, such as a generator gives, got {given!r}")
    items = answer(iter, given)
    while (item := answer(next, items, _END)) is not _END:
        yield item
