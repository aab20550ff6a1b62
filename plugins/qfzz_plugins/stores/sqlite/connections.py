"""The connections of one store: one for each thread, none across a fork."""

from __future__ import annotations

import os
from threading import Lock, local
from weakref import WeakSet, finalize

from qfzz_core.model.forks import renewed_after_fork
from qfzz_plugins.stores.options import SQLiteOptions
from qfzz_plugins.stores.sqlite.connection import Connection
from qfzz_plugins.stores.sqlite.errors import closed_error, moved_error
from qfzz_plugins.stores.sqlite.frozen import FrozenConnection
from qfzz_plugins.stores.sqlite.kept_files import release, use
from qfzz_plugins.stores.sqlite.place import Place, check
from qfzz_plugins.stores.sqlite.schema import checked_version, prepare


class Connections:
    """Hands out connections to one file. A thread's connection is closed when the thread ends."""

    def __init__(self, path: str, options: SQLiteOptions) -> None:
        self._path = path
        self._options = options
        self._closed = False
        self.renew()
        renewed_after_fork(self)
        self._release = finalize(self, release, use(path))
        try:
            self._place = Place(path)
            self._local.connection = self._first()
        except BaseException:
            self._release()
            raise

    def _first(self) -> Connection:
        first = self._connected()
        try:
            self._place.remember()
            prepare(first)
            first.settle()
        except BaseException:
            first.close()
            raise
        return first

    def renew(self) -> None:
        """Begin without connections: those of a parent process were closed."""
        self._writers = Lock()
        self._local = local()
        self._all: WeakSet[Connection] = WeakSet()

    def mine(self, *, checks: bool = True) -> Connection:
        """Return the connection of this thread; raises `ClosedError` after `close`.

        `checks` is false where a request has looked at the file just before: looking again would take 6 us.
        """
        if self._closed:
            raise closed_error(self._path)
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.another()
        elif checks:
            self._place.check()
        return connection

    def another(self) -> Connection:
        """Return a new connection, which the caller closes."""
        if not os.path.isfile(self._path):
            raise moved_error(self._path, written=False)
        # With its journal taken away, SQLite would begin another that fits nothing.
        check(next((other.files for other in list(self._all) if other.files), ()))
        connection = self._connected()
        try:
            checked_version(connection)
            connection.settle()
            self._place.check()
        except BaseException:
            connection.close()
            raise
        if self._closed:
            connection.close()
            raise closed_error(self._path)
        return connection

    def _connected(self) -> Connection:
        kind = FrozenConnection if self._place.frozen else Connection
        connection = kind(self._place, self._options, self._writers)
        self._all.add(connection)
        return connection

    def close(self) -> None:
        """Close every connection when its operation is done."""
        self._closed = True
        for connection in list(self._all):
            connection.close()
        self._release()
