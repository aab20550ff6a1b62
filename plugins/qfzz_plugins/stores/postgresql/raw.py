"""A connection of psycopg that gives up on a server that says nothing: libpq would wait as long as TCP is content."""

from __future__ import annotations

import select
import sys
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import closing, suppress
from math import inf
from threading import Thread
from time import monotonic
from typing import Any, TypeVar, cast

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn
from psycopg.types.numeric import Int8BinaryDumper

from qfzz_plugins.stores.options import PostgresqlOptions

Row = tuple[Any, ...]
Cursor = psycopg.Cursor[Row]
Found = TypeVar("Found")

_TICK = 0.1  # seconds after which one looks whether the deadline has passed, or another thread closed the connection
_CANCEL = 5.0  # seconds for which somebody who interrupts a statement waits for the server to end it

_SETTINGS = """SELECT set_config('search_path', %s, false), set_config('statement_timeout', %s, false),
    set_config('lock_timeout', %s, false), set_config('default_transaction_isolation', 'read committed', false),
    pg_backend_pid()"""
# A server process that waits for its client while the client waits for it has lost this client.
_WORKS = """SELECT FROM pg_stat_get_activity(%s)
    WHERE state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'"""

if sys.platform == "win32":  # pragma: no cover - it has no poll
    _Poller = object

    def _ready(_: object, fileno: int, wanted: int) -> int:
        one = [fileno]
        reading, writing, _ = select.select(one if wanted & 1 else [], one if wanted & 2 else [], [], _TICK)
        return bool(reading) | 2 * bool(writing)

else:
    _Poller = select.poll
    _IN, _OUT = select.POLLIN, select.POLLOUT
    _EVENTS = (0, _IN, _OUT, _IN | _OUT)  # by psycopg's `Wait`

    def _ready(poller: select.poll, fileno: int, wanted: int) -> int:
        """Return what is possible without waiting, as psycopg's `Ready`; 0 if nothing was for a tenth of a second."""
        poller.register(fileno, _EVENTS[wanted])
        for _, event in poller.poll(_TICK * 1000):
            return (1 if event & ~_OUT else 0) | (2 if event & ~_IN else 0)  # libpq sees what is wrong with it
        return 0


class Raw(psycopg.Connection[Row]):
    """A connection that keeps its cursors, because making one takes about as long as executing a short statement.

    Every wait for the server ends `deadline` seconds after it said something last, and at the moment `end` whatever it
    says; then the connection is closed. A statement may take longer: when half the deadline has passed, the server is
    asked over another connection whether it works on it, and saying so counts.
    """

    def __init__(self, pgconn: PGconn) -> None:
        super().__init__(pgconn)
        self.kept: list[Cursor] = []
        self.born = monotonic()
        self.deadline = inf
        self.end = inf
        self._poller = _Poller()
        self._conninfo = ""
        self._backend: int | None = None

    def configure(self, conninfo: str, options: PostgresqlOptions, end: float) -> None:
        """Prepare a new connection: our schema, our timeouts, and one type for every whole number."""
        self.deadline, self.end = options.deadline, end
        self.adapters.register_dumper(int, Int8BinaryDumper)  # else a statement would be prepared again for each size
        timeouts = (f"{seconds * 1000:.0f}ms" for seconds in (options.statement_timeout, options.lock_timeout))
        (found,) = self.execute(_SETTINGS, [f'"{options.schema}"', *timeouts])
        self._conninfo, self._backend = conninfo, found[-1]  # of the server: a pooler gives clients ids of its own
        self.end = inf

    def wait(self, gen: Generator[Any, Any, Found], *_: Any, **__: Any) -> Found:
        """Wait for the server until `gen` is done, no longer than the deadline.

        In place of psycopg's own, which knows no deadline before 3.3. A clock is read only when nothing happened for a
        tenth of a second. A feedback takes 30 to 45 microseconds longer, 3 for each statement, of 2,100 and more.
        """
        fileno, silent = self.pgconn.socket, None  # raises of a closed connection, before anything has begun
        try:
            wanted = gen.send(None)
            while True:
                ready = _ready(self._poller, fileno, wanted)
                silent = None if ready else self._checked(silent or _Silence(self.deadline))
                wanted = gen.send(ready)
        except StopIteration as end:
            return cast(Found, end.value)
        except _SilentError as error:
            # What it does at its end fails now; if that were left to Python's cleaning up, it would be printed.
            with suppress(psycopg.Error, StopIteration):
                gen.throw(error)
            raise
        except (KeyboardInterrupt, SystemExit):
            self._cancel(monotonic() + min(_CANCEL, self.deadline))
            self.close()
            raise

    def _checked(self, silent: _Silence) -> _Silence:
        """Return how long the server has been silent; raises `_SilentError` after the deadline."""
        now = monotonic()
        if now >= min(silent.end, self.end):
            self.close()
            raise _SilentError(f"the server said nothing for {self.deadline:g} s")
        if now >= silent.half and not silent.asked:
            silent.asked = True
            return _Silence(self.deadline) if self._works(silent.end) else silent
        return silent

    def _works(self, end: float) -> bool:
        """Whether the server says, over another connection, that it works on the statement of this one."""
        return self._said(_WORKS, min(end, self.end)) is not None

    def _cancel(self, end: float) -> None:
        """Have the server end the statement; libpq's own call waits without end, and keeps all threads, before 17."""
        self._said("SELECT pg_cancel_backend(%s)", end)

    def _said(self, statement: str, end: float) -> Row | None:
        """Return what the server says over another connection about the process of this one; None if nothing."""
        if self._backend is None:
            return None
        here: dict[str, str | int] = {"host": self.info.host, "hostaddr": self.info.hostaddr, "port": self.info.port}
        try:
            with closing(connected(make_conninfo(self._conninfo, **here), end)) as other:
                other.deadline, other.end = self.deadline, end
                return other.execute(statement, [self._backend]).fetchone()
        except psycopg.Error:
            return None


class _SilentError(psycopg.OperationalError):
    """The deadline has passed."""


class _Silence:
    """A time in which the server says nothing: when to ask, and when to give up."""

    __slots__ = ("asked", "end", "half")

    def __init__(self, deadline: float) -> None:
        now = monotonic() - _TICK
        self.half, self.end = now + deadline / 2, now + deadline
        self.asked = False


def connected(conninfo: str, end: float) -> Raw:
    """Return a new connection, at the moment `end` at the latest.

    A thread makes it, because nothing else can end the resolving of a name.
    """
    future: Future[Raw] = Future()
    Thread(target=_connect, args=(conninfo, future), daemon=True, name="qfzz-connect").start()
    try:
        return future.result(max(0.0, end - monotonic()))
    except BaseException as error:
        if not future.cancel() and future.exception() is None:  # it was made at this moment
            future.result().close()
        if isinstance(error, TimeoutError):
            raise psycopg.OperationalError("the server did not answer in time") from None
        raise


def _connect(conninfo: str, future: Future[Raw]) -> None:
    raw, error = None, None
    try:
        raw = Raw.connect(conninfo, autocommit=True)
    except Exception as failed:  # noqa: BLE001 - raised where the connection is waited for
        error = failed
    if not future.set_running_or_notify_cancel():
        if raw is not None:
            raw.close()
    elif raw is None:
        future.set_exception(error)
    else:
        future.set_result(raw)
