"""Files that ask for more than anybody has: they are refused, soon, and by an error of the library."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import attrs

from benchmarks.robustness.trial import Finding, Settings, Trial

MUTATED = 100_000
PER_WORKER = 5_000
MOST_MEMORY = 500  # MB above what an import of one row takes
MOST_SECONDS = 1.0  # above the same, to refuse what can be refused from the first megabytes
TIMEOUT = 300.0
_LEAST = 20  # of 100: with less, some would be within the limits

CLI = "from qfzz_core.cli.root import root; root()"
HEADER = "track_id,title,artist,genre,mood,energy,tempo,duration"
ROW = "t1,Title,Artist,jazz,calm,0.5,medium,180\n"
OBJECT = dict(zip(HEADER.split(","), ("t1", "Title", "Artist", "jazz", "calm", 0.5, "medium", 180), strict=True))
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))

Pieces = Iterable[str]


@attrs.frozen
class Bomb:
    """A hostile file: its name, its pieces for a size, and whether its first megabytes show what it is.

    `arguments` are what `qfzz` is called with before the path.
    """

    what: str
    name: str
    pieces: Callable[[int], Pieces]
    at_once: bool = True
    arguments: tuple[str, ...] = ("import",)


def _repeated(begin: str, part: str, share: int = 1) -> Callable[[int], Pieces]:
    """Return what makes a file of `begin` and a share of as many megabytes of `part` as it is asked for."""

    def pieces(megabytes: int) -> Iterator[str]:
        yield begin
        block = part * (1_000_000 // len(part) or 1)
        for _ in range(megabytes // share):
            yield block

    return pieces


def _object(value: str) -> str:
    return f'{json.dumps(OBJECT)[:-1]}, "x": {value}}}'


def _numbered(begin: str, part: str, end: str, most: int = 200_000) -> Callable[[int], Pieces]:
    """Return what makes a file of so many parts, each with its number, at the full size of 100."""

    def pieces(size: int) -> Iterator[str]:
        yield begin
        yield from map(part.format, range(most * size // 100))
        yield end

    return pieces


_ROWS = f"{HEADER}\n"
_PROFILE = '{"format": "qfzz-profile", "version": 1, "profile": {"user_id": "u", "genres": {"x": 0.5'
_ENTITIES = f"<!DOCTYPE playlist [<!ENTITY l0 'lol'>{LAUGHS}]><playlist>&l9;</playlist>"
_PLAYLIST = ("playlist", "import", "--user", "u")
_HISTORY = ("history", "import", "--user", "u")
BOMBS = (
    Bomb("a line of CSV that does not end", "a.csv", _repeated(_ROWS, "x")),
    Bomb("a line of JSON that does not end", "a.jsonl", _repeated('{"a": "', "x")),
    Bomb("a text of JSON that does not end", "a.json", _repeated('[{"a": "', "x")),
    Bomb("a row of quoted lines that does not end", "a.csv", _repeated(_ROWS, '"a\n",')),
    Bomb("a quote that is not closed", "a.csv", _repeated(f'{_ROWS}"', ROW, 10), at_once=False),
    Bomb("NUL characters", "a.csv", _repeated(_ROWS, "\0")),
    Bomb("commas", "a.csv", _repeated(_ROWS, ",")),
    Bomb("empty lines", "a.csv", _repeated(_ROWS, "\n", 10), at_once=False),
    Bomb("gzip of zeros", "a.csv.gz", _repeated(_ROWS, "0")),
    Bomb("gzip of one row", "a.csv.gz", _repeated(_ROWS, ROW)),
    Bomb("gzip of blanks", "a.json.gz", _repeated("[", " ")),
    Bomb("a header of 200,000 columns", "a.csv", _numbered(f"{HEADER}", ",c{}", "\n")),
    Bomb("an object of 200,000 keys", "a.jsonl", _numbered(json.dumps(OBJECT)[:-1], ', "c{}": 1', "}"), at_once=False),
    Bomb("a track of 200,000 tags", "a.jsonl", _numbered(_object('["x"')[:-1], ', "tag {}"', "]}"), at_once=False),
    Bomb("lists in lists", "a.json", _repeated("[", "[")),
    Bomb("a number of a million digits", "a.json", lambda size: ["[", _object("9" * 1_000_000), "]"]),
    Bomb("a number beyond all", "a.jsonl", lambda size: [_object("1e999999")], at_once=False),
    Bomb(
        "a million objects in one",
        "a.json",
        _numbered(f"[{_object('[{}')[:-1]}", ", {{}}", "]}]", 1_000_000),
        at_once=False,
    ),
    Bomb("entities of entities in a library", "a.xml", lambda size: [_ENTITIES]),
    Bomb("entities of entities in a playlist", "a.xspf", lambda size: [_ENTITIES], arguments=_PLAYLIST),
    Bomb("a line of a playlist that does not end", "a.m3u8", _repeated("#EXTM3U\n", "x"), arguments=_PLAYLIST),
    Bomb("a playlist without end", "a.m3u8", _repeated("#EXTM3U\n", "a.mp3\n"), at_once=False, arguments=_PLAYLIST),
    Bomb("gzip of a playlist", "a.m3u8.gz", _repeated("#EXTM3U\n", "a.mp3\n"), arguments=_PLAYLIST),
    Bomb("a history that does not end", "a.json", _repeated('[{"endTime": "', "x"), arguments=_HISTORY),
    Bomb(
        "gzip of a history", "a.jsonl.gz", _repeated('{"listened_at": 1, "track_metadata": "', "0"), arguments=_HISTORY
    ),
    Bomb("a profile of lists in lists", "a.json", _repeated("", "["), arguments=("profile", "import")),
    Bomb("a profile that does not end", "a.json", _repeated("[", "{},"), arguments=("profile", "import")),
    Bomb(
        "a profile of 200,000 names",
        "a.json",
        _numbered(_PROFILE, ', "n{}": 0.5', '}}, "events": [], "learned": {}}'),
        at_once=False,
        arguments=("profile", "import"),
    ),
    Bomb("a configuration that does not end", "a.toml", _repeated("# ", "x"), arguments=("plugins", "--config")),
    Bomb("a key of 200,000 parts", "a.toml", _numbered("a", ".a", " = 1\n"), arguments=("plugins", "--config")),
)


@attrs.frozen
class Outcome:
    """What came of a command: seconds, None for a hang; the most memory in MB; the exit code and what it said.

    The seconds are those of the processor, so that what else the machine does makes no difference.
    """

    seconds: float | None
    memory: float
    code: int
    said: str


def run(settings: Settings) -> Iterator[Finding]:
    """Yield what came of each hostile file, and of the mutated ones."""
    plain = settings.directory / "plain.csv"
    plain.write_text(f"{HEADER}\n{ROW}")
    usual = _outcome(settings.directory, ("import", str(plain)))
    for bomb in BOMBS:
        path = settings.directory / bomb.name
        _write(path, bomb.pieces(max(_LEAST, settings.times(100))))
        yield _finding(bomb, _outcome(settings.directory, (*bomb.arguments, str(path))), usual)
        path.unlink()
    yield from _mutated(settings)


def _write(path: Path, pieces: Pieces) -> None:
    with path.open("wb") as file:
        packed: Any = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9) if path.suffix == ".gz" else None
        with packed or nullcontext(file) as content:
            for piece in pieces:
                content.write(piece.encode())


def _outcome(directory: Path, arguments: tuple[str, ...]) -> Outcome:
    """Run the command in a process of its own, whose memory the system counts."""
    store = directory / "bombs.db"
    said = directory / "said"
    begun = time.perf_counter()
    with said.open("wb") as output:
        command = [sys.executable, "-c", CLI, *arguments, "--store", f"sqlite:///{store}"]
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    seconds: float | None = None
    while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
        if time.perf_counter() - begun > TIMEOUT:
            child.kill()
            ended = os.wait4(child.pid, 0)
            break
        time.sleep(0.005)
    else:
        seconds = ended[2].ru_utime + ended[2].ru_stime
    child.returncode = os.waitstatus_to_exitcode(ended[1])
    for each in directory.glob("bombs.db*"):
        each.unlink()
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Outcome(seconds, ended[2].ru_maxrss / unit, child.returncode, said.read_text(errors="replace"))


def _finding(bomb: Bomb, outcome: Outcome, usual: Outcome) -> Finding:
    if outcome.seconds is None or usual.seconds is None:
        return Finding(bomb.what, f"a hang of {TIMEOUT:.0f} s", holds=False)
    foreign = "Traceback" in outcome.said or "Error: unexpected" in outcome.said or outcome.code not in (0, 1)
    seconds, memory = max(0.0, outcome.seconds - usual.seconds), max(0.0, outcome.memory - usual.memory)
    how = "a foreign error" if foreign else "refused" if outcome.code else "read"
    in_time = seconds <= MOST_SECONDS or not bomb.at_once
    refused = bool(outcome.code) or not bomb.at_once
    holds = not foreign and in_time and refused and memory <= MOST_MEMORY
    return Finding(bomb.what, f"{how} in {seconds:.1f} s with {memory:.0f} MB", holds)


def _mutated(settings: Settings) -> Iterator[Finding]:
    count = settings.times(MUTATED)
    found: dict[str, int] = {}
    hangs = 0
    for first in range(0, count, PER_WORKER):
        some = min(PER_WORKER, count - first)
        seed = settings.seed * MUTATED + first
        command = [
            sys.executable,
            "-m",
            "benchmarks.robustness.mutations",
            str(seed),
            str(some),
            str(settings.directory),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
        except subprocess.TimeoutExpired:
            hangs += 1
            continue
        result = json.loads(done.stdout)
        for example in result.pop("what"):
            print(f"  foreign: {example}", file=sys.stderr)
        found = {name: found.get(name, 0) + result.get(name, 0) for name in ("read", "refused", "foreign")}
    read, refused, foreign = (found.get(name, 0) for name in ("read", "refused", "foreign"))
    shown = f"{read:,} read, {refused:,} refused, {foreign:,} foreign errors, {hangs} hangs"
    yield Finding(f"{count:,} files that were changed at random", shown, holds=not foreign and not hangs)


TRIAL = Trial(
    "bombs",
    "Files that expand, never end, nest or name without limit are read, and small files that were changed at random.",
    run,
)
