"""Faults of plugins: reported once each, by name, distribution and version; `strict` raises instead.

A plugin that fails too many requests in a row is switched off, and one that is slow is reported.
"""

from __future__ import annotations

import logging
import math
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from qfzz_core.errors import ClosedError, PluginError, PluginWarning, QfzzError, StoreError, shown
from qfzz_core.model.forks import RenewedLock
from qfzz_core.model.names import is_storable
from qfzz_core.model.plain import attempted, class_name, own_text
from qfzz_core.plugins.record import Origin, PluginRecord

logger = logging.getLogger("qfzz.plugins")

T = TypeVar("T")

_END = object()

# The longest messages that are meant to be read, pluggy's on a wrong signature and click's on choices, have 300 to 900
# characters. A traceback of as many frames as Python lets stand has 130,000.
MOST_SAID, MOST_LOGGED = 2_000, 1_000_000

Report = Callable[[Origin, str, "BaseException | str"], None]


class BrokenContractError(Exception):
    """A plugin's object gave something that its contract does not allow; the message says what and what would do."""


# ---- what is a plugin's fault ---------------------------------------------------------------------------------------


def fault_in(error: BaseException) -> Exception:
    """Return the fault that something is which was raised where a plugin's code runs.

    Raises it if it is nobody's fault there: Ctrl-C, and what `store_errors_pass` marked, whatever a plugin made of it.
    An attempt to end the program, and what is no ordinary exception, such as a panic of compiled code, is a fault.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error
    for each in _chain(error):
        if isinstance(each, QfzzError) and each.passes_plugins:
            raise each
    if isinstance(error, Exception):
        return error
    if isinstance(error, SystemExit):
        fault = BrokenContractError(f"raised SystemExit({shown(error.code)}); a plugin must not end the program")
    else:
        fault = BrokenContractError(f"raised {described(error)}")
    fault.__cause__ = error
    return fault


class _StoreErrorsPass:
    """Lets what the engine's own store raises here, below a plugin that asked for something, be no fault of the plugin.

    A plugin that reads a history from a damaged file is sound, and left out it would hide the damage.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, place: object) -> None:
        if isinstance(error, (StoreError, ClosedError)):
            error.passes_plugins = True


store_errors_pass = _StoreErrorsPass()  # one for all, because it keeps nothing: each feedback and each fetch enters it


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Iterate an error and those that led to it, by the slots of exceptions: a plugin may have made them properties."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        hides = _SLOTS["__suppress_context__"].__get__(found)
        found = _SLOTS["__cause__"].__get__(found) or (None if hides else _SLOTS["__context__"].__get__(found))


_SLOTS: Mapping[str, Any] = vars(BaseException)


def described(error: BaseException | str) -> str:
    """Return an error as a sentence: with its type, unless it is one of our own messages.

    Raises nothing, whatever the error does when it is shown, and returns at most about `MOST_SAID` characters.
    """
    if isinstance(error, str):
        return error
    name, said = class_name(type(error)), shortened(said_by(error))
    if isinstance(error, BrokenContractError):
        return said
    return f"{name}: {said}" if said else name


def shortened(text: str) -> str:
    """Return a text cut to `MOST_SAID` characters, without what cannot be written as UTF-8."""
    cut = text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]} ... ({len(text):,} characters)"
    return cut if is_storable(cut) else cut.encode("utf-8", "backslashreplace").decode()


def said_by(value: object) -> str:
    """Return what `str` returns, as a string of the built-in type; that it cannot be shown if that raises."""
    return attempted(lambda: str(own_text(str(value))), "what it says cannot be shown")


def _loggable(error: BaseException | None) -> BaseException | None:
    """Return an error whose traceback can be written; None for one that raises meanwhile, or says too much."""
    written = attempted(lambda: 0 if error is None else sum(map(len, traceback.format_exception(error))), MOST_LOGGED)
    return error if written < MOST_LOGGED else None


# ---- calling a plugin -----------------------------------------------------------------------------------------------


def answer(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a plugin's function returns.

    Raises what the function raises, and `BrokenContractError` for a coroutine, which is closed, for an attempt to end
    the program, and for what is no ordinary exception, such as a panic of compiled code. Ctrl-C stays what it is.
    """
    try:
        value = function(*arguments)
        # A coroutine that nobody closes warns when it is collected, in whatever code runs then.
        return refuse_coroutine(value) if hasattr(value, "__await__") else value
    except (Exception, KeyboardInterrupt):
        raise
    # A panic of a Rust extension derives from BaseException, past every `except Exception` of the request.
    except BaseException as error:
        raise fault_in(error) from error


def answers(function: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """Yield the items that a plugin's function gives, as it gives them; raises as `answer` does."""
    items = answer(iter, several(answer(function, *arguments)))
    yield from iter(lambda: answer(next, items, _END), _END)


def several(given: Any, at_most: int | None = None) -> Iterable[Any]:
    """Return items that a plugin gave, to be iterated; raises `BrokenContractError` for what cannot be, and for text.

    So does iterating more than `at_most`, because some iterators never end.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise BrokenContractError(f"expected several things, such as a generator gives, got {given!r}")
    return given if at_most is None or type(given) in (list, tuple) else _bounded(given, at_most)


def _bounded(items: Iterable[T], at_most: int) -> Iterator[T]:
    for number, item in enumerate(items, 1):
        if number > at_most:
            raise BrokenContractError(f"gave more than {at_most:,} things")
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
        self._warned: set[tuple[str, str, str]] = set()  # plugin, component and kind of fault
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
        # A fault in each of many requests, or in eight threads at once, must not fill a log.
        kind = origin.plugin, component, "" if cause is None else class_name(type(cause))
        with self._lock.held:
            first = kind not in self._warned
            self._warned.add(kind)
            self.counts[origin.plugin, component] += 1
            self.messages.setdefault((origin.plugin, component), message)
            if origin in self._records:
                sentence = f"{component}: {described(error)}"
                self._records[origin].failed(component, sentence)
                _note_in_process(origin, component, sentence)
        if first:
            self.warn(f"{message}; it is left out", cause)

    def warn(self, message: str, cause: BaseException | None = None) -> None:
        """Say something of a plugin as a log record, with the traceback of the cause, and as a `PluginWarning`.

        Where warnings are errors, the record stands alone, so that it takes no call down; a strict engine raises it.
        """
        logger.warning("%s", message, exc_info=_loggable(cause))
        try:
            warnings.warn(message, PluginWarning, stacklevel=2)
        except PluginWarning:
            if self._strict:
                raise

    def of(self, plugin: str) -> dict[str, int]:
        """Return how often each component of a plugin failed."""
        return {component: count for (name, component), count in self.counts.items() if name == plugin}


# What failed at run time in any engine of this process, by component: so `qfzz plugins`, which makes an engine of its
# own, can say what happened in that of the application. Plugins that were passed in code are in no other engine.
_in_process: dict[Origin, dict[str, str]] = {}


def _note_in_process(origin: Origin, component: str, sentence: str) -> None:
    if origin.distribution is not None or origin.file is not None:
        _in_process.setdefault(origin, {}).setdefault(component, sentence)


def add_what_happened(records: Iterable[PluginRecord]) -> None:
    """Add to records what failed at run time in other engines of this process."""
    for record in records:
        for component, sentence in _in_process.get(record.origin, {}).items():
            if record.takes_part and component not in record.failures:
                record.failed(component, sentence)


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
