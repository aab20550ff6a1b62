"""SQLite's errors in the words of the person who has to act."""

from __future__ import annotations

import re
import sqlite3

from qfzz_core.errors import (
    ClosedError,
    ForeignStoreError,
    QfzzError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from qfzz_core.storage.decoding import ADVICE

# What Python's module raises: it reads SQLite's message as UTF-8, and that may quote what is damaged.
ERRORS = (sqlite3.Error, UnicodeDecodeError)

# What SQLite says where the text of the schema is damaged, or a table was dropped; there is no code of its own.
_WITHOUT_TABLES = re.compile("no such (table|column)|has no column named")

# Of extended codes first: quotas and limits of file size reach us as a failed write.
_MEANINGS: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_IOERR_WRITE: (StoreFullError, "could not be written: make room, or raise the quota or limit there"),
    sqlite3.SQLITE_IOERR_SHMSIZE: (StoreFullError, "could not be written: make room where it lies"),
    sqlite3.SQLITE_READONLY_DIRECTORY: (
        StoreReadOnlyError,
        "lies in a directory that cannot be written, as WAL needs even for reading: give this user the right to",
    ),
    sqlite3.SQLITE_READONLY_DBMOVED: (StoreUnavailableError, "was moved or removed while in use: open it again"),
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: (StoreError, "was given twice what it keeps once: check what was to be stored"),
    sqlite3.SQLITE_BUSY: (StoreLockedError, "is locked by another writer: try again, or raise timeout in [store]"),
    sqlite3.SQLITE_LOCKED: (StoreLockedError, "is locked by another connection: try again when that one is done"),
    sqlite3.SQLITE_FULL: (StoreFullError, "could not be written, the disk is full: make room and try again"),
    sqlite3.SQLITE_READONLY: (
        StoreReadOnlyError,
        "cannot be written: give this user the right to write there, or copy it to a place that can be written",
    ),
    sqlite3.SQLITE_NOTADB: (ForeignStoreError, "is no SQLite database: choose another path, the file was not touched"),
    sqlite3.SQLITE_CORRUPT: (StoreCorruptError, "is damaged: restore a backup, or save what can be read elsewhere"),
    sqlite3.SQLITE_CANTOPEN: (StoreUnavailableError, "cannot be opened: check that path and rights are as they should"),
    sqlite3.SQLITE_PERM: (StoreUnavailableError, "cannot be opened: give this user the right to read and write it"),
    sqlite3.SQLITE_IOERR: (StoreUnavailableError, "could not be read or written: check the disk or its connection"),
}


def store_error(error: Exception, path: str) -> QfzzError:
    """Return the error of our family that says what SQLite's error means for the file at `path`."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        if is_no_text(error) or isinstance(error, UnicodeDecodeError):
            return StoreCorruptError(f"{path} is damaged, a text in it is no UTF-8{ADVICE}")
        return closed_error(path) if "closed database" in str(error) else StoreError(f"{path}: {error}")
    if _WITHOUT_TABLES.search(str(error)):
        return StoreCorruptError(f"{path} does not hold the tables of a store any more: restore a backup ({error})")
    kind, advice = _MEANINGS.get(code) or _MEANINGS.get(code & 0xFF) or (StoreError, "could not be used")
    return kind(f"{path} {advice} ({error})")


def is_no_text(error: BaseException | None) -> bool:
    """Return whether a text that was stored is no UTF-8 any more; for that, SQLite has no code."""
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith("Could not decode to UTF-8")


def is_busy(error: Exception) -> bool:
    """Return whether another connection was in the way, which passes."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def moved_error(path: str, written: bool) -> StoreUnavailableError:
    """Return the error for a file of a store that is no more where it was, found out after or before writing."""
    moved = f"{path} was removed or moved while it was in use, or another file is there now"
    if written:
        return StoreUnavailableError(
            f"{moved}: what was to be stored went to the file that was open; put that one back, "
            f"or open the store again and store it again"
        )
    return StoreUnavailableError(f"{moved}: put it back, or open the store again")


def closed_error(path: str) -> ClosedError:
    """Return the error for a store that was closed."""
    return ClosedError(f"the store {path} was closed; open it again")
