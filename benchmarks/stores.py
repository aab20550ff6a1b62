"""What a store costs beyond its database: each figure against the same work done bare, in alternating rounds.

Durable feedback against a bare sqlite3 loop with synchronous=FULL, once with all the statements that a feedback
executes and once with those that write; batches of 500 against single feedbacks; an import against executemany of
ready tuples into the same tables and indexes; and opening a large catalogue to the first answer against reading the
rows alone, with the memory that it then takes. A ratio is that of the medians. The promises are at least 0.6, 10 and
0.5 for the first three.

    python benchmarks/stores.py [--tracks 1000000] [--rounds 7] [--directory DIRECTORY] [--json]

The directory, a temporary one if none is given, should lie on the disk that is to be measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from qfzz import PersonalizedDJ

FEEDBACKS = 500
CHUNKS = [range(first, first + 50) for first in range(0, FEEDBACKS, 50)]
IMPORT_ROUNDS = 3
Statement = tuple[str, str, Any]  # the method of the connection, the SQL, and the parameters
Figures = dict[str, Any]

_GENRES = ("jazz", "blues", "rock", "pop", "classical", "electronic", "hip hop", "ambient")
_MOODS = ("calm", "upbeat", "energetic", "melancholic", "romantic")
_TEMPOS = ("slow", "medium", "fast")


def track(number: int) -> dict[str, Any]:
    return {
        "track_id": f"track-{number:08d}",
        "title": f"Title {number}",
        "artist": f"Artist {number % 20_000}",
        "genre": _GENRES[number % 8],
        "mood": _MOODS[number % 5],
        "energy": number % 1000 / 1000,
        "tempo": _TEMPOS[number % 3],
        "duration": 120 + number % 300,
        "year": 1950 + number % 75,
    }


def opened(path: Path) -> PersonalizedDJ:
    return PersonalizedDJ(store=f"sqlite:///{path}", seed=1)


def bare(path: Path) -> sqlite3.Connection:
    """A connection as an application without a library would open it."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


# ---- feedback --------------------------------------------------------------------------------------------------------


def feedback(number: int) -> dict[str, Any]:
    types = ("play", "like", "skip", "favorite", "play")
    return {
        "user_id": f"user-{number % 20}",
        "track_id": f"track-{number * 37 % 1000:08d}",
        "interaction_type": types[number % 5],
        "event_id": f"event-{number}",
    }


class Recorded(sqlite3.Connection):
    """A connection that remembers what it is asked to execute."""

    statements: list[Statement] = []  # noqa: RUF012 - of all connections together

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        self.statements.append(("execute", sql, tuple(parameters)))
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any) -> sqlite3.Cursor:
        rows = list(parameters)
        self.statements.append(("executemany", sql, rows))
        return super().executemany(sql, rows)


@contextmanager
def recording() -> Iterator[list[Statement]]:
    """Give the statements that the library executes meanwhile, on whatever connections it opens."""
    connect = sqlite3.connect
    Recorded.statements = []
    sqlite3.connect = partial(connect, factory=Recorded)  # type: ignore[assignment]
    try:
        yield Recorded.statements
    finally:
        sqlite3.connect = connect


