"""The tables, how they came to be, and whether a file holds them."""

from __future__ import annotations

import logging
import os
import secrets
from itertools import chain
from typing import TYPE_CHECKING

from sqlite_utils import Database, Migrations

from qfzz_core.contracts.stores import fresh_number
from qfzz_core.errors import ForeignStoreError, NewerSchemaError, StoreCorruptError, StoreUnavailableError
from qfzz_core.model.files import ordinary
from qfzz_core.storage.latest import latest_of_stored
from qfzz_core.storage.normal_forms import STATES, WEIGHTS, renewed_forms
from qfzz_core.storage.pages import batches, paged
from qfzz_core.storage.row_check import damaged_rows
from qfzz_plugins.stores.sqlite.connection import Insertion
from qfzz_plugins.stores.sqlite.kept_files import beginning

if TYPE_CHECKING:
    from qfzz_plugins.stores.sqlite.connection import Connection

logger = logging.getLogger("qfzz.stores")

APPLICATION_ID = int.from_bytes(b"QFZZ", "big")

migrations = Migrations("qfzz")

_TABLES = (
    "CREATE TABLE store (identity TEXT NOT NULL) STRICT",
    # The catalogue: `changed` is the counter of the commit that wrote a track last, or removed it.
    """CREATE TABLE tracks (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        track_id TEXT NOT NULL UNIQUE,
        changed INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX tracks_changed ON tracks (changed)",
    "CREATE TABLE commits (counter INTEGER PRIMARY KEY, token TEXT NOT NULL) STRICT",
    "CREATE TABLE removed (position INTEGER PRIMARY KEY, changed INTEGER NOT NULL) STRICT",
    "CREATE INDEX removed_changed ON removed (changed)",
    # The users: everything of one goes with its row in `users`, and no serial is given twice.
    """CREATE TABLE users (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        energy_level REAL NOT NULL,
        tempo_preference TEXT NOT NULL,
        discovery_factor REAL NOT NULL
    ) STRICT""",
    # `id` keeps the order in which names were added; `same` is the normal form by which they compare.
    """CREATE TABLE weights (
        id INTEGER PRIMARY KEY,
        serial INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        field TEXT NOT NULL,
        same TEXT NOT NULL,
        name TEXT NOT NULL,
        weight REAL NOT NULL,
        UNIQUE (serial, field, same)
    ) STRICT""",
    """CREATE TABLE events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        serial INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        kind TEXT NOT NULL,
        timestamp TEXT NOT NULL,
        event_id TEXT,
        body TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX events_of_user ON events (serial)",
    "CREATE UNIQUE INDEX events_by_id ON events (serial, event_id) WHERE event_id IS NOT NULL",
    """CREATE TABLE states (
        serial INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        learner TEXT NOT NULL,
        key TEXT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (serial, learner, key)
    ) STRICT, WITHOUT ROWID""",
)


@migrations()
def first_tables(db: Database) -> None:
    """Create the tables of version 1."""
    for statement in _TABLES:
        db.execute(statement)
    db.execute("INSERT INTO store (identity) VALUES (?)", [secrets.token_hex(8)])


_LATEST = """CREATE TABLE latest (
    serial INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    type TEXT NOT NULL,
    track_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    moment INTEGER NOT NULL,
    PRIMARY KEY (serial, type, track_id)
) STRICT, WITHOUT ROWID"""
PUT_LATEST = Insertion(
    """INSERT INTO latest (serial, type, track_id, position, moment) VALUES {}
        ON CONFLICT (serial, type, track_id) DO UPDATE
        SET position = max(position, excluded.position), moment = max(moment, excluded.moment)""",
    columns=5,
)
_STORED = "SELECT position, serial, timestamp, body FROM events WHERE position > ? ORDER BY position LIMIT ?"
_MIGRATED = 20_000  # events in memory at once


@migrations()
def latest_interactions(db: Database) -> None:
    """Create the table of version 2, of what the log says: of each type and track the last position and moment."""
    db.execute(_LATEST)
    ((count,),) = db.execute("SELECT count(*) FROM events")
    if count:
        logger.info("migrating a store of an older version: reading %d events, about 200,000 a second", count)
    stored = paged(lambda query, values: db.execute(query, values).fetchall(), _STORED, (), 0)
    for events in batches(stored, _MIGRATED):
        db.conn.executemany(PUT_LATEST.one, latest_of_stored(events))


