"""One connection to the server: statements and transactions, with errors of our own family."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from itertools import chain
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from qfzz_core.errors import StoreCorruptError, StoreError
from qfzz_core.storage.decoding import ADVICE
from qfzz_plugins.stores.postgresql.errors import ServerAwayError, store_error, unknown_outcome
from qfzz_plugins.stores.postgresql.place import Place
from qfzz_plugins.stores.postgresql.raw import Cursor, Raw, Row

Statement = tuple[str, Sequence[Any]]
Item = TypeVar("Item")

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"  # every statement sees what was committed before it
VIEW = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"  # all statements see one moment
PAGE = 2000  # rows of a stream that are in memory at once
_KEPT_CURSORS = 20
_KEPT_ROWS = 100  # that a cursor may hold until it is used again


class Connection:
    """A connection that one thread uses at a time."""

    def __init__(self, raw: Raw, place: Place) -> None:
        self.raw = raw
        self.place = place
        self.decoding = place.decoding
        self.pid = os.getpid()

    def close(self) -> None:
        """Close the connection; a transaction that is open is rolled back."""
        if self.pid == os.getpid():
            self.raw.close()

    # -- statements

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Execute a statement and return how many rows it touched."""
        return self._executed(sql, parameters).rowcount

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query."""
        return self._fetched(self._executed(sql, parameters))

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the only row of a query, None if there is none."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def _executed(self, sql: str, parameters: Sequence[Any]) -> Cursor:
        try:
            return self._cursor(0).execute(sql, parameters or None, binary=True)
        except psycopg.Error as error:
            raise store_error(error, self.place) from error

    def together(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Execute statements in one round trip and return the rows of each."""
        if not statements:
            return []
        try:
            cursors = self._pipelined(statements)
        except psycopg.Error as error:
            raise store_error(error, self.place) from error
        return [self._fetched(cursor) for cursor in cursors]

    def _pipelined(self, statements: Sequence[Statement]) -> list[Cursor]:
        first: psycopg.Error | None = None
        try:
            with self.raw.pipeline():
                try:
                    return [
                        self._cursor(number).execute(sql, parameters or None, binary=True)
                        for number, (sql, parameters) in enumerate(statements)
                    ]
                except psycopg.Error as error:
                    first = error  # a pipeline that it left would log the errors that follow from it
        except psycopg.Error as error:
            raise (first or error) from None
        raise first

    def _cursor(self, number: int) -> Cursor:
        kept = self.raw.kept
        if number < len(kept):
            return kept[number]
        cursor = self.raw.cursor()
        if number < _KEPT_CURSORS:
            kept.append(cursor)
        return cursor

    def _fetched(self, cursor: Cursor) -> list[Row]:
        if cursor.pgresult is None or not cursor.pgresult.nfields:  # `description` would make objects of the columns
            return []
        try:
            rows = cursor.fetchall()
        except UnicodeDecodeError as error:
            raise StoreCorruptError(f"{self.place.name} is damaged, a text in it is no UTF-8{ADVICE}") from error
        if len(rows) > _KEPT_ROWS:
            self.raw.kept = [other for other in self.raw.kept if other is not cursor]
        return rows

    def copy(self, table: str, types: Sequence[str], rows: Iterable[Row]) -> None:
        """Write rows by COPY; `table` is its name, with the columns in brackets, `types` are theirs."""
        try:
            with self.raw.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise store_error(error, self.place) from error

    def stream(self, query: str, values: Sequence[Any], read: Callable[[list[Row]], Iterable[Item]]) -> Iterator[Item]:
        """Return an iterator over what `read` makes of the pages of a query, inside the transaction that is open.

        It closes the connection at its end.
        """
        pages = self.pages(query, values)
        return self._read(chain([next(pages, [])], pages), read)

    def _read(self, pages: Iterable[list[Row]], read: Callable[[list[Row]], Iterable[Item]]) -> Iterator[Item]:
        with closing(self):
            for page in pages:
                yield from read(page)

    def pages(self, query: str, values: Sequence[Any] = ()) -> Iterator[list[Row]]:
        """Yield the rows of a query, `PAGE` at a time, inside the transaction that is open."""
        self.run(f"DECLARE page NO SCROLL CURSOR FOR {query}", values)
        while page := self.rows(f"FETCH {PAGE} FROM page"):
            yield page
            if len(page) < PAGE:
                return

    # -- transactions

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, be it a failed one."""
        return self.raw.pgconn.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)

    @contextmanager
    def viewing(self) -> Iterator[None]:
        """See one moment in several queries; inside a transaction that is open, see what that sees."""
        if self.in_transaction:
            yield
            return
        try:
            self.run(VIEW)
            yield
            self.run("COMMIT")
        except BaseException:
            self.roll_back()
            raise

    def view(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Return the rows of several queries, seen at one moment, in one round trip."""
        if self.in_transaction:
            return self.together(statements)
        try:
            return self.together([(VIEW, ()), *statements, ("COMMIT", ())])[1:-1]
        except BaseException:
            self.roll_back()
            raise

    def commit(self, statements: Sequence[Statement] = ()) -> None:
        """Execute the last statements and commit, in one round trip.

        Raises the error of `unknown_outcome` if the answer to the commit was lost.
        """
        if self.pid != os.getpid():
            raise StoreError("a transaction cannot be ended by a process that was forked inside it")
        try:
            *_, end = self._pipelined([*statements, ("COMMIT", ())])
        except psycopg.Error as error:
            meaning = store_error(error, self.place)
            raise (unknown_outcome(self.place, error) if _lost(meaning) else meaning) from error
        if end.statusmessage != "COMMIT":
            raise StoreError("a statement of this transaction failed before, so nothing of it was stored")

    def roll_back(self) -> None:
        """End the transaction if it is still open; an error here would hide the one that matters."""
        with suppress(psycopg.Error):
            if self.pid == os.getpid() and self.in_transaction:
                self.raw.execute("ROLLBACK")


def _lost(error: StoreError) -> bool:
    return isinstance(error, ServerAwayError)


# ---- names as they stand in the tables: as UTF-8 bytes, which may hold NUL characters --------------------------------


def as_bytes(name: str) -> bytes:
    """Return a name as it is stored; text that is no Unicode becomes bytes that no stored name has."""
    return name.encode("utf-8", "surrogatepass")


def as_name(stored: bytes) -> str:
    """Return the name that `as_bytes` made `stored` of; as it is if it is no name any more."""
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError:
        return stored  # type: ignore[return-value] # `Decoding` refuses it, and knows which row it is of


def digests(names: Iterable[bytes]) -> str:
    """Return the digests by which the indexes find names, as the text of a `bytea[]`."""
    return byte_array(sha256(name).digest() for name in names)


def byte_array(values: Iterable[bytes]) -> str:
    """Return the text of a `bytea[]`."""
    return "{" + ",".join(rf'"\\x{value.hex()}"' for value in values) + "}"