class Fresh:
    """Copies of a store with a thousand tracks and twenty users, each used for one round."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = count()
        self._base = directory / "base.db"
        with opened(self._base) as dj:
            dj.add_content([track(number) for number in range(1000)])
            dj.record_many(feedback(-number) for number in range(1, 201))

    def copy(self) -> Path:
        path = self._directory / f"copy-{next(self._numbers)}.db"
        shutil.copyfile(self._base, path)
        return path


def record_singly(dj: PersonalizedDJ, numbers: Iterable[int]) -> None:
    for number in numbers:
        dj.record_feedback(**feedback(number))


def record_at_once(dj: PersonalizedDJ) -> None:
    dj.record_many(feedback(number) for number in range(FEEDBACKS))


def statements_of_feedback(path: Path) -> list[list[Statement]]:
    """Return the statements of each chunk of feedbacks."""
    with recording() as statements, opened(path) as dj:
        chunks = []
        for numbers in CHUNKS:
            statements.clear()
            record_singly(dj, numbers)
            chunks.append(list(statements))
        return chunks


def execute_all(connection: sqlite3.Connection, statements: Iterable[Statement]) -> None:
    methods = {name: getattr(connection, name) for name in ("execute", "executemany")}
    for name, sql, parameters in statements:
        methods[name](sql, parameters).fetchall()


def alternated(fresh: Fresh, chunks: list[list[Statement]], writes: list[list[Statement]]) -> tuple[float, ...]:
    """Return the seconds of the library, of all statements bare, and of the writes, a chunk of each in turn."""
    with (
        opened(fresh.copy()) as dj,
        closing(bare(fresh.copy())) as all_bare,
        closing(bare(fresh.copy())) as bare_writes,
    ):
        times = [
            (
                seconds(partial(record_singly, dj, numbers)),
                seconds(partial(execute_all, all_bare, everything)),
                seconds(partial(execute_all, bare_writes, written)),
            )
            for numbers, everything, written in zip(CHUNKS, chunks, writes, strict=True)
        ]
    return tuple(sum(column) for column in zip(*times, strict=True))


def seconds_of_batch(path: Path) -> float:
    with opened(path) as dj:
        return seconds(lambda: record_at_once(dj))


def is_write(statement: Statement) -> bool:
    return not statement[1].lstrip().upper().startswith("SELECT")


def per_second(times: list[float]) -> float:
    return round(FEEDBACKS / statistics.median(times), 1)


def feedback_figures(directory: Path, rounds: int) -> Figures:
    fresh = Fresh(directory)
    chunks = statements_of_feedback(fresh.copy())
    writes = [list(filter(is_write, chunk)) for chunk in chunks]
    alternated(fresh, chunks, writes)  # once, so that everything is imported and in the caches
    times = [(*alternated(fresh, chunks, writes), seconds_of_batch(fresh.copy())) for _ in range(rounds)]
    names = ("single", "bare", "bare_writes", "batch")
    rates = {name: per_second(list(column)) for name, column in zip(names, zip(*times, strict=True), strict=True)}
    return {
        "per_second": rates["single"],
        "statements": sum(map(len, chunks)) / FEEDBACKS,
        "bare_per_second": rates["bare"],
        "bare_writes_per_second": rates["bare_writes"],
        "ratio": round(rates["single"] / rates["bare"], 3),
        "ratio_to_writes": round(rates["single"] / rates["bare_writes"], 3),
        "batched_per_second": rates["batch"],
        "batched_to_single": round(rates["batch"] / rates["single"], 2),
    }


# ---- import ----------------------------------------------------------------------------------------------------------


def seconds_of_import(path: Path, given: list[dict[str, Any]], *, checked: bool) -> float:
    with opened(path) as dj:
        return seconds(lambda: dj.add_content(given) if checked else dj.engine.write_tracks(iter(given)))


def seconds_of_executemany(path: Path, rows: list[tuple[str, int, str]]) -> float:
    opened(path).close()  # the same tables and indexes
    with closing(bare(path)) as connection:

        def work() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO commits (counter, token) VALUES (1, 'bare')")
            connection.executemany("INSERT INTO tracks (track_id, changed, body) VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")

        return seconds(work)


def import_figures(directory: Path, tracks: int) -> Figures:
    given = [track(number) for number in range(tracks)]
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    rows = [(one["track_id"], 1, encode(one)) for one in given]
    paths = (directory / f"import-{number}.db" for number in count())
    works: dict[str, Callable[[Path], float]] = {
        "add_content": lambda path: seconds_of_import(path, given, checked=True),
        "write_tracks": lambda path: seconds_of_import(path, given, checked=False),
        "executemany": lambda path: seconds_of_executemany(path, rows),
    }
    measured: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(IMPORT_ROUNDS):
        for name, work in works.items():
            path = next(paths)
            measured[name].append(work(path))
            path.unlink()
    medians = {name: statistics.median(times) for name, times in measured.items()}
    return {
        "tracks": tracks,
        "add_content_seconds": round(medians["add_content"], 2),
        "write_tracks_seconds": round(medians["write_tracks"], 2),
        "executemany_seconds": round(medians["executemany"], 2),
        "ratio": round(medians["executemany"] / medians["add_content"], 3),
        "unchecked_ratio": round(medians["executemany"] / medians["write_tracks"], 3),
    }


# ---- opening ---------------------------------------------------------------------------------------------------------

# Each in a process of its own, so that memory is that of one store.
_FIRST_ANSWER = """
import sys, time
from qfzz import PersonalizedDJ
with PersonalizedDJ() as warm:
    warm.recommend("alice", limit=10)
