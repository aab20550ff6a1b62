"""What plugins of others cost: at the start, and in a request.

- Start-up: a fresh process makes an engine with 3 plugins installed, with 30 of which 27 are switched off, with 30 that
  all take part, and with none. The promise is that 30 with 3 in use cost at most 1.5 times what those 3 alone cost. It
  is shown for the whole process, and for the making of the engine in it, which is the harder measure.
- Request: engines over the same catalogue answer the same listeners. In one of them a factor is built in, in the other
  the same factor comes from a plugin of others. The promise is at most 1.05. The result cache is empty.

Everything alternates, so that what else the machine does falls on all; ratios are those of medians. The processor's
time is a second witness. Run it with the Python that has QFZZ installed.

    python -m benchmarks.plugins [--rounds 21] [--tracks 100000] [--calls 400] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.ranking.ours import forget
from qfzz_core import Config, Engine, hookimpl

USED, INSTALLED = 3, 30
FACTORS = ("genre", "artist", "energy", "tempo", "mood")

# A plugin such as people write: options, a column, a factor.
SOURCE = '''
"""A plugin of others."""

from __future__ import annotations

from typing import Any

import attrs
from qfzz_core import Column, NumericDistance, Request, hookimpl


@attrs.frozen
class Options:
    """What can be set."""

    target: float = 0.5
    scale: float = attrs.field(default=1.0)

    @scale.validator
    def _check(self, attribute: Any, value: float) -> None:
        if value <= 0:
            raise ValueError("scale must be above 0")


class Factor:
    """How near a number is to another."""

    name = "{name}"
    weight = 0.1
    Options = Options

    def prepare(self, request: Request) -> NumericDistance:
        """Score by a distance."""
        return NumericDistance(column="{name}", target=request.options.target, scale=request.options.scale)


@hookimpl
def qfzz_factors() -> list[Factor]:
    """Register the factor."""
    return [Factor()]


@hookimpl
def qfzz_columns() -> list[Column]:
    """Declare its column."""
    return [Column(name="{name}", kind="number")]
'''
START = """
import time
from qfzz_core import Config, Engine
config = Config.from_dict({{"plugins": {{"disable": {disabled}}}}})
begun, before = time.perf_counter(), time.process_time()
Engine(config=config).close()
print(time.perf_counter() - begun, time.process_time() - before)
"""

Measured = tuple[float, ...]  # seconds by the clock, and of the processor


# ---- start-up -------------------------------------------------------------------------------------------------------


def installed(directory: Path, count: int) -> Path:
    """Install so many plugins, as an installer leaves them."""
    directory.mkdir()
    for number in range(count):
        name = f"other{number:02}"
        (directory / f"{name}.py").write_text(SOURCE.format(name=name), encoding="utf-8")
        information = directory / f"{name}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (information / "entry_points.txt").write_text(f"[qfzz]\n{name} = {name}\n", encoding="utf-8")
    return directory


def starting(directory: Path | None, disabled: Sequence[str] = ()) -> Callable[[], Measured]:
    """Return what starts an engine in a process of its own, and says what the process and what the engine took."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("QFZZ_", "PYTHON"))}
    if directory is not None:
        environment["PYTHONPATH"] = str(directory)
    command = [sys.executable, "-c", START.format(disabled=list(disabled))]

    def start() -> Measured:
        begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
        spent, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return (spent, processor, *map(float, done.stdout.split()))

    return start


