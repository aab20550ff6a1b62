"""What the server finds wrong with a store's data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from qfzz_core.errors import StoreCorruptError
from qfzz_plugins.stores.postgresql.connection import Connection, Row

_SIZES = {
    "tracks": "length(track_id) + length(body)",
    "commits": "length(token)",
    "removed": "changed",
    "users": "length(user_id) + length(updated_at)",
    "weights": "length(same) + length(name)",
    "events": "length(body)",
    "states": "length(key) + length(state)",
}
_READ = [f"SELECT 'nothing' FROM {table} HAVING sum({size}) < 0" for table, size in _SIZES.items()]  # reads every row
_POSITIONS = """SELECT 'the catalogue counts fewer positions than it gave' FROM catalogue
    WHERE last_position < (SELECT coalesce(max(position), 0) FROM tracks)"""
_ORPHANS = [
    f"""SELECT 'the table {table} holds rows of users who do not exist' WHERE EXISTS
    (SELECT FROM {table} LEFT JOIN users USING (serial) WHERE users.serial IS NULL)"""
    for table in ("weights", "events", "states")
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
    yield from _sentences(connection, _INVALID, [schema])
    for (place,) in connection.rows(_AMCHECK):
        for (index,) in connection.rows(_INDEXES, [schema]):
            check = f"SELECT 'nothing' FROM {place}.bt_index_check(%s::oid::regclass, true) OFFSET 1"
            yield from _sentences(connection, check, [index])


def _sentences(connection: Connection, query: str, parameters: Sequence[Any] = ()) -> list[str]:
    try:
        found: list[Row] = connection.rows(query, parameters)
    except StoreCorruptError as error:
        return [str(error)]
    return [str(sentence) for (sentence,) in found]
