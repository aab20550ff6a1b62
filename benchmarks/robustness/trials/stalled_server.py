"""A PostgreSQL server that is there and answers nothing: how long calls take, what they raise, and what is left."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT
from benchmarks.robustness.trial import Finding, Settings, Trial
from qfzz_core.testing.samples import a_track

PLACES = 100  # where a feedback is stopped, at full scale
DEADLINE = 2.0  # seconds
GRACE = 0.5  # seconds that a call may take beyond the deadline
THREADS = 8
HANGS = 900.0  # seconds after which the process of the trial is ended

Calls = dict[str, Callable[[Any], Any]]

CALLS: Calls = {
    "recommend": lambda dj: dj.recommend("alice", limit=3),
    "explain": lambda dj: dj.explain("alice", "t1"),
    "get_profile": lambda dj: dj.get_profile("alice"),
    "get_or_create_profile": lambda dj: dj.get_or_create_profile("somebody new"),
    "get_track": lambda dj: dj.get_track("t1"),
    "get_trust_score": lambda dj: dj.get_trust_score("alice", artist="Miles Davis"),
    "record_feedback": lambda dj: dj.record_feedback("alice", "t1", "like", event_id="a call"),
    "add_content": lambda dj: dj.add_content([a_track("added")]),
    "remove_content": lambda dj: dj.remove_content(["added"]),
    "forget": lambda dj: dj.forget("nobody"),
    "check": lambda dj: dj.engine.store.check(),
}


def run(settings: Settings) -> Iterable[Finding]:
    """Yield what came of it, in a process of its own, so that a hang is a finding."""
    command = [sys.executable, "-m", __name__, settings.postgresql, str(settings.times(PLACES))]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANGS, check=False)
    except subprocess.TimeoutExpired:
        yield Finding("calls that hang", "some", holds=False)
        return
    if done.returncode:
        yield Finding("the trial itself", done.stderr.strip().splitlines()[-1], holds=False)
        return
    for what, value, holds in json.loads(done.stdout):
        yield Finding(what, value, holds)
    lines = len(done.stderr.splitlines())
    yield Finding("lines on stderr where no logging is configured", str(lines), lines == 0)


TRIAL = Trial(
    name="stalled-server",
    tried="A proxy before PostgreSQL takes what it is sent and passes nothing on, before a call and in its midst.",
    run=run,
)


# ---- what the process does -------------------------------------------------------------------------------------------


class Ends:
    """How calls ended, and how long they took."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.longest = 0.0

    def of(self, call: Callable[[], Any]) -> bool:
        """Make a call; return whether it worked."""
        begun = time.monotonic()
        try:
            call()
            kind = "worked"
        except Exception as error:  # noqa: BLE001 - what is raised is what is looked for
            kind = type(error).__name__
        self.longest = max(self.longest, time.monotonic() - begun)
        self.kinds[kind] += 1
        return kind == "worked"

    def findings(self, calls: str) -> Iterator[Finding]:
        """Yield the longest call and the kinds of errors."""
        seconds = f"{self.longest:.1f} s, of a deadline of {DEADLINE:g} s"
        yield Finding(f"{calls}: the longest", seconds, self.longest <= DEADLINE + GRACE)
        away = self.kinds["ServerAwayError"]
        others = self.kinds.total() - away - self.kinds["worked"]
        yield Finding(f"{calls}: that ended in an error", f"{away} in ServerAwayError, {others} in others", others == 0)


@contextmanager
def behind_a_proxy(url: str) -> Iterator[tuple[Any, Any]]:
    """Give a proxy and an engine that reaches the server through it."""
    from benchmarks.storage.postgresql import connected
    from qfzz import PersonalizedDJ
    from qfzz_plugins.stores.postgresql import PostgresqlOptions, open_postgresql

    sys.path.insert(0, str(ROOT / "tests"))
    from support.stalling_proxy import StallingProxy

    with connected(url, Path()) as server, server.new() as own:
        proxy = StallingProxy(own)
        store = open_postgresql(proxy.url, PostgresqlOptions(deadline=DEADLINE))
        with PersonalizedDJ(store=store, seed=1) as dj:
            dj.add_content([a_track("t1")])
            yield proxy, dj
        store.close()
        proxy.close()


def attack(url: str, places: int) -> Iterator[Finding]:
    """Stall the server before calls of every kind, and at so many places of a feedback."""
    with behind_a_proxy(url) as (proxy, dj):
        yield from before_calls(proxy, dj)
        yield from in_a_feedback(proxy, dj, places)


def before_calls(proxy: Any, dj: Any) -> Iterator[Finding]:
    """Make every call by eight threads while the server answers nothing, and afterwards."""
    for call in CALLS.values():
        call(dj)
    with logged() as lines, ThreadPoolExecutor(THREADS) as pool:
        proxy.stall()
        stalled = Ends()
        list(pool.map(lambda call: stalled.of(lambda: call(dj)), [*CALLS.values()] * 2))
        proxy.resume()
        yield from stalled.findings("calls of every kind, from 8 threads")
        after = Ends()
        list(pool.map(lambda call: after.of(lambda: call(dj)), CALLS.values()))
    worked = after.kinds["worked"]
    yield Finding("calls that work when the server answers again", f"{worked} of {len(CALLS)}", worked == len(CALLS))
    yield Finding("lines in the log for this outage", str(len(lines)), len(lines) == 2)


def in_a_feedback(proxy: Any, dj: Any, places: int) -> Iterator[Finding]:
    """Stop the server after each message of a feedback in turn, and repeat the feedback."""
    for event_id in ("first", "second"):
        before = proxy.passed
        dj.record_feedback("bob", "t1", "like", event_id=event_id)
    messages = proxy.passed - before
    ends, repeated = Ends(), Ends()
    for number in range(places):
        proxy.stall_after(number * messages // places)

        def feedback(number: int = number) -> None:
            dj.record_feedback("bob", "t1", "like", event_id=str(number))

        ends.of(feedback)
        proxy.resume()
        repeated.of(feedback)
    yield from ends.findings(f"feedback stopped at {places} places")
    worked = repeated.kinds["worked"]
    yield Finding("feedback that works when repeated", f"{worked} of {places}", worked == places)
    found = [event.event_id for event in dj.engine.store.events("bob") if event.kind == "feedback"]
    lost = max(0, worked + 2 - len({*found}))
    yield Finding("acknowledged events that are lost", str(lost), lost == 0)
    yield Finding("events that were applied twice", str(len(found) - len({*found})), len(found) == len({*found}))


@contextmanager
def logged() -> Iterator[list[str]]:
    """Give a list of what is logged meanwhile."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    lines: list[str] = []
    handler = Handler(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


if __name__ == "__main__":
    print(json.dumps([[each.what, each.value, each.holds] for each in attack(sys.argv[1], int(sys.argv[2]))]))
