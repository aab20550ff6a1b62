"""A process that forks again and again while its threads use the library, and what became of its children."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from itertools import count
from threading import Event, Thread
from typing import Any

from benchmarks import processes
from qfzz import PersonalizedDJ
from qfzz_core.errors import QfzzError, StoreLockedError, StoreUnavailableError

USER = "alice"
HUNG_AFTER = 60.0  # seconds; a child of a busy machine takes a few tenths
MOST_HUNG = 5  # after so many no more are forked
TRACKS = 300
_CHECKED = 300  # of the last events that were acknowledged before a fork


def track(number: int) -> dict[str, Any]:
    """Return a track that is like no other."""
    return {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": f"Artist {number % 40}",
        "genre": ("jazz", "rock", "folk")[number % 3],
        "mood": ("calm", "happy")[number % 2],
        "energy": number % 10 / 10,
        "tempo": "medium",
        "duration": 200,
    }


class Load:
    """Threads that use one DJ until they are stopped; `acknowledged` are the ids of events that were recorded."""

    def __init__(self, dj: PersonalizedDJ) -> None:
        self.dj = dj
        self.acknowledged: list[str] = []
        self.errors: list[str] = []
        self._ended = Event()
        calls = (self._feedback, self._feedback, self._recommend, self._add, self._edit)
        self._threads = [Thread(target=self._repeat, args=(call, n), daemon=True) for n, call in enumerate(calls)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads."""
        self._ended.set()
        for thread in self._threads:
            thread.join(HUNG_AFTER)
            if thread.is_alive():
                self.errors.append("a thread of the parent hangs")

    def _repeat(self, call: Callable[[int, int], None], worker: int) -> None:
        numbers = count()
        while not self._ended.is_set():
            try:
                call(worker, next(numbers))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                self.errors.append(f"{type(error).__name__}: {error}")
                return

    def _feedback(self, worker: int, number: int) -> None:
        event_id = f"{worker}-{number}"
        self.dj.record_feedback(USER, f"t{number % TRACKS}", "play", rating=0.5, event_id=event_id)
        self.acknowledged.append(event_id)
        time.sleep(0.0005)  # else the log of a store in memory grows to a million events, which forks have to copy

    def _recommend(self, worker: int, number: int) -> None:
        self.dj.recommend(USER, limit=10, where={"energy": (0.0, number % 10 / 10)})

    def _add(self, worker: int, number: int) -> None:
        self.dj.add_content([track(TRACKS + number % 500)])

    def _edit(self, worker: int, number: int) -> None:
        self.dj.get_or_create_profile(f"user {number % 5}").energy_level = number % 10 / 10


def missing(dj: PersonalizedDJ, wanted: set[str]) -> int:
    """Return how many of these events are not in the log; the newest are looked at first."""
    for event in dj.engine.store.events(USER, newest_first=True):
        wanted.discard(str(event.event_id))
        if not wanted:
            break
    return len(wanted)


def _child(dj: PersonalizedDJ, profile: Any, number: int, acknowledged: list[str]) -> dict[str, Any]:
    """Do in a child what an application does, and return what of it went wrong."""
    try:
        dj.recommend(USER, limit=10)
        lost = missing(dj, set(acknowledged[-_CHECKED:]))
        dj.record_feedback(USER, "t1", "like", event_id=f"child-{number}")
        dj.add_content([track(10_000 + number)])
        profile.discovery_factor = 0.25
        lost += missing(dj, {f"child-{number}"})
        dj.close()
    except StoreLockedError as error:
        return {"locked": 1, "said": str(error)}
    except StoreUnavailableError as error:
        return {"refused": 1, "said": str(error)}
    except QfzzError as error:
        return {"failed": 1, "said": f"{type(error).__name__}: {error}"}
    except BaseException as error:  # noqa: BLE001 - nothing may come back into the parent
        return {"foreign": 1, "said": f"{type(error).__name__}: {error}"}
    return {"lost": lost}


def forked(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a forked child found; one that hangs is killed."""
    reader, writer = os.pipe()
    begun = time.perf_counter()
    child = os.fork()
    if not child:
        os.write(writer, json.dumps(work()).encode())
        os._exit(0)
    waited = time.perf_counter() - begun
    os.close(writer)
    deadline = time.monotonic() + HUNG_AFTER
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            return {"hung": 1, "waited": waited}
        time.sleep(0.002)
    with open(reader, "rb") as pipe:
        said = pipe.read()
    return {**(json.loads(said) if said else {"foreign": 1, "said": "the child died"}), "waited": waited}


def fork_under_load(url: str, forks: int, seed: int) -> dict[str, Any]:
    """Fork so often while threads use a DJ, and count what went wrong with the children, and what was lost."""
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork.*")
    moments = random.Random(seed)
    found: Counter[str] = Counter(dict.fromkeys(("hung", "locked", "refused", "failed", "foreign", "lost"), 0))
    said: list[str] = []
    with PersonalizedDJ(store=url, seed=seed) as dj:
        dj.add_content([track(number) for number in range(TRACKS)])
        profile, load = dj.get_or_create_profile(USER), Load(dj)
        load.start()
        children, waited = [], 0.0
        for number in range(forks):
            time.sleep(moments.uniform(0.0, 0.02))
            outcome = forked(lambda number=number: _child(dj, profile, number, load.acknowledged))  # type: ignore[misc]
            waited = max(waited, outcome.pop("waited"))
            said += [str(outcome.pop("said"))] if "said" in outcome else []
            children += [f"child-{number}"] if "lost" in outcome else []
            found.update({**outcome, "children": 1})
            if found["hung"] == MOST_HUNG:
                break
        load.stop()
        shared = dj.engine.store.shared
        found["lost"] += missing(dj, {*load.acknowledged, *(children if shared else [])})
    return {
        **found,
        "events": len(load.acknowledged),
        "errors": load.errors[:5],
        "said": said[:5],
        "waited": waited,
    }


if __name__ == "__main__":
    processes.run({"fork_under_load": fork_under_load}, sys.argv[1:])
