"""What SQLite has open in this process, and what becomes of it in a forked child.

SQLite notes in the memory of a process which of its connections hold which locks of a file, and asks the system only
for what none of them has. A fork copies these notes, but POSIX locks stay with the parent. So a child that opens the
file again while the copies are open finds it locked by a sibling for ever, or believes to hold a lock that it does not
have, and others delete the journal under it. The notes of a file go away when its last connection is closed. Therefore
a child closes everything it inherited before it opens anything:

- A process forks while no connection is inside a call of SQLite or a transaction that writes, since the forking thread
  takes the lock of each first. No mutex of SQLite is held then, and nothing is half written.
- Closing what is idle or reads writes nothing: there is nothing to roll back, and only the last connection of all
  processes empties the journal. The parent's locks are not touched: the system keeps them by process.
- A transaction that writes must not be closed, because its rollback would change the journal under the parent. Only the
  thread that forks can have one open. The child then leaves the file alone.
- If no quiet moment came, a mutex may be held in the child. It then leaves SQLite alone. Both are said by an error.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import Any

from qfzz_core.errors import StoreError, StoreUnavailableError
from qfzz_core.model.forks import WAIT_FOR_QUIET, is_free, keep_for_ever, quiet_at_fork

_NO_CHECKPOINT_ON_CLOSE = 1006  # SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, which Python 3.11 does not name


class Handle:
    """What SQLite has open for one connection; whoever holds `lock` may use it."""

    def __init__(self, path: str, raw: sqlite3.Connection) -> None:
        self.path = path
        self.lock = RLock()
        self.raw: Any = raw
        self.cursor: Any = None  # of what is read page by page
        self.writes = False

    def close(self) -> None:
        """Close the connection; a transaction that is open is rolled back."""
        with self.lock:
            self.raw.close()
            _open.handles.discard(self)

    def close_inherited(self) -> None:
        """Close in a child what the parent goes on to use."""
        if hasattr(self.raw, "setconfig"):  # from Python 3.12 on; without it SQLite finds that the parent is there
            self.raw.setconfig(_NO_CHECKPOINT_ON_CLOSE, True)
        if self.cursor is not None:
            self.cursor.close()  # else its statement would keep the connection open
        self.raw.close()
        self._become(partial(StoreUnavailableError, f"{self.path}: what was begun before a fork cannot go on after it"))

    def leave(self) -> None:
        """Neither use nor close in a child what is in the middle of something."""
        keep_for_ever(self.raw, self.cursor)
        if not is_free(self.lock):
            self.lock = RLock()
        self._become(partial(StoreError, "a transaction cannot be ended by a process that was forked inside it"))

    def _become(self, error: Callable[[], StoreError]) -> None:
        self.raw = self.cursor = _Refusing(error)


class _Refusing:
    """Stands in a child where the parent's connection or cursor was: whoever uses it gets an error."""

    in_transaction = False

    def __init__(self, error: Callable[[], StoreError]) -> None:
        self._error = error

    def close(self) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        raise self._error()


class _Open:
    """All that is open in this process."""

    def __init__(self) -> None:
        self.opening = RLock()
        self.handles: set[Handle] = set()
        self._left: set[str] = set()  # paths of which the parent has a transaction
        self._leaves_all = False

    def fork_locks(self) -> list[Any]:
        """Return the lock for opening, and that of each connection."""
        return [self.opening, *(handle.lock for handle in list(self.handles))]

    def renew(self) -> None:
        """Close what was inherited, or refuse from now on what would not go well."""
        handles, self.handles = self.handles, set()
        self._leaves_all = self._leaves_all or not all(map(is_free, [self.opening, *(each.lock for each in handles)]))
        self.opening = RLock()
        for handle in handles:
            if self._leaves_all or handle.writes:
                self._left.add(os.path.realpath(handle.path))
                handle.leave()
            else:
                handle.close_inherited()

    def open(self, path: str, uri: str) -> Handle:
        with self.opening:
            self._refuse(path)
            raw = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
            handle = Handle(path, raw)
            self.handles.add(handle)
            return handle

    def _refuse(self, path: str) -> None:
        if self._leaves_all:
            raise StoreUnavailableError(
                f"{path} cannot be used in this process: it was forked while another thread was at work in SQLite for "
                f"more than {WAIT_FOR_QUIET:g} s; fork while no long transaction, backup or vacuum runs, or spawn"
            )
        if self._left and os.path.realpath(path) in self._left:
            raise StoreUnavailableError(
                f"{path} cannot be used in this process: it was forked inside a transaction of this file; "
                f"end the transaction before forking"
            )


_open = _Open()
quiet_at_fork(_open)


def open_handle(path: str, uri: str) -> Handle:
    """Connect to a file, whose path is in the URI.

    Raises `sqlite3.Error`, and `StoreUnavailableError` in a child that cannot use it.
    """
    return _open.open(path, uri)
