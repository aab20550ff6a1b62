"""What runs in a process of its own: filling a store, answering from it, and writing to it meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import processes
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
    """Open a store, answer, and say what memory that takes; what has to be imported is imported before."""
    with PersonalizedDJ() as warm:
        warm.recommend("somebody", limit=1)
    begun = time.perf_counter()
    with ours.opened(path) as dj:
        dj.recommend(user_id(0, users), limit=LIMIT)
        first = time.perf_counter() - begun
        for number in range(ANSWERS):
            dj.recommend(user_id(number, users), limit=LIMIT)
        return {"first_answer_seconds": round(first, 3), **processes.memory()}


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


if __name__ == "__main__":
    processes.run({"fill": fill, "answer": answer, "threads": threads, "write": write}, sys.argv[1:])
