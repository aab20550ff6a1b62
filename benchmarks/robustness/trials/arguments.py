"""Odd types, huge numbers and hostile objects, one or two at a time, in random places of everything public."""

from __future__ import annotations

import faulthandler
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.robustness.odd_values import ODD_VALUES, places, put
from benchmarks.robustness.public_calls import Call, World
from benchmarks.robustness.trial import Finding, Settings, Trial

CALLS = 50_000
BATCH = 2_500  # calls of one worker, so that one that hangs takes few others with it
HANGS = 60.0  # seconds after which a call counts as one that never returns; the slowest takes a tenth of one
FRESH = 100  # calls after which another world is made, because megabytes gather in its log


def run(settings: Settings) -> Iterator[Finding]:
    """Make the calls in workers, and say what came of them."""
    remaining, seed = settings.times(CALLS), settings.seed
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    slowest = 0.0
    while remaining > 0:
        report = _worked(seed, min(BATCH, remaining))
        found.update(report["counts"])
        first = {**report["first"], **first}
        slowest = max(slowest, report["slowest"])
        remaining, seed = remaining - BATCH, seed + 1
    yield Finding("calls made", f"{found['made']:,}", found["made"] > 0)
    yield Finding("of them refused", f"{found['refused']:,}", holds=True)
    for kind in ("foreign errors", "changes although refused", "calls that hang"):
        yield Finding(kind, _counted(found[kind], first.get(kind)), found[kind] == 0)
    yield Finding("the slowest refusal", f"{slowest:.2f} s", slowest < HANGS)


def _counted(count: int, example: str | None) -> str:
    return f"{count:,}" if example is None else f"{count:,}, such as {example}"


def _worked(seed: int, count: int) -> dict[str, Any]:
    """Return the report of one worker; of one that hung or died, what it was doing."""
    command = [sys.executable, "-m", __name__, str(seed), str(count)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        report: dict[str, Any] = json.loads(ended.stdout)
        return report
    said = (ended.stderr.strip().splitlines() or ["nothing"])[-1]
    example = f"seed {seed}: {said}"
    return {"counts": {"calls that hang": 1}, "first": {"calls that hang": example}, "slowest": 0.0}


# ---- the worker ------------------------------------------------------------------------------------------------------


class Worker:
    """Makes random calls, and counts what came of them."""

    def __init__(self, seed: int) -> None:
        self.drawn = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        self.slowest = 0.0

    def make(self, count: int) -> None:
        """Make so many calls."""
        for begun in range(0, count, FRESH):
            world = World()
            calls = world.calls()
            for _ in range(min(FRESH, count - begun)):
                self._call(world, self.drawn.choice(calls))
            world.close()

    def _call(self, world: World, call: Call) -> None:
        arguments, labels = self._odd(call)
        before = world.state()
        # ends the process, with a traceback as the last it says
        faulthandler.dump_traceback_later(HANGS, exit=True)
        start = time.perf_counter()
        raised = call.raised(arguments)
        seconds = time.perf_counter() - start
        faulthandler.cancel_dump_traceback_later()
        self.counts["made"] += 1
        if raised is None:
            return
        self.counts["refused"] += 1
        self.slowest = max(self.slowest, seconds)
        if not call.allows(raised):
            self._note("foreign errors", f"{call.name} with {labels}: {type(raised).__name__}")
        if world.state() != before:
            self._note("changes although refused", f"{call.name} with {labels}")

    def _odd(self, call: Call) -> tuple[dict[str, Any], str]:
        """Return valid arguments with one or two odd values in them, and which."""
        arguments, labels = dict(call.valid), []
        for _ in range(self.drawn.choice((1, 1, 2))):
            parameter, label = self.drawn.choice(list(call.valid)), self.drawn.choice(list(ODD_VALUES))
            place = self.drawn.choice(list(places(call.valid[parameter])))
            if arguments[parameter] is call.valid[parameter]:  # of two in one argument, the first counts
                arguments[parameter] = put(arguments[parameter], place, ODD_VALUES[label]())
                labels.append(f"{label} in {'.'.join(map(str, (parameter, *place)))}")
        return arguments, " and ".join(labels)

    def _note(self, kind: str, example: str) -> None:
        self.counts[kind] += 1
        self.first.setdefault(kind, example)


TRIAL = Trial("arguments", "50,000 public calls are made with odd values in random places.", run)


if __name__ == "__main__":
    worker = Worker(int(sys.argv[1]))
    worker.make(int(sys.argv[2]))
    print(json.dumps({"counts": worker.counts, "first": worker.first, "slowest": worker.slowest}))