begun = time.perf_counter()
dj = PersonalizedDJ(store="sqlite:///" + sys.argv[1], seed=1)
opened = time.perf_counter()
assert len(dj.recommend("alice", limit=10)) == 10
answered = time.perf_counter()
assert len(dj.recommend("alice", limit=10)) == 10
print(opened - begun, answered - begun, time.perf_counter() - answered)
"""
_ROWS_ALONE = """
import sqlite3, sys, time
begun = time.perf_counter()
connection = sqlite3.connect(sys.argv[1])
for row in connection.execute("SELECT position, body FROM tracks ORDER BY position"):
    pass
print(time.perf_counter() - begun)
"""
_MEMORY = """
try:
    with open("/proc/self/statm") as pages:
        import os
        print(int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
except OSError:
    print("nan nan")
"""


def printed(code: str, path: Path) -> list[float]:
    command = [sys.executable, "-c", code + _MEMORY, str(path)]
    return [float(word) for word in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def opening_figures(directory: Path, tracks: int, rounds: int) -> Figures:
    path = directory / "large.db"
    with opened(path) as dj:
        dj.engine.write_tracks(track(number) for number in range(tracks))
    runs = [(printed(_FIRST_ANSWER, path), printed(_ROWS_ALONE, path)) for _ in range(rounds)]
    ours, rows = ([statistics.median(column) for column in zip(*part, strict=True)] for part in zip(*runs, strict=True))
    return {
        "tracks": tracks,
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "open_seconds": round(ours[0], 4),
        "first_answer_seconds": round(ours[1], 3),
        "next_answer_seconds": round(ours[2], 4),
        "rows_alone_seconds": round(rows[0], 3),
        "ratio": round(ours[1] / rows[0], 2),
        "resident_mb": round(ours[3], 1),
        "peak_mb": round(ours[4], 1),
    }


# ---- telling ---------------------------------------------------------------------------------------------------------

_LINES = {
    "feedback": (
        "durable feedback        {per_second:>10,.0f} /s, {statements:.1f} statements each",
        "  the same statements   {bare_per_second:>10,.0f} /s bare, ratio {ratio:.2f}",
        "  only those that write {bare_writes_per_second:>10,.0f} /s bare, ratio {ratio_to_writes:.2f} (at least 0.6)",
        "batches of 500          {batched_per_second:>10,.0f} /s, {batched_to_single:.1f} times single (at least 10)",
    ),
    "import": (
        "import of {tracks:,} tracks    {add_content_seconds:.2f} s, ratio {ratio:.2f} (at least 0.5)",
        "  without checks          {write_tracks_seconds:.2f} s, ratio {unchecked_ratio:.2f}",
        "  executemany             {executemany_seconds:.2f} s",
    ),
    "opening": (
        "opening {tracks:,} tracks      {first_answer_seconds:.2f} s to the first answer, ratio {ratio:.1f}",
        "  reading the rows alone  {rows_alone_seconds:.2f} s",
        "  the next answer         {next_answer_seconds:.4f} s",
        "  resident {resident_mb:,.0f} MB then, {peak_mb:,.0f} MB at most; the file has {file_mb:,.0f} MB",
    ),
}


def measured(directory: Path, tracks: int, rounds: int) -> Figures:
    return {
        "sqlite": sqlite3.sqlite_version,
        "feedback": feedback_figures(directory, rounds),
        "import": import_figures(directory, tracks),
        "opening": opening_figures(directory, tracks, min(rounds, 3)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=int, default=1_000_000, help="size of the catalogue (default: 1000000)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (default: 7)")
    parser.add_argument("--directory", type=Path, help="where the stores are made (default: a temporary one)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qfzz-benchmark-", dir=options.directory) as directory:
        figures = measured(Path(directory), options.tracks, options.rounds)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name, lines in _LINES.items():
        for line in lines:
            print(line.format(**figures[name]))


if __name__ == "__main__":
    main()
