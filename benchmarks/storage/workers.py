"""What runs in a process of its own: opening to the first answer, and reading the rows alone."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from typing import Any

from benchmarks import processes
from benchmarks.storage.databases import kind
from qfzz import PersonalizedDJ
from qfzz_core import Config

LIMIT = 10


def answer(url: str, cache: str | None) -> dict[str, Any]:
    """Open a store, answer twice, and report what memory that takes; what has to be imported is imported before."""
    with PersonalizedDJ() as warm:
        _answer(warm)
    begun = time.perf_counter()
    with PersonalizedDJ(store=url, config=Config(cache=cache), seed=1) as dj:
        opened = time.perf_counter()
        _answer(dj)
        answered = time.perf_counter()
        _answer(dj)
        again = time.perf_counter()
        return {
            "open_seconds": opened - begun,
            "first_answer_seconds": answered - begun,
            "next_answer_seconds": again - answered,
            **processes.memory(),
        }


def _answer(dj: PersonalizedDJ) -> None:
    if len(dj.recommend("alice", limit=LIMIT)) < LIMIT:
        raise ValueError(f"the store holds fewer than {LIMIT} tracks")


def read(name: str, url: str) -> dict[str, Any]:
    """Read the position and the body of every track with nothing but the driver."""
    bare = kind(name).Connection  # imported before
    begun = time.perf_counter()
    with closing(bare(url)) as connection:
        for _ in connection.tracks():
            pass
    return {"read_seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    processes.run({"answer": answer, "read": read}, sys.argv[1:])
