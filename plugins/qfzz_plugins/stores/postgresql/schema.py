"""The tables, how they came to be, whether a schema holds them, and what is wrong with them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import Any

from qfzz_core.contracts.stores import fresh_number
from qfzz_core.errors import ForeignStoreError, NewerSchemaError, StoreCorruptError, StoreUnavailableError
from qfzz_core.storage.latest import latest_of_stored
from qfzz_core.storage.normal_forms import STATES, WEIGHTS, renewed_forms
from qfzz_core.storage.row_check import damaged_rows
from qfzz_plugins.stores.postgresql.connection import (
    BEGIN,
    VIEW,
    Connection,
    Statement,
    as_bytes,
    as_name,
    byte_array,
)
from qfzz_plugins.stores.postgresql.raw import Row

logger = logging.getLogger("qfzz.stores")

APPLICATION = "qfzz"
_OLDEST_SERVER = 13

# A name is bytes, because text cannot hold NUL characters, and is found by its digest, because an index holds no long
# ones. `convert_from(name, 'UTF8')` shows it.
_TABLES = (
    "CREATE TABLE store (application text NOT NULL, version integer NOT NULL, identity text NOT NULL)",
    # The catalogue: its one row is the lock of its writers. `changed` is the counter of the commit that wrote a track
    # last, or removed it.
    "CREATE TABLE catalogue (last_position bigint NOT NULL, counter bigint NOT NULL, token text NOT NULL)",
    "INSERT INTO catalogue VALUES (0, 0, '')",
    """CREATE TABLE tracks (
        position bigint PRIMARY KEY,
        track_id bytea NOT NULL,
        changed bigint NOT NULL,
        body text NOT NULL
    )""",
    "CREATE UNIQUE INDEX tracks_by_id ON tracks (sha256(track_id))",
    "CREATE INDEX tracks_changed ON tracks (changed)",
    "CREATE TABLE commits (counter bigint PRIMARY KEY, token text NOT NULL)",
    "CREATE TABLE removed (position bigint PRIMARY KEY, changed bigint NOT NULL)",
    "CREATE INDEX removed_changed ON removed (changed)",
    # The users: everything of one goes with its row in `users`, and no serial is given twice.
    "CREATE SEQUENCE users_serial",
    """CREATE TABLE users (
        serial bigint PRIMARY KEY,
        user_id bytea NOT NULL,
        revision bigint NOT NULL,
        created_at text NOT NULL,
        updated_at text NOT NULL,
        energy_level double precision NOT NULL,
        tempo_preference text NOT NULL,
        discovery_factor double precision NOT NULL
    ) WITH (fillfactor = 80)""",
    "CREATE UNIQUE INDEX users_by_id ON users (sha256(user_id))",
    # `id` keeps the order in which names were added; `same` is the normal form by which they compare.
    """CREATE TABLE weights (
        id bigint GENERATED ALWAYS AS IDENTITY,
        serial bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        field text NOT NULL,
        same bytea NOT NULL,
        name bytea NOT NULL,
        weight double precision NOT NULL
    ) WITH (fillfactor = 80)""",
    "CREATE UNIQUE INDEX weights_by_name ON weights (serial, field, sha256(same))",
    # A transaction takes the positions of its events from the sequence when it holds the locks of its users.
    "CREATE SEQUENCE events_position",
    """CREATE TABLE events (
        position bigint NOT NULL,
        serial bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        kind text NOT NULL,
        "timestamp" text NOT NULL,
        event_id bytea,
        body text NOT NULL,
        PRIMARY KEY (serial, position)
    )""",
    "CREATE UNIQUE INDEX events_by_id ON events (serial, sha256(event_id)) WHERE event_id IS NOT NULL",
    """CREATE TABLE states (
        serial bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        learner bytea NOT NULL,
        key bytea NOT NULL,
        state text NOT NULL
    ) WITH (fillfactor = 80)""",
    "CREATE UNIQUE INDEX states_by_key ON states (serial, sha256(learner), sha256(key))",
)

_LATEST = (
    # Of what the log says: of each type and track the last position and moment.
    """CREATE TABLE latest (
        serial bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        type bytea NOT NULL,
        track_id bytea NOT NULL,
        position bigint NOT NULL,
        moment bigint NOT NULL
    ) WITH (fillfactor = 80)""",
    "CREATE UNIQUE INDEX latest_by_track ON latest (serial, sha256(type), sha256(track_id))",
)
_MERGE = """ON CONFLICT (serial, sha256(type), sha256(track_id)) DO UPDATE
    SET position = greatest(latest.position, excluded.position), moment = greatest(latest.moment, excluded.moment)"""
_PUT_LATEST = f"INSERT INTO latest (serial, type, track_id, position, moment) VALUES (%s, %s, %s, %s, %s) {_MERGE}"
_PUT_MANY_LATEST = f"""INSERT INTO latest (serial, type, track_id, position, moment)
    SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::bigint[], %s::bigint[]) {_MERGE}"""
_STORED = 'SELECT position, serial, "timestamp", body FROM events'
_MIGRATED = 20_000  # events in memory at once


def latest_statements(rows: Sequence[Row]) -> list[Statement]:
    """Return the statement that writes latest interactions; none if there are none."""
    if len(rows) <= 1:
        return [(_PUT_LATEST, row) for row in rows]
    arrays = (
        byte_array(column) if isinstance(column[0], bytes) else _numbers(column) for column in zip(*rows, strict=True)
    )
    return [(_PUT_MANY_LATEST, [*arrays])]


def _numbers(column: Sequence[int]) -> str:
    return "{" + ",".join(map(str, column)) + "}"


def _fill_latest(connection: Connection) -> None:
    """Write what the log says into the table of the latest interactions."""
    ((count,),) = connection.rows("SELECT count(*) FROM events")
    if count:
        logger.info("migrating a store of an older version: reading %d events, about 100,000 a second", count)
    connection.run(f"DECLARE stored NO SCROLL CURSOR FOR {_STORED}")
    while events := connection.rows(f"FETCH {_MIGRATED} FROM stored"):
        found = latest_of_stored(events)
        rows = [(serial, as_bytes(name), as_bytes(track_id), *numbers) for serial, name, track_id, *numbers in found]
        connection.together(latest_statements(rows))
    connection.run("CLOSE stored")


def _renew_forms(connection: Connection) -> None:
    """Bring names to version 3, in which every dash, quote and run of white space compares as one."""
    renewed = renewed_forms(_read(connection, WEIGHTS), _read(connection, STATES))
    for row_id in renewed.dropped:
        connection.run("DELETE FROM weights WHERE id = %s", [row_id])
    for weight, row_id in renewed.weights:
        connection.run("UPDATE weights SET weight = %s WHERE id = %s", [weight, row_id])
    for form, row_id in renewed.forms:
        connection.run("UPDATE weights SET same = %s WHERE id = %s", [as_bytes(form), row_id])
    for key, serial, *place in renewed.states:
        connection.run(_RENEW_STATE, [as_bytes(key), serial, *map(as_bytes, place), as_bytes(key)])
    for serial in renewed.merged_users:
        connection.run("UPDATE users SET revision = %s WHERE serial = %s", [fresh_number(), serial])


_RENEW_STATE = """UPDATE states SET key = %s WHERE serial = %s AND learner = %s AND key = %s AND NOT EXISTS
    (SELECT FROM states taken WHERE taken.serial = states.serial
        AND taken.learner = states.learner AND taken.key = %s)"""


def _read(connection: Connection, query: str) -> Iterator[Row]:
    """Yield the rows of a query, with names as text, inside a transaction that may be writing."""
    connection.run(f"DECLARE stored NO SCROLL CURSOR FOR {query}")
    while rows := connection.rows(f"FETCH {_MIGRATED} FROM stored"):
        for row in rows:
            yield tuple(as_name(value) if isinstance(value, bytes) else value for value in row)
    connection.run("CLOSE stored")


Migration = str | Callable[[Connection], None]
# Those that lead to version 1, 2, ...
MIGRATIONS: tuple[tuple[Migration, ...], ...] = (_TABLES, (*_LATEST, _fill_latest), (_renew_forms,))
VERSION = len(MIGRATIONS)

_COLUMNS = """SELECT c.relname, a.attname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"""


def lock_space(schema: str) -> int:
    """Return the first key of the advisory locks of a store, a number of 32 bits."""
    return int.from_bytes(sha256(f"qfzz {schema}".encode()).digest()[:4], "big", signed=True)


def checked_version(connection: Connection, schema: str) -> int:
    """Return the version of the store in a schema, 0 if there is none.

    Raises `ForeignStoreError` or `NewerSchemaError`.
    """
    place = f"the schema {schema} of {connection.place.name}"
    columns = connection.rows(_COLUMNS, [schema])
    if not columns:
        return 0
    own = {name for table, name in columns if table == "store"} >= {"application", "version", "identity"}
    row = connection.row(f'SELECT application, version FROM "{schema}".store') if own else None
    if row is None or row[0] != APPLICATION:
        raise ForeignStoreError(f"{place} belongs to another application: choose another schema in [store]")
    if row[1] > VERSION:
        raise NewerSchemaError(
            f"{place} was written by a newer version of QFZZ (schema {row[1]}, this one knows {VERSION}): upgrade QFZZ"
        )
    return int(row[1])


def prepare(connection: Connection, schema: str) -> None:
    """Bring the schema to this version's tables: make them in a new one, migrate an older one, in one transaction."""
    _check_server(connection)
    if checked_version(connection, schema) == VERSION:
        return
    connection.run(BEGIN)
    try:
        connection.row("SELECT pg_advisory_xact_lock(%s::int, -1)", [lock_space(schema)])
        version = checked_version(connection, schema)
        if version < VERSION:
            _migrate(connection, schema, version)
        connection.commit()
    except BaseException:
        connection.roll_back()
        raise


