"""An attribute that is computed when it is first asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

T = TypeVar("T")


class cached_property(functools.cached_property[T]):  # noqa: N801 - it is used as the one it derives from
    """As in `functools`, without the lock that it takes in Python 3.11.

    That lock is one for all objects of a class: threads would wait for each other, and a child that was forked while
    one of them computed would wait for ever.
    """

    def __init__(self, func: Callable[[Any], T]) -> None:
        super().__init__(func)
        self.lock = nullcontext()