def start_up(rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        few, many = installed(Path(place) / "few", USED), installed(Path(place) / "many", INSTALLED)
        unused = [f"other{number:02}" for number in range(USED, INSTALLED)]
        starts = {
            "none": starting(None),
            "alone": starting(few),
            "among": starting(many, unused),
            "all": starting(many),
        }
        medians = compared(starts, rounds)
    shown = {name: milliseconds(measured) for name, measured in medians.items()}
    return {"ms": shown, "ratio": ratio(medians["among"], medians["alone"])}


# ---- requests -------------------------------------------------------------------------------------------------------


def tracks(count: int) -> list[dict[str, Any]]:
    draw = random.Random(1)
    return [
        {
            "track_id": f"t{number}",
            "title": f"Title {number}",
            "artist": f"Artist {draw.randrange(2_000)}",
            "genre": f"genre {draw.randrange(60)}",
            "mood": f"mood {draw.randrange(20)}",
            "energy": draw.randrange(1_001) / 1_000,
            "tempo": draw.choice(["slow", "medium", "fast"]),
            "duration": draw.randrange(60, 600),
        }
        for number in range(count)
    ]


def listeners(count: int) -> list[dict[str, Any]]:
    """Preferences of several listeners."""
    draw = random.Random(2)
    return [
        {
            "genres": {f"genre {draw.randrange(60)}": draw.random() for _ in range(4)},
            "artists": {f"Artist {draw.randrange(2_000)}": draw.random() for _ in range(20)},
            "moods": {f"mood {draw.randrange(20)}": draw.random() for _ in range(3)},
            "energy_level": draw.random(),
            "tempo_preference": draw.choice(["slow", "medium", "fast"]),
        }
        for _ in range(count)
    ]


def copied(names: Sequence[str]) -> ModuleType:
    """A plugin of others with these built-in factors."""
    with Engine() as engine:
        made = [engine.registry.factors[name].value for name in names]
    module = ModuleType("other")
    module.qfzz_factors = hookimpl(lambda: made)  # type: ignore[attr-defined]
    return module


def serving(engine: Engine, people: Sequence[dict[str, Any]]) -> Callable[[], Measured]:
    """Return what answers one listener after the other, and says what that took."""
    turn = iter(range(10**9))

    def serve() -> Measured:
        preferences = people[next(turn) % len(people)]
        forget(engine)
        begun, before = time.perf_counter(), time.process_time()
        engine.recommend_tracks("ann", preferences, limit=50)
        return time.perf_counter() - begun, time.process_time() - before

    return serve


def requests(count: int, calls: int) -> dict[str, Any]:
    content, people, results = tracks(count), listeners(40), {}
    for replaced in (*((name,) for name in FACTORS), FACTORS):
        disabled = Config.from_dict({"plugins": {"disable": list(replaced)}})
        with Engine(seed=1) as ours, Engine(seed=1, config=disabled, plugins=[copied(replaced)]) as others:
            for engine in (ours, others):
                engine.add_content(content)
            medians = compared({"built in": serving(ours, people), "of others": serving(others, people)}, calls)
        results[" ".join(replaced)] = {
            "ms": {name: milliseconds(measured) for name, measured in medians.items()},
            "ratio": ratio(medians["of others"], medians["built in"]),
        }
    return results


# ---- measuring ------------------------------------------------------------------------------------------------------


def compared(what: dict[str, Callable[[], Measured]], rounds: int) -> dict[str, Measured]:
    """Return the median of each measure of each; every other round runs backwards."""
    for measure in (*what.values(), *what.values()):  # twice, so that files are in the cache and indexes are made
        measure()
    times: dict[str, list[Measured]] = {name: [] for name in what}
    for number in range(rounds):
        for name in list(what)[:: 1 if number % 2 else -1]:
            times[name].append(what[name]())
    return {name: tuple(map(statistics.median, zip(*each, strict=True))) for name, each in times.items()}


def milliseconds(measured: Measured) -> list[float]:
    return [round(seconds * 1000, 3) for seconds in measured]


def ratio(one: Measured, other: Measured) -> list[float]:
    return [round(ours / theirs, 3) for ours, theirs in zip(one, other, strict=True)]


def print_start_up(result: dict[str, Any]) -> None:
    words = {
        "none": "no plugin of others",
        "alone": f"{USED} installed",
        "among": f"{INSTALLED} installed, {USED} in use",
        "all": f"{INSTALLED} installed and in use",
    }
    print(f"{'start-up, ms':<28}{'process':>10}{'(CPU)':>10}{'engine':>10}{'(CPU)':>10}")
    for name, figures in result["ms"].items():
        print(f"{words[name]:<28}" + "".join(f"{figure:>10.1f}" for figure in figures))
    ratios = "".join(f"{figure:>10.2f}" for figure in result["ratio"])
    print(f"{f'{USED} among {INSTALLED} / {USED} alone':<28}{ratios}")


def print_requests(results: dict[str, Any]) -> None:
    for name, result in results.items():
        theirs, ours = result["ms"]["of others"][0], result["ms"]["built in"][0]
        shown = "{:.3f} ({:.3f})".format(*result["ratio"])
        print(f"{name:<28}{theirs:>8.3f} ms /{ours:>8.3f} ms = {shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="how often each start is measured (default: 21)")
    parser.add_argument("--tracks", type=int, default=100_000, help="tracks of the catalogue (default: 100,000)")
    parser.add_argument("--calls", type=int, default=400, help="requests to each engine (default: 400)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    results = {"start_up": start_up(options.rounds), "requests": requests(options.tracks, options.calls)}
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print_start_up(results["start_up"])
    print("\na factor of others / the same factor built in")
    print_requests(results["requests"])


if __name__ == "__main__":
    main()
