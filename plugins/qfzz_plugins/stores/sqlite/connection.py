"""One thread's connection: statements and transactions, with errors of our own family."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import chain
from threading import Lock
from typing import Any, TypeVar

from sqlite_utils import Database, Migrations

from qfzz_core.errors import StoreError, StoreLockedError
from qfzz_core.storage.decoding import Decoding
from qfzz_plugins.stores.options import SQLiteOptions
from qfzz_plugins.stores.sqlite.errors import ERRORS, is_busy, is_no_text, store_error
from qfzz_plugins.stores.sqlite.handles import Handle, open_handle
from qfzz_plugins.stores.sqlite.place import File, Place, check

Row = tuple[Any, ...]
Item = TypeVar("Item")
Result = TypeVar("Result")
PAGE = 2000  # rows of a stream that are in memory at once
_PAUSE = 0.001  # SQLite itself would pause for up to 0.1 s, in which others can take the lock again and again


def _text_or_bytes(stored: bytes) -> str | bytes:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


class Insertion:
    """An INSERT, as a statement for `one` row, and as one for `together` rows, which takes two thirds of the time."""

    def __init__(self, sql: str, columns: int, together: int = 20) -> None:
        """`{}` stands in the statement where the rows belong."""
        row = f"({', '.join('?' * columns)})"
        self.one = sql.format(row)
        self.several = sql.format(", ".join([row] * together))
        self.together = together


class Connection:
    """A connection that one operation uses at a time. `writers` is the lock for which writers of a process queue."""

    def __init__(self, place: Place, options: SQLiteOptions, writers: Lock) -> None:
        self.place = place
        self.path = place.path
        self.files: list[File] = []  # that are open
        self.options = options
        self.decoding = Decoding(place.path)
        self._writers = writers
        self.handle = self._connected()
        try:
            self.db = Database(self.handle.raw, execute_plugins=False, recursive_triggers=False, strict=True)
            for pragma in ("foreign_keys=ON", "secure_delete=ON", f"synchronous={options.synchronous}"):
                self.run(f"PRAGMA {pragma}")
        except BaseException:
            self.close()
            raise

    def _connected(self) -> Handle:
        try:
            return open_handle(self.place.path, self.place.uri)
        except sqlite3.Error as error:
            raise store_error(error, self.path) from error

    def close(self) -> None:
        """Close the connection; a transaction that is open is rolled back."""
        self.files = []
        self.handle.close()

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self.close()

    # -- statements

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Execute a statement, and return the number of the row that was inserted last.

        The cursor ends under the lock, because ending one is a call of SQLite.
        """
        handle = self.handle
        try:
            with handle.lock:
                return handle.raw.execute(sql, parameters).lastrowid or 0
        except ERRORS as error:
            return self._patiently(error, lambda: handle.raw.execute(sql, parameters).lastrowid or 0)

    def insert(self, insertion: Insertion, rows: Sequence[Row]) -> None:
        """Insert rows."""
        if not rows:
            return
        if len(rows) >= insertion.together:
            rows = self._insert_together(insertion, rows)
        try:
            with self.handle.lock:
                self.handle.raw.executemany(insertion.one, rows)
        except ERRORS as error:
            self._patiently(error, partial(self.handle.raw.executemany, insertion.one, rows))

    def _insert_together(self, insertion: Insertion, rows: Sequence[Row]) -> Sequence[Row]:
        """Insert rows as long as there are enough for a statement, and return the rest."""
        rest = len(rows) - len(rows) % insertion.together
        for first in range(0, rest, insertion.together):
            self.run(insertion.several, list(chain.from_iterable(rows[first : first + insertion.together])))
        return rows[rest:]

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the only row of a query, None if there is none."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query; none if it looks for text that is no Unicode, because none was ever stored."""
        handle = self.handle
        try:
            with handle.lock:
                rows: list[Row] = handle.raw.execute(sql, parameters).fetchall()
                return rows
        except UnicodeEncodeError:
            return []
        except ERRORS as error:
            if is_no_text(error):
                return self._damaged_rows(sql, parameters)
            return self._patiently(error, lambda: handle.raw.execute(sql, parameters).fetchall())

    def _damaged_rows(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        """Return all rows of a query, with bytes in the place of a text that is no UTF-8."""
        raw = self.handle.raw
        with self.handle.lock:
            try:
                raw.text_factory = _text_or_bytes
                rows: list[Row] = raw.execute(sql, parameters).fetchall()
                return rows
            except ERRORS as error:
                raise store_error(error, self.path) from error
            finally:
                raw.text_factory = str

    def stream(self, query: str, values: Sequence[Any], read: Callable[[list[Row]], Iterable[Item]]) -> Iterator[Item]:
        """Return an iterator over what `read` makes of the pages of a query; it closes the connection at its end.

        What fits one page is read at once, so that nothing is left open for an iterator that nobody reads.
        """
        pages = self.pages(query, values)
        page = next(pages, [])
        if len(page) < PAGE:
            self.close()
            return iter(read(page))
        return self._read(chain([page], pages), read)

    def _read(self, pages: Iterable[list[Row]], read: Callable[[list[Row]], Iterable[Item]]) -> Iterator[Item]:
        with closing(self):
            for page in pages:
                yield from read(page)

    def pages(self, query: str, values: Sequence[Any] = ()) -> Iterator[list[Row]]:
        """Yield the rows of a query, `PAGE` at a time; the last page is shorter."""
        count, fetch = 0, partial(self._begin_pages, query, values)
        while page := self._page(fetch, query, values, count):
            yield page
            count, fetch = count + len(page), partial(self._next_page)

    def _begin_pages(self, query: str, values: Sequence[Any]) -> list[Row]:
        self.handle.cursor = self.handle.raw.execute(query, values)
        return self._next_page()

    def _next_page(self) -> list[Row]:
        page: list[Row] = self.handle.cursor.fetchmany(PAGE)
        return page

    def _page(self, fetch: Callable[[], list[Row]], query: str, values: Sequence[Any], count: int) -> list[Row]:
        try:
            with self.handle.lock:
                return fetch()
        except ERRORS as error:
            if not is_no_text(error):
                return self._patiently(error, fetch)
        rows = self.rows(f"{query} LIMIT {PAGE} OFFSET {count}", values)
        with self.handle.lock:
            self.handle.cursor = self.handle.raw.execute(f"{query} LIMIT -1 OFFSET {count + PAGE}", values)
        return rows

    def _patiently(self, error: Exception, work: Callable[[], Result]) -> Result:
        """Do what failed again and again while another process holds the lock of the file, until the timeout."""
        deadline = time.monotonic() + self.options.timeout
        with self.handle.lock:
            while is_busy(error) and time.monotonic() < deadline:
                time.sleep(_PAUSE)
                try:
                    return work()
                except ERRORS as again:
                    error = again
        raise store_error(error, self.path) from error

    # -- transactions

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the store in several queries."""
        with self.handle.lock:
            if self.handle.raw.in_transaction:
                yield
                return
            try:
                self.run("BEGIN")
                yield
                self.run("COMMIT")
            finally:
                self._roll_back()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write all or nothing."""
        self.begin()
        try:
            yield
            self.commit()
        finally:
            self.end()

    def begin(self) -> None:
        """Begin to write; `end` has to follow. The lock is taken at once, so what is read is what will be changed."""
        self._take_turn()
        try:
            self.run("BEGIN IMMEDIATE")
            check(self.files[1:])  # the first is checked whenever a connection is handed out
        except BaseException:
            self.end()
            raise

    def commit(self) -> None:
        """Make durable what was written since `begin`; raises `StoreUnavailableError` if the file is not there."""
        self.run("COMMIT")
        check(self.files[:2], written=True)  # what was committed stands in these, and in no -shm

    def end(self) -> None:
        """Undo what was written since `begin` and not committed, and let others write."""
        self._roll_back()
        self.handle.writes = False
        self._writers.release()
        self.handle.lock.release()

    def _take_turn(self) -> None:
        """Be the only writer among the threads of this process, who wait in a queue instead of polling the file."""
        self.handle.lock.acquire()
        try:
            if self.handle.raw.in_transaction:
                raise StoreError("a transaction of this thread is open already; end it before another is begun")
            if not self._writers.acquire(timeout=self.options.timeout):
                raise StoreLockedError(
                    f"{self.path} was locked by another thread for {self.options.timeout:g} s: "
                    f"keep transactions short, or raise timeout in [store]"
                )
            self.handle.writes = True
        except BaseException:
            self.handle.lock.release()
            raise

    def _roll_back(self) -> None:
        """End the transaction if it is still open; an error here would hide the one that matters."""
        try:
            if self.handle.raw.in_transaction:
                self.handle.raw.execute("ROLLBACK")
        except sqlite3.Error:
            pass

    # -- the file

    def apply(self, migrations: Migrations) -> None:
        """Apply the migrations that the file lacks, inside the transaction that is open."""
        try:
            migrations.apply(self.db)
        except sqlite3.Error as error:
            raise store_error(error, self.path) from error

    def settle(self) -> None:
        """Bring the file into the journal mode of the options, unless it can only be read."""
        mode = self.options.journal_mode.lower()
        if os.access(self.path, os.W_OK) and self.row("PRAGMA journal_mode") != (mode,):
            self.run(f"PRAGMA journal_mode={mode}")
            self.row("PRAGMA user_version")  # which opens the journal of that mode
        self.files = self.place.files()

    def clean_journal(self) -> None:
        """Empty the journal into the file, unless others are in the way: what was committed is committed."""
        with suppress(StoreError):
            self.run("PRAGMA wal_checkpoint(TRUNCATE)")

    def compact(self) -> None:
        """Rewrite the file, without the room and the bytes that are not needed any more."""
        self._take_turn()
        try:
            check(self.files)
            self.run("VACUUM")
            check(self.files, written=True)
        finally:
            self.end()
        self.clean_journal()

    def copy_to(self, path: str) -> None:
        """Write what is stored at this moment into an empty file, which then needs no other beside it."""
        give_up = self._give_up_at(time.monotonic() + self.options.timeout)
        try:
            with self.handle.lock, closing(sqlite3.connect(path, isolation_level=None)) as copy:
                self.handle.raw.backup(copy, progress=give_up)
                copy.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as error:
            raise store_error(error, f"{self.path}, or the backup of it,") from error

    def _give_up_at(self, deadline: float) -> Callable[[int, int, int], None]:
        def progress(status: int, _remaining: int, _total: int) -> None:
            if status != sqlite3.SQLITE_DONE and time.monotonic() >= deadline:
                raise StoreLockedError(f"{self.path} is locked by another writer: try again later")

        return progress
