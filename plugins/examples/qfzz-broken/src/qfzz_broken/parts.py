"""What the ways are made of: plugins, factors, filters and strategies that do whatever they are given to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs
from qfzz_core import hookimpl

When = Literal["start", "recommend", "where", "strategy", "feedback", "command", "store"]


@attrs.frozen
class Way:
    """One way of being broken: its name, when it shows, what it does, and what makes the plugin."""

    name: str
    when: When
    what: str
    make: Callable[[], Any]


class Plugin:
    """A plugin with these hooks: `Plugin(qfzz_factors=lambda: [...])`."""

    def __init__(self, **hooks: Callable[..., Any]) -> None:
        for name, function in hooks.items():
            setattr(self, name, hookimpl(function))


class BrokenError(Exception):
    """What the ways raise."""


class PanicError(BaseException):
    """No ordinary exception: what compiled code raises when it panics."""


class UnsayableError(Exception):
    """What cannot be shown: its text is asked for, and that fails."""

    def __str__(self) -> str:
        return str(broken())

    __repr__ = __str__


def broken(*given: Any, **named: Any) -> Any:
    """Raise, whatever the arguments."""
    raise BrokenError("it is broken")


def leave(*given: Any, **named: Any) -> Any:
    """End the program, as a careless command-line tool does."""
    raise SystemExit("the plugin left")


def panic(*given: Any, **named: Any) -> Any:
    """Raise what `except Exception` does not catch."""
    raise PanicError("index out of bounds")


async def asynchronous(*given: Any, **named: Any) -> Any:
    """Be called as a function without being one."""


@attrs.frozen
class Factor:
    """A factor whose `prepare` is given."""

    prepare: Callable[[Any], Any] = broken
    name: str = "broken"
    weight: float = 1.0


@attrs.frozen
class Filter:
    """A filter that lets everything pass, but for what is given."""

    check: Callable[[Any], Any] = lambda option: None
    prepare: Callable[[Any, Any], Any] = lambda request, option: None
    name: str = "broken"


@attrs.frozen
class Strategy:
    """A strategy whose `pick` is given."""

    pick: Callable[[Any, Any], Any]
    name: str = "broken"
