"""Forking a process whose threads are inside the library."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from benchmarks import processes
from benchmarks.robustness.fork_load import HUNG_AFTER, MOST_HUNG
from benchmarks.robustness.trial import Finding, Settings, Trial
from benchmarks.storage.postgresql import Server
from qfzz_core.model.forks import WAIT_FOR_QUIET

FORKS = 200
_SECONDS = 10.0  # for one child; on a busy machine it takes half a second
_WRONG = {
    "hung": f"children that hang for {HUNG_AFTER:g} s",
    "locked": "children that find the store locked",
    "refused": "children that are refused the store",
    "failed": "children with another error of the library",
    "foreign": "children with a foreign error",
    "lost": "acknowledged events that are not in the log",
}


def run(settings: Settings) -> Iterator[Finding]:
    """Fork on each kind of store."""
    forks = settings.times(FORKS)
    with Server(settings.postgresql).new() as database:
        urls = {
            "memory": "memory:",
            "SQLite": f"sqlite:///{settings.directory}/forks.db",
            "PostgreSQL": database,
        }
        for store, url in urls.items():
            yield from _findings(store, _forked(url, forks, settings.seed), forks)


def _forked(url: str, forks: int, seed: int) -> dict[str, Any] | None:
    """Return what a worker counted, None if its parent process hung or died."""
    worker = processes.started("benchmarks.robustness.fork_load", "fork_under_load", url, forks, seed)
    try:
        printed, _ = worker.communicate(timeout=HUNG_AFTER * (MOST_HUNG + 1) + _SECONDS * forks)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.communicate()
        return None
    return None if worker.returncode else json.loads(printed)


def _findings(store: str, found: dict[str, Any] | None, forks: int) -> Iterator[Finding]:
    if found is None:
        yield Finding(f"{store}: the parent of {forks} children", "hung or died", holds=False)
        return
    for name, what in _WRONG.items():
        total = found["events"] if name == "lost" else found["children"]
        said = f" ({found['said'][0]})" if found[name] and found["said"] else ""
        yield Finding(f"{store}: {what}", f"{found[name]} of {total:,}{said}", holds=not found[name])
    waited = found["waited"]
    yield Finding(f"{store}: longest time that a fork took", f"{waited:.2f} s", holds=waited < WAIT_FOR_QUIET)
    if found["errors"]:
        yield Finding(f"{store}: errors of the parent's threads", found["errors"][0], holds=False)


TRIAL = Trial(
    "forks",
    "A process whose threads record feedback, recommend, add tracks and edit profiles forks 200 times on each store; "
    "each child uses the engine of its parent.",
    run,
)
