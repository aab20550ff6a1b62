"""What runs in a process of its own, so that memory and disturbance are those of one process.

    python -m benchmarks.ranking.workers fill|answer|threads|write PATH NUMBER...

Each prints one JSON document.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ranking import ours
from qfzz import PersonalizedDJ

LIMIT = 50
ANSWERS = 200
THREADS = 4
BATCH = 100  # tracks of an import, after as many feedbacks


def user_id(number: int, users: int) -> str:
    """Return a user whom `fill` made."""
    return f"user-{number % users:04d}"


def fill(path: str, tracks: int, users: int) -> dict[str, Any]:
    """Make a store."""
    from benchmarks.ranking.generator import generated
    from benchmarks.ranking.listeners import listeners

    catalogue = generated(tracks)
    with ours.filled(f"sqlite:///{path}", catalogue) as dj:
        ours.introduce(dj.engine, listeners(catalogue, users), discovery_factor=0.3)
    return {"file_mb": round(Path(path).stat().st_size / 1e6, 1)}


def answer(path: str, users: int) -> dict[str, Any]:
    """Open a store, answer, and tell what memory that takes; what has to be imported is imported before."""
    with PersonalizedDJ() as warm:
        warm.recommend("somebody", limit=1)
    begun = time.perf_counter()
    with ours.opened(path) as dj:
        dj.recommend(user_id(0, users), limit=LIMIT)
        first = time.perf_counter() - begun
        for number in range(ANSWERS):
            dj.recommend(user_id(number, users), limit=LIMIT)
        return {"first_answer_seconds": round(first, 3), **_memory()}


def _memory() -> dict[str, float | None]:
    """Return the resident memory now and at most, None where the system does not say it."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    kilobytes = {words[0]: int(words[1]) for line in lines if len(words := line.split()) == 3 and words[2] == "kB"}
    found = {"resident_mb": kilobytes.get("VmRSS:"), "peak_mb": kilobytes.get("VmHWM:")}
    return {name: None if value is None else round(value / 1e3, 1) for name, value in found.items()}


def threads(path: str, users: int, seconds: int) -> dict[str, Any]:
    """Answer from four threads for some seconds."""
    taken: list[float] = []
    with ours.opened(path) as dj:
        dj.recommend(user_id(0, users), limit=LIMIT)
        until = time.perf_counter() + seconds

        def work(first: int) -> None:
            number = first
            while (begun := time.perf_counter()) < until:
                dj.recommend(user_id(number, users), limit=LIMIT)
                taken.append(time.perf_counter() - begun)
                number += THREADS

        workers = [threading.Thread(target=work, args=(first,)) for first in range(THREADS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    median, high = (np.quantile(taken, [0.5, 0.99]) * 1e3).tolist()
    return {"answers": len(taken), "median_ms": round(median, 3), "p99_ms": round(high, 3)}


def write(path: str, users: int, tracks: int, seconds: int) -> dict[str, Any]:
    """Record feedback and import batches of new tracks for some seconds."""
    from benchmarks.ranking.generator import generated

    new = generated(tracks)
    counts = {"feedbacks": 0, "imports": 0}
    with ours.opened(path) as dj:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            place = counts["imports"] * BATCH % tracks
            batch = [
                {**track, "track_id": f"new-{counts['imports']}-{track['track_id']}"}
                for track in new.tracks(place, place + BATCH)
            ]
            for number in range(BATCH):
                dj.record_feedback(user_id(number, users), f"track-{number:08d}", "like")
                counts["feedbacks"] += 1
            dj.add_content(batch)
            counts["imports"] += 1
    return counts


def started(command: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a worker."""
    words = [sys.executable, "-m", "benchmarks.ranking.workers", command, *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[2])


def result(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a worker and return what it printed; raises `CalledProcessError` if it failed."""
    printed, _ = worker.communicate()
    if worker.returncode:
        raise subprocess.CalledProcessError(worker.returncode, worker.args)
    found: dict[str, Any] = json.loads(printed)
    return found


WORKERS: dict[str, Callable[..., dict[str, Any]]] = {"fill": fill, "answer": answer, "threads": threads, "write": write}

if __name__ == "__main__":
    print(json.dumps(WORKERS[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))))
