"""Faults of plugins: reported once each, by name, distribution and version; `strict` raises instead.

A plugin that fails too many requests in a row is switched off, and one that is slow is reported.
"""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from qfzz_core.errors import PluginError, PluginWarning
from qfzz_core.model.forks import RenewedLock
from qfzz_core.plugins.record import Origin, PluginRecord

logger = logging.getLogger("qfzz.plugins")

_END = object()

Report = Callable[[Origin, str, "BaseException | str"], None]


class BrokenContractError(Exception):
    """A plugin's object gave something that its contract does not allow; the message says what and what would do."""


def answer(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a plugin's function returns.

    Raises what the function raises, and `BrokenContractError` for a coroutine, which is closed, for an attempt to end
    the program, and for what is no ordinary exception, such as a panic of compiled code. Ctrl-C stays what it is.
    """
    try:
        value = function(*arguments)
        # A coroutine that nobody closes warns when it is collected, in whatever code runs then.
        return refuse_coroutine(value) if hasattr(value, "__await__") else value
    except SystemExit as error:
        raise BrokenContractError(f"raised SystemExit({error.code!r}); a plugin must not end the program") from error
    except (Exception, KeyboardInterrupt):
        raise
    # A panic of a Rust extension derives from BaseException, past every `except Exception` of the request.
    except BaseException as error:
        raise BrokenContractError(f"raised {type(error).__name__}: {error}") from error


def answers(function: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """Yield the items that a plugin's function gives, as it gives them; raises as `answer` does."""
    given = answer(function, *arguments)
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise BrokenContractError(f"expected several things, such as a generator gives, got {given!r}")
    items = answer(iter, given)
    while (item := answer(next, items, _END)) is not _END:
        yield item


def refuse_coroutine(value: Any) -> Any:
    """Return a value that a plugin gave; raises `BrokenContractError` for a coroutine, which is closed."""
    if hasattr(value, "__await__"):
        if hasattr(value, "close"):
            value.close()
        raise BrokenContractError("got a coroutine; plugins are called in the caller's thread and must not be async")
    return value


class ComponentFaultError(Exception):
    """A plugin's component failed in a request, which has to begin again without it; the error is the `__cause__`."""

    def __init__(self, component: str, origin: Origin) -> None:
        super().__init__(component)
        self.component = component
        self.origin = origin


class Faults:
    """What went wrong with the plugins of one engine; `counts` says how often, by plugin name and component."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._lock = RenewedLock()
        self._records: dict[Origin, PluginRecord] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.messages: dict[tuple[str, str], str] = {}

    def count_in(self, records: Iterable[PluginRecord]) -> None:
        """Count faults from now on in these records too: their plugins have started, and fail at run time."""
        self._records = {record.origin: record for record in records if record.takes_part}

    def report(self, origin: Origin, component: str, error: BaseException | str, status: str = "") -> None:
        """Report a fault of a plugin's component, or, with a status, that the whole plugin is not active.

        Raises `PluginError` if the engine is strict.
        """
        what = f"{origin}, {status}" if status else f"{component} of {origin}"
        message = f"{what}: {described(error)}"
        cause = error if isinstance(error, BaseException) else None
        if self._strict:
            raise PluginError(message) from cause
        with self._lock.held:
            self.counts[origin.plugin, component] += 1
            self.messages.setdefault((origin.plugin, component), message)
            first = self.counts[origin.plugin, component] == 1  # a fault in each of many requests must not fill a log
            if origin in self._records:
                self._records[origin].failed(component, f"{component}: {described(error)}")
        if first:
            self.warn(f"{message}; it is left out", cause)

    def warn(self, message: str, cause: BaseException | None = None) -> None:
        """Say something of a plugin as a log record, with the traceback of the cause, and as a `PluginWarning`."""
        logger.warning("%s", message, exc_info=cause)
        warnings.warn(message, PluginWarning, stacklevel=2)

    def of(self, plugin: str) -> dict[str, int]:
        """Return how often each component of a plugin failed."""
        return {component: count for (name, component), count in self.counts.items() if name == plugin}


def described(error: BaseException | str) -> str:
    """Return an error as a sentence: with its type, unless it is one of our own messages."""
    if isinstance(error, str):
        return error
    if isinstance(error, BrokenContractError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


T = TypeVar("T")
Failures = Mapping[str, tuple[Origin, str]]


def _by_origin(records: Iterable[PluginRecord]) -> dict[Origin, PluginRecord]:
    return {record.origin: record for record in records}


@attrs.define(eq=False)
class Health:
    """Switches off what fails too often, and reports what is slow; without arguments it does neither.

    `give_up_after` is how many requests in a row a component may fail before its plugin is switched off, 0 for any
    number; `seconds` how long a factor may take for one request before that is reported, once. `off` says why each
    plugin is off that was switched off; `failing` how many requests in a row each component has failed.
    """

    _records: dict[Origin, PluginRecord] = attrs.field(default=(), converter=_by_origin)
    _faults: Faults = attrs.field(factory=lambda: Faults(strict=False))
    _give_up_after: int = attrs.field(default=0, kw_only=True)
    seconds: float = attrs.field(default=math.inf, kw_only=True)
    off: dict[Origin, str] = attrs.field(factory=dict, init=False)
    failing: Counter[str] = attrs.field(factory=Counter, init=False)
    _slow: set[str] = attrs.field(factory=set, init=False)
    _lock: RenewedLock = attrs.field(factory=RenewedLock, init=False)

    def ended(self, failed: Failures, took_part: Iterable[str]) -> None:
        """Learn from one request: which components failed in it, and which took part.

        Where nothing failed and nothing is `failing` it changes nothing, and need not be called.
        """
        with self._lock.held:
            # A filter that a request did not name has not succeeded in it: its count stays.
            for component in {*self.failing} & {*took_part} - failed.keys():
                del self.failing[component]
            for component, (origin, message) in failed.items():
                self.failing[component] += 1
                if self.failing[component] == self._give_up_after and origin not in self.off:
                    self._switch_off(origin, f"it failed {self._give_up_after} requests in a row: {message}")

    def _switch_off(self, origin: Origin, reason: str) -> None:
        self.off[origin] = reason
        if origin in self._records:
            self._records[origin].status, self._records[origin].reason = "switched off", reason
        self._faults.warn(f"{origin} is switched off: {reason}")

    def is_slow(self, component: str, origin: Origin, seconds: float) -> None:
        """Report a component that took longer than it may, once."""
        with self._lock.held:
            first = component not in self._slow
            self._slow.add(component)
        if first:
            allowed = f"more than the {self.seconds:g} that plugins.factor_seconds allows"
            message = f"took {seconds:.3g} seconds for one request, {allowed}"
            if origin in self._records:
                self._records[origin].problems.append(f"{component} {message}")
            self._faults.warn(f"{component} of {origin} {message}")


@attrs.define(eq=False)
class Stopwatch:
    """Adds up the time that one component takes in one request; `spent` are the seconds so far."""

    health: Health
    component: str
    origin: Origin
    spent: float = 0.0

    def time(self, function: Callable[..., T], *arguments: object) -> T:
        """Return what a function returns, and add the time it takes."""
        begun = time.perf_counter()
        result = function(*arguments)
        self.spent += time.perf_counter() - begun
        if self.spent > self.health.seconds:
            self.health.is_slow(self.component, self.origin, self.spent)
        return result