def _check_server(connection: Connection) -> None:
    info = connection.raw.info
    if info.server_version < _OLDEST_SERVER * 10_000:
        raise StoreUnavailableError(f"{connection.place.name} is older than PostgreSQL {_OLDEST_SERVER}: upgrade it")
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreUnavailableError(
            f"{connection.place.name} has the encoding {encoding}, which cannot hold every text: "
            f"create the database with ENCODING 'UTF8'"
        )


def _migrate(connection: Connection, schema: str, version: int) -> None:
    connection.run("SET LOCAL statement_timeout = 0")
    if connection.row("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]) is None:
        connection.run(f'CREATE SCHEMA "{schema}"')
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            if isinstance(statement, str):
                connection.run(statement)
            else:
                statement(connection)
    if version == 0:
        row = [APPLICATION, VERSION, secrets.token_hex(8)]
        connection.run("INSERT INTO store (application, version, identity) VALUES (%s, %s, %s)", row)
    else:
        connection.run("UPDATE store SET version = %s", [VERSION])


# ---- what the server finds wrong with the data -----------------------------------------------------------------------

_SIZES = {
    "tracks": "length(track_id) + length(body)",
    "commits": "length(token)",
    "removed": "changed",
    "users": "length(user_id) + length(updated_at)",
    "weights": "length(same) + length(name)",
    "events": "length(body)",
    "states": "length(key) + length(state)",
    "latest": "length(type) + length(track_id)",
}
_READ = [f"SELECT 'nothing' FROM {table} HAVING sum({size}) < 0" for table, size in _SIZES.items()]  # reads every row
_POSITIONS = """SELECT 'the catalogue counts fewer positions than it gave' FROM catalogue
    WHERE last_position < (SELECT coalesce(max(position), 0) FROM tracks)"""
_ORPHANS = [
    f"""SELECT 'the table {table} holds rows of users who do not exist' WHERE EXISTS
    (SELECT FROM {table} LEFT JOIN users USING (serial) WHERE users.serial IS NULL)"""
    for table in ("weights", "events", "states", "latest")
]
_CHECKSUMS = """SELECT format('%s pages of this database failed their checksums', checksum_failures)
    FROM pg_stat_database WHERE datname = current_database() AND checksum_failures > 0"""

_OURS = "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = %s::regnamespace"
_INVALID = f"""SELECT format('the index %%s is not valid: REINDEX it', c.relname) {_OURS}
    AND NOT (i.indisvalid AND i.indisready) ORDER BY c.relname"""
_INDEXES = f"SELECT c.oid {_OURS} AND i.indisvalid"
_AMCHECK = """SELECT p.pronamespace::regnamespace::text FROM pg_proc p JOIN pg_extension e ON e.extname = 'amcheck'
    WHERE p.proname = 'bt_index_check' AND p.pronargs = 2 AND p.pronamespace = e.extnamespace
    AND has_function_privilege(p.oid, 'EXECUTE')"""


def damages(connection: Connection, schema: str) -> list[str]:
    """Return what is wrong with the data, in sentences, and close the connection.

    Reads every row, and the indexes too where the extension amcheck is there for this role.
    """
    with closing(connection):
        connection.run("SET statement_timeout = 0")
        return list(dict.fromkeys(_damages(connection, f'"{schema}"')))


def _damages(connection: Connection, schema: str) -> Iterator[str]:
    for query in (*_READ, _POSITIONS, *_ORPHANS, _CHECKSUMS):
        yield from _sentences(connection, query)
    yield from damaged_rows(connection.decoding, partial(_named_rows, connection))
    yield from _sentences(connection, _INVALID, [schema])
    for (place,) in connection.rows(_AMCHECK):
        for (index,) in connection.rows(_INDEXES, [schema]):
            check = f"SELECT 'nothing' FROM {place}.bt_index_check(%s::oid::regclass, true) OFFSET 1"
            yield from _sentences(connection, check, [index])


def _named_rows(connection: Connection, query: str) -> Iterator[Row]:
    """Yield the rows of a query, with names as text."""
    connection.run(VIEW)
    try:
        for row in chain.from_iterable(connection.pages(query)):
            yield tuple(as_name(value) if isinstance(value, bytes) else value for value in row)
    finally:
        connection.roll_back()


def _sentences(connection: Connection, query: str, parameters: Sequence[Any] = ()) -> list[str]:
    try:
        found: list[Row] = connection.rows(query, parameters)
    except StoreCorruptError as error:
        return [str(error)]
    return [str(sentence) for (sentence,) in found]
