"""The connections of a process that are used again. A pool has no thread: who needs a connection makes it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from threading import Lock
from time import monotonic

from psycopg.pq import TransactionStatus

from qfzz_plugins.stores.postgresql.raw import Raw

_UNUSED = 600.0  # seconds after which a connection that nobody needs is closed
_OLDEST = 3600.0  # and one that is used, so that what its server process gathered is given back


class PoolClosedError(Exception):
    """The pool was closed."""


class Pool:
    """At most `size` connections, which `connect` makes until the moment that it is given.

    Threads that wait for one get theirs in turn. When one connection was lost, those that nobody uses are closed: they
    may have been lost with it, and each would cost its user the deadline.
    """

    def __init__(self, size: int, connect: Callable[[float], Raw]) -> None:
        self.size = size
        self._connect = connect
        self._pid = os.getpid()
        self._lock = Lock()
        self._free = size
        self._waiting: deque[Lock] = deque()
        self._idle: list[tuple[float, Raw]] = []
        self._closed = False

    def enter(self, seconds: float) -> bool:
        """Take one of the places, False if none was free for so long; `leave` or `put` gives it back."""
        with self._lock:
            self._refuse_closed()
            if self._free:
                self._free -= 1
                return True
            gate = Lock()
            gate.acquire()
            self._waiting.append(gate)
        try:
            entered = gate.acquire(timeout=max(0.0, seconds))
        except BaseException:
            if not self._withdrawn(gate):
                self.leave()
            raise
        self._refuse_closed()
        return entered or not self._withdrawn(gate)

    def _withdrawn(self, gate: Lock) -> bool:
        """Wait no longer; False if a place was given at this moment."""
        with self._lock:
            waits = gate in self._waiting
            if waits:
                self._waiting.remove(gate)
        return waits

    def leave(self) -> None:
        """Give a place back, to the thread that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    def get(self, end: float) -> Raw:
        """Return a connection for a place that was taken: the one that was used last, or a new one."""
        with self._lock:
            idle = self._idle.pop()[1] if self._idle else None
        return idle or self._connect(end)

    def put(self, raw: Raw) -> None:
        """Give a connection back, and its place."""
        now = monotonic()
        usable = raw.pgconn.transaction_status == TransactionStatus.IDLE
        with self._lock:
            useless = self._idle[:] if raw.closed else [each for each in self._idle[:1] if each[0] < now - _UNUSED]
            del self._idle[: len(useless)]
            if usable and raw.born > now - _OLDEST and not self._closed:
                self._idle.append((now, raw))
            else:
                useless.append((now, raw))
        for _, each in useless:
            each.close()
        self.leave()

    def close(self) -> None:
        """Close the connections that nobody uses, and each of the others when it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            while self._waiting:
                self._waiting.popleft().release()
        for _, raw in idle:
            raw.close()

    def __del__(self) -> None:
        if self._pid == os.getpid():  # closing a connection of another process would end it there
            self.close()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise PoolClosedError
