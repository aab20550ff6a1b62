"""PostgreSQL: databases of a server, and bare psycopg."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.types.numeric import Int8BinaryDumper

from benchmarks.processes import ROOT
from benchmarks.storage.databases import RoundTrip, Row, Statement
from qfzz_core.model.json_codec import encoded

_COPY = "COPY tracks (position, track_id, changed, body) FROM STDIN (FORMAT BINARY)"


class Connection:
    """A connection with the tables of the store in its path."""

    def __init__(self, url: str) -> None:
        self._raw = psycopg.connect(url, autocommit=True, options="-c search_path=qfzz")
        self._raw.adapters.register_dumper(int, Int8BinaryDumper)

    def make(self, trips: Iterable[RoundTrip]) -> None:
        """Execute statements, several of a round trip in a pipeline."""
        for trip in trips:
            for cursor in self._executed(trip):
                if cursor.description:
                    cursor.fetchall()

    def _executed(self, trip: RoundTrip) -> list[psycopg.Cursor[Any]]:
        execute = self._raw.execute
        with self._raw.pipeline() if len(trip) > 1 else nullcontext():
            return [execute(sql, parameters, binary=True) for sql, parameters, _ in trip]

    def load(self, rows: Iterable[Row]) -> None:
        """Write by COPY."""
        with self._raw.transaction(), self._raw.cursor().copy(_COPY) as copy:
            copy.set_types(("int8", "bytea", "int8", "text"))
            for row in rows:
                copy.write_row(row)

    def tracks(self) -> Iterator[Row]:
        """Iterate position and body of every track."""
        return iter(self._raw.execute("SELECT position, body FROM tracks ORDER BY position", binary=True))

    def close(self) -> None:
        """Close it."""
        self._raw.close()


class Server:
    """Databases of a server, by the URL of one of them; its user must be allowed to create others."""

    name = "postgresql"
    loading = "COPY"
    promised: Mapping[str, float] = {"ratio": 0.7, "batched_to_single": 10, "import": 0.7}
    bare = Connection

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count()
        self.version = f"PostgreSQL {self._asked('SHOW server_version')}"

    @contextmanager
    def new(self, template: str | None = None) -> Iterator[str]:
        """Give the URL of a new database, which is removed at the end."""
        name = f"qfzz_benchmark_{os.getpid()}_{next(self._numbers)}"
        self._asked(f"CREATE DATABASE {name} TEMPLATE {_database(template) if template else 'template0'}")
        try:
            yield urlsplit(self._url)._replace(path=f"/{name}").geturl()
        finally:
            self._asked(f"DROP DATABASE {name} WITH (FORCE)")

    def size(self, url: str) -> int:
        """Return the bytes of a database."""
        return int(self._asked("SELECT pg_database_size(%s)", [_database(url)]))

    def _asked(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Execute a statement and return the number or word that it gives, None if it gives nothing."""
        with closing(psycopg.connect(self._url, autocommit=True)) as connection:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall()[0][0] if cursor.description else None

    def sync_seconds(self) -> None:
        """Return None: the disk is the server's."""

    @contextmanager
    def recording(self) -> Iterator[list[RoundTrip]]:
        """Give a list of what is sent to the server meanwhile; a pipeline is one round trip."""
        trips: list[RoundTrip] = []
        execute, pipeline = psycopg.Cursor.execute, psycopg.Connection.pipeline
        inside = False

        def remembered(self: Any, sql: Any, parameters: Any = None, **how: Any) -> Any:
            if not inside:
                trips.append([])
            trips[-1].append(Statement(sql, parameters))
            return execute(self, sql, parameters, **how)

        @contextmanager
        def together(self: Any) -> Iterator[Any]:
            nonlocal inside
            inside = True
            trips.append([])
            try:
                with pipeline(self) as pipe:
                    yield pipe
            finally:
                inside = False

        psycopg.Cursor.execute, psycopg.Connection.pipeline = remembered, together  # type: ignore[assignment, method-assign]
        try:
            yield trips
        finally:
            psycopg.Cursor.execute, psycopg.Connection.pipeline = execute, pipeline  # type: ignore[method-assign]

    def rows(self, tracks: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Return positions, ids in bytes, a commit's number and bodies."""
        return [(place, track["track_id"].encode(), 1, encoded(track)) for place, track in enumerate(tracks, 1)]


def _database(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


@contextmanager
def connected(url: str | None, directory: Path) -> Iterator[Server]:
    """Give the server of a URL, or one of our own that runs meanwhile; that lies in the system's temporary directory.

    It cannot lie in `directory`, because its user is another one if we are root.
    """
    with ExitStack() as stack:
        yield Server(url or own_server(stack))


def own_server(stack: ExitStack) -> str:
    """Start a server that writes to the disk as a real one does, and return its URL."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support import postgres_server

    postgres_server.SETTINGS["fsync"] = "on"
    server = postgres_server.Server()
    stack.callback(server.stop)
    return str(server.url)
