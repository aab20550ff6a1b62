"""The connections of one store: a pool for each process, none across a fork, and a server that may restart."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition, get_ident, local
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from qfzz_core.errors import StoreError, StoreLockedError
from qfzz_plugins.stores.options import PostgresqlOptions
from qfzz_plugins.stores.postgresql.connection import Connection, Raw, Row, Statement, configure
from qfzz_plugins.stores.postgresql.errors import DeadlockError, ServerAwayError, closed_error, store_error
from qfzz_plugins.stores.postgresql.place import Place

Result = TypeVar("Result")
_LOOK_AGAIN = 0.5  # seconds after which a thread that waits for a connection looks whether the server is there
_PAUSE = 0.05

# Ending a pool that another process opened would end that process's connections, so the child of a fork keeps it.
_inherited: list[Any] = []


class Connections:
    """Hands out connections to one database.

    An operation that has not begun to write is tried again for `retry` seconds when the server is away.
    """

    def __init__(self, place: Place, options: PostgresqlOptions) -> None:
        self.place = place
        self.options = options
        self._closed = False
        self._begin_process()

    def _begin_process(self) -> None:
        self._pid = os.getpid()
        self._pool: ConnectionPool[Raw] | None = None
        self._mine = local()
        self._changed = Condition()
        self._busy: dict[int, int] = {}  # how many operations each thread is in
        self._others: WeakSet[_Own] = WeakSet()

    # -- operations

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Do what only reads, on the connection of this thread's transaction if one is open."""
        self.enter()
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is not None:
            return work(connection)
        return self._patiently(lambda: self._read(work))

    def rows(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        """Return all rows of a query."""
        return self.read(lambda connection: connection.rows(sql, parameters))

    def _read(self, work: Callable[[Connection], Result]) -> Result:
        self._begin_operation()
        try:
            connection = self._take()
            try:
                return work(connection)
            finally:
                self._give_back(connection)
        finally:
            self._end_operation()

    @contextmanager
    def writing(self, begin: Callable[[Connection], Result]) -> Iterator[tuple[Connection, Result]]:
        """Write all or nothing. `begin` begins the transaction and takes its locks; the caller commits."""
        self.enter()
        if getattr(self._mine, "connection", None) is not None:
            raise StoreError("a transaction of this thread is open already; end it before another is begun")
        self._begin_operation()
        try:
            connection, begun = self._patiently(lambda: self._begun(begin))
            self._mine.connection = connection
            try:
                yield connection, begun
            except BaseException:
                connection.roll_back()
                raise
            finally:
                self._mine.connection = None
                self._give_back(connection)
        finally:
            self._end_operation()

    def _begun(self, begin: Callable[[Connection], Result]) -> tuple[Connection, Result]:
        connection = self._take()
        try:
            return connection, begin(connection)
        except BaseException:
            connection.roll_back()
            self._give_back(connection)
            raise

    def commit(self, connection: Connection, statements: Sequence[Statement] = ()) -> None:
        """Commit what `writing` began, unless this thread closed the store inside it."""
        if self._closed and getattr(self._mine, "closed", False):
            raise closed_error(self.place)
        connection.commit(statements)

    def _patiently(self, work: Callable[[], Result]) -> Result:
        """Work, again and again while the server is away, until `retry` seconds have passed."""
        deadline = None
        while True:
            try:
                return work()
            except (ServerAwayError, DeadlockError):
                deadline = deadline or time.monotonic() + self.options.retry
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_PAUSE)
            self.refuse_closed()

    # -- the pool

    def _take(self) -> Connection:
        deadline = time.monotonic() + self.options.lock_timeout
        while True:
            pool = self._ready()
            try:
                return Connection(pool.getconn(timeout=_LOOK_AGAIN), self.place)
            except PoolTimeout:
                self._explain(pool, deadline)
            except PoolClosed:
                raise closed_error(self.place) from None

    def _explain(self, pool: ConnectionPool[Raw], deadline: float) -> None:
        """Raise what keeps the pool from giving a connection, unless waiting may help."""
        if pool.get_stats()["pool_size"] < pool.max_size:
            self._connected().close()
        elif time.monotonic() >= deadline:
            raise StoreLockedError(
                f"{self.place.name}: all {pool.max_size} connections of this process were in use for "
                f"{self.options.lock_timeout:g} s: keep transactions short, or raise pool_size in [store]"
            )

    def _give_back(self, connection: Connection) -> None:
        if connection.pid == os.getpid() and self._pool is not None:
            self._pool.putconn(connection.raw)

    def _ready(self) -> ConnectionPool[Raw]:
        """Return the pool of this process."""
        with self._changed:
            self.refuse_closed()
            if self._pool is None:
                self._pool = self._new_pool()
            return self._pool

    def _new_pool(self) -> ConnectionPool[Raw]:
        options = self.options  # the pool must not hold this object: then both end when nobody holds the store
        return ConnectionPool(
            self.place.conninfo,
            connection_class=_scrubbing(self.place),
            kwargs={"autocommit": True},
            configure=lambda raw: configure(raw, options),
            min_size=0,
            max_size=options.pool_size,
            reconnect_timeout=0,  # an operation that needs a connection tries again
            num_workers=1,
            open=True,
        )

    # -- other connections

    def _connected(self) -> Raw:
        try:
            return Raw.connect(self.place.conninfo, autocommit=True)
        except psycopg.Error as error:
            raise store_error(error, self.place) from None

    def another(self) -> Connection:
        """Return a connection that is not of the pool; it is closed by the caller, or with the store."""
        self.enter()
        raw = self._connected()
        try:
            configure(raw, self.options)
        except BaseException as error:
            raw.close()
            if isinstance(error, psycopg.Error):
                raise store_error(error, self.place) from error
            raise
        connection = _Own(raw, self.place)
        self._others.add(connection)
        return connection

    # -- the end

    def _begin_operation(self) -> None:
        me = get_ident()
        with self._changed:
            self._busy[me] = self._busy.get(me, 0) + 1

    def _end_operation(self) -> None:
        if self._pid != os.getpid():
            return
        me = get_ident()
        with self._changed:
            left = self._busy.pop(me, 1) - 1
            if left:
                self._busy[me] = left
            self._changed.notify_all()

    def enter(self) -> None:
        """Begin again in the child of a fork, and raise `ClosedError` after `close`."""
        if self._pid != os.getpid():
            _inherited.append((self._pool, self._others, self._mine))
            self._begin_process()
        self.refuse_closed()

    def refuse_closed(self) -> None:
        """Raise `ClosedError` after `close`."""
        if self._closed:
            raise closed_error(self.place)

    def close(self) -> None:
        """Wait for what other threads do, at most as long as a statement may take, and close every connection."""
        self._closed = True
        if self._pid != os.getpid():
            return
        self._mine.closed = True
        me = get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._busy.keys() <= {me}, timeout=self.options.statement_timeout)
        if self._pool is not None:
            self._pool.close()
        for connection in list(self._others):
            connection.close()


class _Own(Connection):
    """A connection that closes itself when nobody holds it any more."""

    def __del__(self) -> None:
        if self.pid != os.getpid():
            _inherited.append(self.raw)
        self.close()


def _scrubbing(place: Place) -> type[Raw]:
    """Return a class of connections for a pool, which logs why it could not connect: without credentials."""

    class Scrubbing(Raw):
        @classmethod
        def connect(cls, conninfo: str = "", **kwargs: Any) -> Any:
            try:
                return super().connect(conninfo, **kwargs)
            except psycopg.Error as error:
                raise psycopg.OperationalError(place.scrubbed(error)) from None

    return Scrubbing
