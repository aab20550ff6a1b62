"""Databases with flipped bytes: what every public call and the command line make of them.

Run as a program it attacks some of the databases, in a process of its own, so that a hang or a crash is a finding.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT
from benchmarks.robustness.trial import Finding, Settings, Trial
from qfzz_core.engine import Engine
from qfzz_core.errors import QfzzError, StoreCorruptError
from qfzz_core.storage import copy_store, profile_document
from qfzz_plugins.stores.sqlite import SQLiteOptions, open_sqlite

DATABASES = 400
TRACKS, USERS, EVENTS = 150, 6, 25
_TOGETHER = 20  # databases of one process
_TIMEOUT = 300.0  # seconds that such a process may take; it takes some 10
_LONGEST_REFUSAL = 5.0  # seconds
_FLIPPED = (1, 3, 10, 30, 100)  # bytes


def _run(settings: Settings) -> Iterator[Finding]:
    count = settings.times(DATABASES)
    make_base(settings.directory)
    attacked: list[dict[str, Any]] = []
    hangs = 0
    for first in range(0, count, _TOGETHER):
        numbers = [str(number) for number in range(first, min(first + _TOGETHER, count))]
        command = [sys.executable, "-m", __name__, str(settings.directory), str(settings.seed), *numbers]
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
            lines = done.stdout.splitlines()
        except subprocess.TimeoutExpired as error:
            hangs += 1
            lines = bytes(error.stdout or b"").decode().splitlines()
        attacked += [json.loads(line) for line in lines]
    yield from _findings(count, attacked, hangs)


def _findings(count: int, attacked: Sequence[dict[str, Any]], hangs: int) -> Iterator[Finding]:
    refused = [each for each in attacked if each["refused"]]
    foreign = sorted({line for each in attacked for line in each["foreign"]})
    bare = sorted({line for each in attacked for line in each["bare"]})
    blamed = sorted({line for each in attacked for line in each["blamed"]})
    unfound = [each["number"] for each in refused if each["opened"] and not each["found"]]
    slowest = max((each["slowest"] for each in attacked), default=0.0)
    died = count - len(attacked)
    yield Finding("databases with flipped bytes, of which a call was refused", f"{len(refused)} of {count}", True)
    yield Finding("databases at which the process died or hung", f"{died} ({hangs} hangs)", died == 0)
    yield Finding("foreign tracebacks", _counted(foreign), not foreign)
    yield Finding("damaged rows refused without table and key", _counted(bare), not bare)
    yield Finding("plugins blamed", _counted(blamed), not blamed)
    yield Finding(
        "damaged databases that opened and in which `qfzz store check` finds nothing though a call was refused",
        _counted(unfound),
        not unfound,
    )
    yield Finding("the slowest refusal", f"{slowest:.2f} s", slowest <= _LONGEST_REFUSAL)


def _counted(found: Sequence[object]) -> str:
    return f"{len(found)}{': ' if found else ''}{'; '.join(map(str, found[:5]))}"


# ---- the databases ---------------------------------------------------------------------------------------------------


def opened(path: Path) -> Any:
    """Open a store; nothing here has to survive a power loss."""
    return open_sqlite(f"sqlite:///{path}", SQLiteOptions(synchronous="OFF", timeout=1.0))


def make_base(directory: Path) -> None:
    """Make a database with tracks, users, weights, states, events and commits, whole and with a journal beside it."""
    with closing(opened(directory / "whole.db")) as store, Engine(store=store, seed=1) as engine:
        engine.add_content([_track(number) for number in range(TRACKS)])
        for user in range(USERS):
            _furnish(engine, f"user {user}", range(EVENTS))
        engine.remove_content(["t3", "t4"])
    shutil.copy(directory / "whole.db", directory / "journal.db")
    with closing(opened(directory / "journal.db")) as store, Engine(store=store, seed=1) as engine:
        engine.add_content([_track(number) for number in range(TRACKS // 2, TRACKS)])
        _furnish(engine, "user 1", range(EVENTS, 2 * EVENTS))
        for ending in ("", "-wal"):
            shutil.copy(directory / f"journal.db{ending}", directory / f"journaled.db{ending}")


def _track(number: int) -> dict[str, Any]:
    return {
        "track_id": f"t{number}",
        "title": f"Titel {number} æøå",
        "artist": f"Artist {number % 17}",
        "genre": ("jazz", "rock", "blues", "pop")[number % 4],
        "mood": ("calm", "upbeat")[number % 2],
        "energy": number % 11 / 10,
        "tempo": ("slow", "medium", "fast")[number % 3],
        "duration": 100 + number,
        "tags": ["a", "b"],
    }


def _furnish(engine: Engine, user_id: str, numbers: range) -> None:
    profile = engine.get_or_create_profile(user_id, {"genres": {"soul": 0.5}})
    profile.moods["calm"] = 0.75
    profile.add_interaction({"track_id": "elsewhere", "type": "play", "note": "by hand"})
    engine.record_many(_feedback(user_id, number) for number in numbers)


def _feedback(user_id: str, number: int) -> dict[str, Any]:
    return {"user_id": user_id, "track_id": f"t{number}", "interaction_type": "like", "event_id": f"e{number}"}


def flip(path: Path, drawn: random.Random) -> None:
    """Change some bytes of a file behind its header, anywhere or close to each other."""
    content = bytearray(path.read_bytes())
    count, begin = drawn.choice(_FLIPPED), 100 if path.suffix == ".db" else 32
    near = drawn.randrange(begin, len(content)) if drawn.random() < 0.5 else None
    for _ in range(count):
        place = drawn.randrange(begin, len(content)) if near is None else near + drawn.randrange(-200, 200)
        if begin <= place < len(content):
            content[place] ^= drawn.randrange(1, 256)
    path.write_bytes(content)


# ---- the attack ------------------------------------------------------------------------------------------------------


def _copied(engine: Engine) -> None:
    with Engine() as other:
        copy_store(engine.store, other.store)


def _exported(engine: Engine, user_id: str) -> None:
    record = engine.store.record(user_id)
    if record is not None:
        profile_document(record)


def _histories(engine: Engine) -> None:
    for user in range(USERS):
        profile = engine.get_profile(f"user {user}")
        if profile is not None:
            profile.to_dict()


CALLS: dict[str, Callable[[Engine], object]] = {
    "recommend": lambda engine: engine.recommend("user 1", limit=10),
    "recommend all": lambda engine: [found.track for found in engine.recommend("user 2")],
    "recommend to somebody new": lambda engine: engine.recommend("somebody", limit=5),
    "recommend where": lambda engine: engine.recommend("user 1", limit=5, where={"genre": "jazz"}),
    "explain": lambda engine: engine.explain("user 1", "t1"),
    "profiles and histories": _histories,
    "get_track": lambda engine: [engine.get_track(f"t{number}") for number in range(TRACKS)],
    "learned": lambda engine: engine.learned("trust", "user 1", "artist:artist 1"),
    "export": lambda engine: [_exported(engine, f"user {user}") for user in range(USERS)],
    "copy": _copied,
    "record_feedback": lambda engine: engine.record_feedback("user 1", "t9", "like"),
    "record_feedback again": lambda engine: engine.record_feedback("user 1", "t5", "like", event_id="e5"),
    "record_many": lambda engine: engine.record_many(
        _feedback(f"user {user}", number) for user in range(USERS) for number in range(2 * EVENTS)
    ),
    "change": lambda engine: engine.get_or_create_profile("user 3").genres.update({"soul": 0.25}),
    "set": lambda engine: setattr(engine.get_or_create_profile("user 4"), "energy_level", 0.25),
    "rebuild": lambda engine: [engine.rebuild(user_id) for user_id in engine.store.user_ids()],
    "condition": lambda engine: engine.store.condition(),  # type: ignore[attr-defined]
    "add_content": lambda engine: engine.add_content([_track(number) for number in range(TRACKS)]),
    "recommend again": lambda engine: engine.recommend("user 1", limit=10),
    "remove_content": lambda engine: engine.remove_content([f"t{number}" for number in range(9)]),
    "vacuum": lambda engine: engine.store.vacuum(),  # type: ignore[attr-defined]
    "forget": lambda engine: [engine.forget(f"user {user}") for user in range(USERS)],
}


class Attack:
    """What came of the calls on one database."""

    def __init__(self, number: int) -> None:
        self.found: dict[str, Any] = {"number": number, "refused": 0, "opened": False, "found": 0, "slowest": 0.0}
        self.found |= {"foreign": [], "bare": [], "blamed": []}

    def call(self, name: str, function: Callable[[], object]) -> Any:
        """Call something, and keep what is raised."""
        begun = time.perf_counter()
        try:
            return function()
        except QfzzError as error:
            self.found["refused"] += isinstance(error, StoreCorruptError)
            self.found["slowest"] = max(self.found["slowest"], time.perf_counter() - begun)
            if "decode" in str(error) and "table " not in str(error):
                self.found["bare"].append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            self.found["foreign"].append(f"{name}: {type(error).__name__} in {where}")
        return None

    def on(self, path: Path) -> None:
        """Check the database, then make every call."""
        store = self.call("open", lambda: opened(path))
        if store is None:
            return
        self.found["opened"] = True
        with closing(store), Engine(store=store, seed=1) as engine:
            self.call("check", lambda: self._check(engine))
            for name, function in CALLS.items():
                self.call(name, lambda function=function: function(engine))  # type: ignore[misc]
            self.found["blamed"] = sorted(map(str, engine.faults.messages.values()))

    def _check(self, engine: Engine) -> None:
        self.found["found"] = len(engine.store.check())
        for user_id in _going_on(engine.store.user_ids()):
            try:
                self.found["found"] += len(engine.check_log(user_id))
            except StoreCorruptError:
                self.found["found"] += 1


def _going_on(user_ids: Iterator[str]) -> Iterator[str]:
    while True:
        try:
            yield next(user_ids)
        except StoreCorruptError:
            continue
        except StopIteration:
            return


def attack(directory: Path, seed: int, numbers: Sequence[int]) -> None:
    """Attack databases, and print what came of each as a line of JSON."""
    warnings.simplefilter("ignore")
    for number in numbers:
        drawn = random.Random(f"{seed} {number}")
        place = directory / f"attacked {number}"
        place.mkdir()
        base = drawn.choice(("whole", "journaled"))
        for ending in ("", "-wal"):
            if (directory / f"{base}.db{ending}").exists():
                shutil.copy(directory / f"{base}.db{ending}", place / f"music.db{ending}")
        attacked = drawn.choice([path for path in place.iterdir() if path.stat().st_size > 100])
        flip(attacked, drawn)
        found = Attack(number)
        found.on(place / "music.db")
        print(json.dumps(found.found), flush=True)
        shutil.rmtree(place)


TRIAL = Trial(
    name="damage",
    tried=f"{DATABASES} SQLite databases, half of them with a journal, in which 1 to 100 bytes were flipped: every "
    "public call on each.",
    run=_run,
)

if __name__ == "__main__":
    attack(Path(sys.argv[1]), int(sys.argv[2]), [int(number) for number in sys.argv[3:]])
