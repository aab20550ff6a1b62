"""The connections of one store: a pool for each process, none across a fork, and a server that may restart."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import inf
from threading import Condition, get_ident, local
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg

from qfzz_core.errors import StoreError, StoreLockedError
from qfzz_core.model.forks import keep_for_ever, renewed_after_fork
from qfzz_plugins.stores.options import PostgresqlOptions
from qfzz_plugins.stores.postgresql.connection import Connection, Statement
from qfzz_plugins.stores.postgresql.errors import DeadlockError, ServerAwayError, closed_error, store_error
from qfzz_plugins.stores.postgresql.outages import Outages
from qfzz_plugins.stores.postgresql.place import Place
from qfzz_plugins.stores.postgresql.pool import Pool, PoolClosedError
from qfzz_plugins.stores.postgresql.raw import Raw, Row, connected

Result = TypeVar("Result")
_PAUSE = 0.05


class Connections:
    """Hands out connections to one database.

    An operation that has not begun to write is tried again for `retry` seconds when the server is away. Every wait ends
    `deadline` seconds after the server said something last. An operation that failed once ends as long after it began,
    whatever the server says meanwhile: else one that answers a few times and stops, again and again, would hold it.
    """

    def __init__(self, place: Place, options: PostgresqlOptions) -> None:
        self.place = place
        self.options = options
        self._closed = False
        self._begin()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Begin without connections; ending a pool that the parent opened would end the parent's connections."""
        keep_for_ever(self._pool, self._others, self._mine)
        self._begin()

    def _begin(self) -> None:
        self._pool: Pool | None = None
        self._outages = Outages(self.place.name)
        self._mine = local()
        self._changed = Condition()
        self._busy: dict[int, int] = {}  # how many operations each thread is in
        self._others: WeakSet[_Own] = WeakSet()

    # -- operations

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Do what only reads, on the connection of this thread's transaction if one is open."""
        self.refuse_closed()
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is not None:
            return work(connection)
        return self._patiently(lambda end: self._read(work, end))

    def rows(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        """Return all rows of a query."""
        return self.read(lambda connection: connection.rows(sql, parameters))

    def _read(self, work: Callable[[Connection], Result], end: float) -> Result:
        self._begin_operation()
        try:
            connection = self._take(end)
            try:
                return work(connection)
            finally:
                self._give_back(connection)
        finally:
            self._end_operation()

    @contextmanager
    def writing(self, begin: Callable[[Connection], Result]) -> Iterator[tuple[Connection, Result]]:
        """Write all or nothing. `begin` begins the transaction and takes its locks; the caller commits."""
        self.refuse_closed()
        if getattr(self._mine, "connection", None) is not None:
            raise StoreError("a transaction of this thread is open already; end it before another is begun")
        self._begin_operation()
        try:
            connection, begun = self._patiently(lambda end: self._begun(begin, end))
            self._mine.connection = connection
            connection.raw.end = inf
            since = time.monotonic()
            try:
                yield connection, begun
            except BaseException as error:
                connection.roll_back()
                if isinstance(error, ServerAwayError):
                    self._outages.failed(since, error)
                raise
            finally:
                self._mine.connection = None
                self._give_back(connection)
        finally:
            self._end_operation()

    def _begun(self, begin: Callable[[Connection], Result], end: float) -> tuple[Connection, Result]:
        connection = self._take(end)
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

    def _patiently(self, work: Callable[[float], Result]) -> Result:
        """Work, again and again while the server is away, until `retry` seconds have passed.

        `work` is given the moment at which it has to end, whatever the server says.
        """
        first = begun = time.monotonic()
        end, last = inf, None
        while True:
            try:
                result = work(end)
            except (ServerAwayError, DeadlockError) as error:
                if isinstance(error, ServerAwayError):
                    self._outages.failed(begun, error)
                    end = first + self.options.deadline
                last = last or time.monotonic() + self.options.retry
                if time.monotonic() + _PAUSE >= min(last, end):
                    raise
            else:
                self._outages.succeeded(begun)
                return result
            time.sleep(_PAUSE)
            self.refuse_closed()
            begun = time.monotonic()

    # -- the pool

    def _take(self, end: float) -> Connection:
        pool = self._ready()
        try:
            until = self._enter(pool, end)
        except PoolClosedError:
            raise closed_error(self.place) from None
        try:
            raw = pool.get(until)
            raw.end = end
        except BaseException:
            pool.leave()
            raise
        return Connection(raw, self.place)

    def _enter(self, pool: Pool, end: float) -> float:
        """Take a place in the pool, and return until when to wait for a connection.

        Waiting for a place may be waiting for a server that answers nobody. So when half the deadline has passed, the
        server is asked.
        """
        deadline, locked = self.options.deadline, time.monotonic() + self.options.lock_timeout
        while True:
            now = time.monotonic()
            until = min(now + deadline, end)
            if pool.enter(min(locked, now + deadline / 2, end) - now):
                return until
            _connected(self.place, self.options, until).close()
            if time.monotonic() >= min(locked, end):
                raise StoreLockedError(
                    f"{self.place.name}: all {pool.size} connections of this process were in use for "
                    f"{self.options.lock_timeout:g} s: keep transactions short, or raise pool_size in [store]"
                )

    def _give_back(self, connection: Connection) -> None:
        if connection.pid == os.getpid() and self._pool is not None:
            self._pool.put(connection.raw)

    def _ready(self) -> Pool:
        """Return the pool of this process."""
        with self._changed:
            self.refuse_closed()
            if self._pool is None:
                self._pool = self._new_pool()
            return self._pool

    def _new_pool(self) -> Pool:
        # The pool must not hold this object: then both end when nobody holds the store.
        return Pool(self.options.pool_size, partial(_connected, self.place, self.options))

    # -- other connections

    def another(self) -> Connection:
        """Return a connection that is not of the pool; it is closed by the caller, or with the store."""
        self.refuse_closed()
        raw = _connected(self.place, self.options, time.monotonic() + self.options.deadline)
        connection = _Own(raw, self.place)
        self._others.add(connection)
        return connection

    # -- the end

    def _begin_operation(self) -> None:
        me = get_ident()
        with self._changed:
            self._busy[me] = self._busy.get(me, 0) + 1

    def _end_operation(self) -> None:
        me = get_ident()
        with self._changed:
            left = self._busy.pop(me, 1) - 1
            if left:
                self._busy[me] = left
            self._changed.notify_all()

    def refuse_closed(self) -> None:
        """Raise `ClosedError` after `close`."""
        if self._closed:
            raise closed_error(self.place)

    def close(self) -> None:
        """Wait for what other threads do, at most as long as a statement may take, and close every connection."""
        self._closed = True
        self._mine.closed = True
        me = get_ident()
        with self._changed:
            longest = min(self.options.statement_timeout, self.options.deadline)
            self._changed.wait_for(lambda: self._busy.keys() <= {me}, timeout=longest)
        if self._pool is not None:
            self._pool.close()
        for connection in list(self._others):
            connection.close()


class _Own(Connection):
    """A connection that closes itself when nobody holds it any more."""

    def __del__(self) -> None:
        if self.pid != os.getpid():
            keep_for_ever(self.raw)
        self.close()


def _connected(place: Place, options: PostgresqlOptions, end: float) -> Raw:
    """Return a new connection that is ready for use, at the moment `end` at the latest."""
    try:
        raw = connected(place.conninfo, end)
        try:
            raw.configure(place.conninfo, options, end)
        except BaseException:
            raw.close()
            raise
    except psycopg.Error as error:
        raise store_error(error, place) from None
    return raw
