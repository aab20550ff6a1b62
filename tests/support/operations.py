"""Counting what a call does, as a measure of its cost that no load of the machine changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class Counted(str):
    """A string of which the comparisons are counted, also those that compiled code makes, such as `in` of a list."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        Counted.compared += 1
        return str.__hash__(self)


def operations(call: Callable[[], Any]) -> int:
    """Return how many lines of Python a call runs in this thread, and how often it compares or hashes a `Counted`."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before, Counted.compared = sys.gettrace(), 0
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return lines + Counted.compared