@migrations()
def normal_forms(db: Database) -> None:
    """Bring names to version 3, in which every dash, quote and run of white space compares as one."""
    renewed = renewed_forms(db.execute(WEIGHTS), db.execute(STATES))
    db.conn.executemany("DELETE FROM weights WHERE id = ?", [(row_id,) for row_id in renewed.dropped])
    db.conn.executemany("UPDATE weights SET weight = ? WHERE id = ?", renewed.weights)
    db.conn.executemany("UPDATE weights SET same = ? WHERE id = ?", renewed.forms)
    db.conn.executemany(
        "UPDATE OR IGNORE states SET key = ? WHERE serial = ? AND learner = ? AND key = ?", renewed.states
    )
    db.conn.executemany(
        "UPDATE users SET revision = ? WHERE serial = ?", [(fresh_number(), serial) for serial in renewed.merged_users]
    )


VERSION = 3  # how many migrations there are


def examine(path: str) -> None:
    """Refuse a file that cannot be a store, without opening it as a database; a missing or empty one is new.

    Raises `StoreUnavailableError`, `ForeignStoreError` or `NewerSchemaError`.
    """
    if not os.path.isdir(os.path.dirname(path)):
        raise StoreUnavailableError(f"{path} cannot be made: there is no directory {os.path.dirname(path)}; create it")
    try:
        ordinary(path)
        header = beginning(path, 100)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreUnavailableError(f"{path} cannot be read: {error.strerror}; choose a file that can be") from error
    if header:
        _examine_header(path, header)


def _examine_header(path: str, header: bytes) -> None:
    # https://www.sqlite.org/fileformat.html#the_database_header
    if not header.startswith(b"SQLite format 3\x00") or len(header) < 100:
        raise ForeignStoreError(
            f"{path} is no SQLite database, or its beginning is damaged: choose another path, or restore a backup"
        )
    user_version, application_id = (int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
    _check(path, application_id, user_version)


def _check(path: str, application_id: int, version: int) -> None:
    if application_id != APPLICATION_ID:
        raise ForeignStoreError(f"{path} is a database of another application: choose another path for the store")
    if version > VERSION:
        raise NewerSchemaError(
            f"{path} was written by a newer version of QFZZ (schema {version}, this one knows {VERSION}): upgrade QFZZ"
        )


def checked_version(connection: Connection) -> int:
    """Return the schema version of the store's file; raises `ForeignStoreError` or `NewerSchemaError`."""
    with connection.reading():
        (application_id,) = connection.row("PRAGMA application_id") or (0,)
        (version,) = connection.row("PRAGMA user_version") or (0,)
    _check(connection.path, application_id, version)
    return int(version)


def prepare(connection: Connection) -> None:
    """Bring the file to this version's tables: make them in a new file, migrate an older one, in one transaction."""
    if connection.row("PRAGMA page_count") != (0,) and checked_version(connection) == VERSION:
        return
    with connection.writing():
        if connection.row("SELECT 1 FROM sqlite_master") is None:
            connection.run(f"PRAGMA application_id={APPLICATION_ID}")
        if checked_version(connection) < VERSION:
            connection.apply(migrations)
            connection.run(f"PRAGMA user_version={VERSION}")


def damages(connection: Connection) -> list[str]:
    """Return what is wrong with the file of a store that is open, in sentences."""
    found = [
        *_lines(connection, "PRAGMA integrity_check", "is damaged: {}"),
        *_lines(connection, "PRAGMA foreign_key_check", "has a row of a user who is not there, in {}"),
        *damaged_rows(connection.decoding, lambda query: chain.from_iterable(connection.pages(query))),
    ]
    return list(dict.fromkeys(found))


def _lines(connection: Connection, pragma: str, sentence: str) -> list[str]:
    try:
        rows = connection.rows(pragma)
    except (StoreCorruptError, ForeignStoreError) as error:
        return [str(error)]
    return [f"{connection.path} {sentence.format(line)}" for line, *_ in rows if line != "ok"]
