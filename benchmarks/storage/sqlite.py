"""SQLite: files, and `sqlite3`."""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.ranking.measure import timed
from benchmarks.storage.databases import RoundTrip, Row, Statement
from qfzz_core.model.json_codec import encoded

_PREFIX = "sqlite:///"
_SYNCS = 100


class Connection:
    """A connection to a file; what is committed is durable."""

    def __init__(self, url: str) -> None:
        self._raw = sqlite3.connect(url.removeprefix(_PREFIX), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._raw.execute(f"PRAGMA {pragma}").fetchall()

    def make(self, trips: Iterable[RoundTrip]) -> None:
        """Execute statements."""
        execute, executemany = self._raw.execute, self._raw.executemany
        for ((sql, parameters, many),) in trips:
            (executemany if many else execute)(sql, parameters).fetchall()

    def load(self, rows: Iterable[Row]) -> None:
        """Write by `executemany`."""
        self._raw.execute("BEGIN IMMEDIATE")
        self._raw.execute("INSERT INTO commits (counter, token) VALUES (1, 'bare')")
        self._raw.executemany("INSERT INTO tracks (track_id, changed, body) VALUES (?, ?, ?)", rows)
        self._raw.execute("COMMIT")

    def tracks(self) -> Iterator[Row]:
        """Iterate position and body of every track."""
        return self._raw.execute("SELECT position, body FROM tracks ORDER BY position")

    def close(self) -> None:
        """Close it."""
        self._raw.close()


class Files:
    """Databases that are files of one directory."""

    name = "sqlite"
    version = f"SQLite {sqlite3.sqlite_version}"
    loading = "executemany"
    promised: Mapping[str, float] = {"ratio": 0.6, "batched_to_single": 10, "import": 0.5}
    bare = Connection

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = count()

    @contextmanager
    def new(self, template: str | None = None) -> Iterator[str]:
        """Give the URL of a new file, which is removed at the end."""
        path = self._directory / f"store-{next(self._numbers)}.db"
        if template is not None:
            shutil.copyfile(template.removeprefix(_PREFIX), path)
        try:
            yield f"{_PREFIX}{path}"
        finally:
            for left in self._directory.glob(f"{path.name}*"):
                left.unlink()

    def size(self, url: str) -> int:
        """Return the bytes of a file."""
        return Path(url.removeprefix(_PREFIX)).stat().st_size

    def sync_seconds(self) -> float:
        """Return the median of some syncs of one page."""
        seconds = []
        with tempfile.TemporaryFile(dir=self._directory, buffering=0) as file:
            for _ in range(_SYNCS):
                file.write(bytes(4096))
                seconds.append(timed(partial(os.fsync, file.fileno())))
        return statistics.median(seconds)

    @contextmanager
    def recording(self) -> Iterator[list[RoundTrip]]:
        """Give a list of what is executed meanwhile; every statement is a round trip."""
        trips: list[RoundTrip] = []

        class Recorded(sqlite3.Connection):
            def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
                trips.append([Statement(sql, tuple(parameters))])
                return super().execute(sql, parameters)

            def executemany(self, sql: str, parameters: Any) -> sqlite3.Cursor:
                rows = list(parameters)
                trips.append([Statement(sql, rows, many=True)])
                return super().executemany(sql, rows)

        connect = sqlite3.connect
        sqlite3.connect = partial(connect, factory=Recorded)  # type: ignore[assignment]
        try:
            yield trips
        finally:
            sqlite3.connect = connect

    def rows(self, tracks: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Return ids, a commit's number and bodies."""
        return [(track["track_id"], 1, encoded(track)) for track in tracks]


@contextmanager
def connected(url: str | None, directory: Path) -> Iterator[Files]:
    """Give files of a directory."""
    yield Files(directory)
