"""How the plugins of one engine do while it runs: who fails too many requests in a row, and who takes too long."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import attrs

from qfzz_core.plugins.faults import Faults
from qfzz_core.plugins.record import Origin, PluginRecord

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
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def ended(self, failed: Failures, took_part: Iterable[str]) -> None:
        """Learn from one request: which components failed in it, and which took part.

        Where nothing failed and nothing is `failing` it changes nothing, and need not be called.
        """
        with self._lock:
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
        with self._lock:
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
