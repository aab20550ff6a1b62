"""One DuckDB file: opening it, reading one state of it, and writing to it in one transaction at a time."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from threading import Lock
from typing import Any

import duckdb
from qfzz_core import errors
from qfzz_core.model.names import is_storable
from qfzz_core.storage import Decoding, Turns

# Bodies are JSON in text: it keeps integers of any size, 1 apart from 1.0, and the order of keys, which columns do not.
# A removed track leaves its row, without id and body, so that readers hear of it and its position is not given again.
_TABLES = """
CREATE TABLE qfzz (version INTEGER, identity TEXT); CREATE SEQUENCE numbers;
CREATE TABLE commits (counter BIGINT, token TEXT);
CREATE TABLE tracks (position BIGINT, track_id TEXT UNIQUE, changed BIGINT, body TEXT);
CREATE TABLE users (serial BIGINT, user_id TEXT UNIQUE, revision BIGINT, body TEXT);
CREATE TABLE events (serial BIGINT, position BIGINT, kind TEXT, timestamp TEXT, event_id TEXT, body TEXT);
CREATE UNIQUE INDEX events_by_id ON events (serial, event_id);
INSERT INTO qfzz VALUES (1, uuid()); INSERT INTO commits VALUES (0, '');
"""

# DuckDB gives no codes, and one class for many things: what happened is said only in the text. The first match counts.
_MEANINGS: tuple[tuple[str, type[errors.QfzzError], str], ...] = (
    ("already closed", errors.ClosedError, "was closed: open it again"),
    ("Could not set lock", errors.StoreLockedError, "is open in another process: close it there"),
    ("No space left|File too large|[Qq]uota", errors.StoreFullError, "could not be written: make room there"),
    ("Read-only file system", errors.StoreReadOnlyError, "cannot be written: choose another place"),
    ("valid DuckDB|[Ee]xtension", errors.ForeignStoreError, "is no DuckDB file: choose another path"),
    ("qfzz does not exist", errors.ForeignStoreError, "is a database of another application: choose another path"),
    ("version number", errors.NewerSchemaError, "was written by another version of DuckDB: upgrade duckdb"),
    ("[Cc]orrupt|checksum|enough bytes|invalidated", errors.StoreCorruptError, "is damaged: restore a backup"),
    ("Cannot open|Could not (read|write)", errors.StoreUnavailableError, "cannot be used: check path and permissions"),
    ("", errors.StoreError, "could not do that"),
)

# Writers queue here: DuckDB would let two threads begin and fail the second. They queue by path and not by store,
# because a file that one process opens twice is one database.
_turns: dict[str, Turns] = defaultdict(Turns)


@contextmanager
def _named_errors(path: str) -> Iterator[None]:
    """Raise the error of QFZZ's family that says what DuckDB's error means for the file at `path`."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error).replace(path, "the file")
        kind, advice = next((kind, advice) for pattern, kind, advice in _MEANINGS if re.search(pattern, text))
        raise kind(f"{path} {advice} ({text})") from error


class Cursor:
    """A connection in a transaction of its own; rolled back and closed when nobody holds it any more, or by `close`."""

    def __init__(self, raw: duckdb.DuckDBPyConnection, path: str) -> None:
        self._raw, self._path, self.close = raw, path, raw.close
        self.decoding = Decoding(path)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """Run a statement and iterate its rows: none if it looks for text that DuckDB could not hold."""
        if not all(is_storable(value) for value in parameters if isinstance(value, str)):
            return iter(())
        with _named_errors(self._path):
            return iter(self._raw.execute(sql, parameters).fetchall())


class Database:
    """A file that this process has for itself. Reading never waits; writers take turns."""

    def __init__(self, path: str) -> None:
        self._path, self._lock, self._process = path, Lock(), os.getpid()
        with _named_errors(path):
            self._raw = duckdb.connect(path, config={"autoinstall_known_extensions": False})  # they are in the network
        with self.writing() as cursor:
            _prepare(cursor, path)

    def reading(self) -> Cursor:
        """Return a new cursor, which is cheap, sees one state of the file, and is how DuckDB serves several threads."""
        if self._process != os.getpid():  # DuckDB works in threads, which a forked child does not have
            raise errors.StoreUnavailableError(f"{self._path} belongs to this process's parent: use it there")
        with self._lock, _named_errors(self._path):
            return Cursor(self._raw.cursor().begin(), self._path)

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """Write all or nothing: what an exception leaves uncommitted is rolled back with the cursor."""
        with _turns[self._path].taken(), closing(self.reading()) as cursor:
            yield cursor
            cursor.run("COMMIT")

    def close(self) -> None:
        """Close the file and every cursor; in a forked child do nothing, because they are its parent's."""
        if self._process == os.getpid():
            with self._lock:
                self._raw.close()


def _prepare(cursor: Cursor, path: str) -> None:
    """Make the tables in a new file, or check those that are there."""
    if next(cursor.run("SELECT count(*) FROM duckdb_tables()")) == (0,):
        cursor.run(_TABLES)
    if next(cursor.run("SELECT version FROM qfzz")) > (1,):
        raise errors.NewerSchemaError(f"{path} was written by a newer version of qfzz-store-duckdb: upgrade it")
