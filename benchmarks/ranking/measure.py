"""Alternating rounds: every contestant answers the same few listeners in its turn, in an order that rotates."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from benchmarks.ranking.catalogue import Rows
from benchmarks.ranking.listeners import Listener

Call = Callable[[Listener], Any]
Feedback = Callable[[Listener], None]
Before = Callable[[str], None]

FEEDBACK_EVERY = 4
SECONDS_EACH = 30.0  # a slow contestant is called less often, so that it takes about as long in all
_COPRIME = (1, 3, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)  # with 20
TURN = 20  # calls of one contestant after another: so many find in the processor's caches what a service finds there
PATTERN = (
    f"in turns of {TURN} calls, each contestant for the same {TURN} listeners, the order rotated at each turn; every "
    "fourth listener of a turn gave a feedback just before it"
)


class DisagreementError(Exception):
    """A contestant that should be exact gave another answer."""


@attrs.frozen(eq=False)
class Times:
    """What one contestant's calls took, in seconds, and which calls they were."""

    calls: list[int] = attrs.field(factory=list)
    seconds: list[float] = attrs.field(factory=list)

    def add(self, call: int, seconds: float) -> None:
        self.calls.append(call)
        self.seconds.append(seconds)

    def among(self, chosen: Callable[[int], bool]) -> Times:
        """Return the times of some of the calls."""
        kept = [(call, time) for call, time in zip(self.calls, self.seconds, strict=True) if chosen(call)]
        return Times([call for call, _ in kept], [time for _, time in kept])

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    def figures(self) -> dict[str, Any]:
        """Return calls, median and 99th percentile in milliseconds."""
        median, high = np.quantile(self.seconds, [0.5, 0.99]) * 1e3 if self.seconds else (np.nan, np.nan)
        return {"calls": len(self.seconds), "median_ms": round(float(median), 4), "p99_ms": round(float(high), 4)}


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def alternated(
    contestants: Mapping[str, Call],
    listeners: Sequence[Listener],
    calls: int,
    feedback: Feedback | None = None,
    *,
    before: Before = lambda name: None,
) -> dict[str, Times]:
    """Return the times of each contestant; call number c is for listener c modulo their number.

    `before` is called with the name of the next contestant, which is not timed.
    """
    intervals = {name: _interval(contestant, listeners, calls) for name, contestant in contestants.items()}
    measured = {name: Times() for name in contestants}
    gc.collect()
    gc.freeze()  # what was prepared is not looked through again whenever some garbage has gathered
    for turn, first in enumerate(range(0, calls, TURN)):
        numbers = range(first, min(first + TURN, calls))
        if feedback:
            for call in numbers[FEEDBACK_EVERY - 1 :: FEEDBACK_EVERY]:
                feedback(listeners[call % len(listeners)])
        for name in rotated(list(contestants), turn):
            for call in (number for number in numbers if number % intervals[name] == 0):
                listener = listeners[call % len(listeners)]
                before(name)
                measured[name].add(call, timed(partial(contestants[name], listener)))
    gc.unfreeze()
    return measured


def _interval(contestant: Call, listeners: Sequence[Listener], calls: int) -> int:
    """Return at every how many calls to call a contestant, after a few calls that warm it up."""
    seconds = min(timed(partial(contestant, listener)) for listener in listeners[:3])
    wanted = seconds * calls / SECONDS_EACH
    return next((number for number in _COPRIME if number >= wanted), _COPRIME[-1])


def rotated(names: list[str], by: int) -> Iterator[str]:
    """Yield the names in an order that begins at another one each time."""
    return (names[(place + by) % len(names)] for place in range(len(names)))


def compared(measured: Mapping[str, Times], ours: str, listeners: Sequence[Listener]) -> dict[str, Any]:
    """Return for each contestant its figures over all, warm and cold listeners, and how many times ours it takes.

    The ratio is that of the medians over the calls which both answered.
    """
    groups: dict[str, Callable[[int], bool]] = {
        "all": lambda call: True,
        "warm": lambda call: listeners[call % len(listeners)].kind != "cold",
        "cold": lambda call: listeners[call % len(listeners)].kind == "cold",
    }
    return {
        name: {group: _against(times.among(chosen), measured[ours]) for group, chosen in groups.items()}
        for name, times in measured.items()
    }


def _against(times: Times, ours: Times) -> dict[str, Any]:
    answered = set(times.calls)
    both = ours.among(lambda call: call in answered)
    ratio = times.median / both.median if times.seconds and both.seconds else float("nan")
    return {**times.figures(), "ratio": round(ratio, 2)}


def check(answers: Mapping[str, Callable[[Listener], Rows]], listeners: Sequence[Listener]) -> None:
    """Raise `DisagreementError` unless all give the same rows in the same order."""
    for listener in listeners:
        found = {name: np.asarray(answer(listener)) for name, answer in answers.items()}
        first = next(iter(found.values()))
        for name, rows in found.items():
            if not np.array_equal(rows, first):
                raise DisagreementError(f"{name} and {next(iter(found))} differ for {listener.user_id}")
