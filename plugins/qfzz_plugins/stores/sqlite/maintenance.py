"""What the operator of a SQLite store needs: a backup, room given back, traces erased, and how it fares."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import suppress

from qfzz_core.contracts.stores import Condition
from qfzz_core.errors import StoreError, StoreNotEmptyError, StoreUnavailableError
from qfzz_core.model.files import replacing
from qfzz_plugins.stores.sqlite.connection import Connection
from qfzz_plugins.stores.sqlite.kept_files import holds
from qfzz_plugins.stores.sqlite.place import on_read_only_mount

_JOURNALS = ("-wal", "-journal")
_DISTINCTIVE = 8  # characters by which most ids differ
_LONGEST_TRACE = 64  # characters; ids that share more than that are looked for whole
_LITTLE_ROOM = 16 << 20  # bytes

Version = tuple[int, ...]

_RESET_BUG = (
    "SQLite {version} has the WAL-reset bug (3.7.0 to 3.51.2): in rare cases, two connections that write and "
    "checkpoint at the same moment damage the file; use SQLite 3.51.3, 3.50.7 or 3.44.6, "
    'or set journal_mode = "DELETE" in [store]'
)


def has_wal_reset_bug(version: Version) -> bool:
    """Return whether this version of SQLite can damage a file in WAL mode (https://www.sqlite.org/wal.html#walresetbug).

    It came with 3.7.0 and was fixed in 3.51.3, 3.50.7 and 3.44.6.
    """
    mended = {(3, 50): (3, 50, 7), (3, 44): (3, 44, 6)}
    return (3, 7, 0) <= version < mended.get((version[0], version[1]), (3, 51, 3))


# -- backup


def backup(connection: Connection, path: str, *, replace: bool) -> None:
    """Write a copy of the store to a file, under a temporary name until it is whole; see `Maintainable.backup`."""
    if "\0" in path:
        raise StoreUnavailableError(f"{path!r} cannot be the name of a backup: it holds a NUL character")
    target = os.path.realpath(path)
    _refuse_target(connection, path, target, replace)
    try:
        with replacing(target) as temporary:
            connection.copy_to(temporary)
    except OSError as error:
        raise StoreUnavailableError(
            f"the backup {path} cannot be written: {error.strerror or error}; name another place"
        ) from error


def _refuse_target(connection: Connection, path: str, target: str, replace: bool) -> None:
    if target == os.path.realpath(connection.path):
        raise StoreError(f"{path} is the store itself; name another file for the backup")
    if not os.path.lexists(target):
        return
    if not os.path.isfile(target):
        raise StoreUnavailableError(f"{path} is no ordinary file; name another one for the backup")
    if not replace:
        raise StoreNotEmptyError(
            f"{path} exists already; name another file, or allow its replacement (replace=True, --replace)"
        )
    journal = next((target + ending for ending in _JOURNALS if os.path.exists(target + ending)), None)
    if journal is not None:
        raise StoreError(f"{path} is in use or was not closed, {journal} belongs to it; name another file")


# -- traces


def erase_traces(connection: Connection, user_id: str) -> None:
    """Leave no trace of the id of a user who was forgotten in the file, unless others are in the way.

    `secure_delete` overwrites what is deleted, but not the copies that remain in the gaps of a page when its rows move
    to another one, whole or cut off. They are rare, so the file is rewritten only if there is one.
    """
    with suppress(StoreError, OSError):
        if any(holds(connection.path, trace.encode()) for trace in _traces(connection, user_id)):
            connection.compact()


def _traces(connection: Connection, user_id: str) -> set[str]:
    """Return the shortest beginning and the shortest end of an id that stand in nobody else's; none of a short id."""
    lengths = [*range(_DISTINCTIVE, min(len(user_id), _LONGEST_TRACE), _DISTINCTIVE // 2), len(user_id)]
    beginnings = (user_id[:length] for length in lengths)
    ends = (user_id[-length:] for length in lengths)
    found = (next((each for each in some if _is_distinctive(connection, each)), "") for some in (beginnings, ends))
    return {each for each in found if each}


def _is_distinctive(connection: Connection, text: str) -> bool:
    query = "SELECT 1 FROM users WHERE instr(user_id, ?) LIMIT 1"
    return len(text.encode()) >= _DISTINCTIVE // 2 and connection.row(query, [text]) is None


# -- condition


def condition(connection: Connection) -> Condition:
    """Return how the store fares; see `Maintainable.condition`."""
    mode = _value(connection, "PRAGMA journal_mode")
    size = sum(os.path.getsize(file) for file in _files(connection.path))
    free = shutil.disk_usage(os.path.dirname(connection.path)).free
    facts = {
        "file": connection.path,
        "size": size,
        "free": free,
        "tracks": _value(connection, "SELECT count(*) FROM tracks"),
        "users": _value(connection, "SELECT count(*) FROM users"),
        "journal_mode": str(mode).upper(),
        "synchronous": connection.options.synchronous,
        "sqlite": sqlite3.sqlite_version,
    }
    if on_read_only_mount(connection.path):
        return Condition(facts, [f"{connection.path} is on a read-only mount: it can be read, nothing can be stored"])
    return Condition(facts, _warnings(str(mode), size, free), _problems(connection.path, free))


def _value(connection: Connection, query: str) -> object:
    return (connection.row(query) or (None,))[0]


def _files(path: str) -> list[str]:
    return [name for name in (path, *(path + ending for ending in _JOURNALS)) if os.path.exists(name)]


def _warnings(mode: str, size: int, free: int) -> list[str]:
    found = []
    if mode == "wal" and has_wal_reset_bug(sqlite3.sqlite_version_info):
        found.append(_RESET_BUG.format(version=sqlite3.sqlite_version))
    if _LITTLE_ROOM <= free < 2 * size:
        found.append("there is less room than a vacuum needs, which is twice the size of the store")
    return found


def _problems(path: str, free: int) -> list[str]:
    directory = os.path.dirname(path)
    found = [
        f"{place} cannot be written by this user: nothing can be stored"
        for place in (path, directory)
        if not os.access(place, os.W_OK)
    ]
    if free < _LITTLE_ROOM:
        found.append(f"{directory} has hardly any room left ({free:,} bytes): make room")
    return found
