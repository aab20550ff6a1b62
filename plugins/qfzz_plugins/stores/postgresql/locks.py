"""How a transaction locks its users: their rows, and for those who do not exist yet, a place where they would be.

A row lock locks nothing where there is no row. So whoever finds a user missing takes an advisory lock, of which there
are a limited number, and looks again: who created the user meanwhile has committed then.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

import attrs

from qfzz_plugins.stores.postgresql.connection import BEGIN, Connection, Row, Statement
from qfzz_plugins.stores.postgresql.numbering import TAKE
from qfzz_plugins.stores.postgresql.rows import USER_COLUMNS, UserRow
from qfzz_plugins.stores.postgresql.texts import as_bytes, digests

# In the order of the ids, so that transactions with several users do not wait for each other crosswise.
_LOCK = f"""SELECT {", ".join(USER_COLUMNS)} FROM users WHERE sha256(user_id) = ANY(%s::bytea[])
    ORDER BY user_id FOR UPDATE"""
_LOCK_PLACES = "SELECT pg_advisory_xact_lock(%s::int, place) FROM unnest(%s::int[]) AS place"
_POSITIONS: Statement = (TAKE.format("events_position"), [2])  # what most transactions need, taken under the locks


@attrs.frozen
class Begun:
    """A transaction that has begun: its users who exist, and the first positions for events."""

    users: dict[str, UserRow]
    positions: list[int]


def begin(connection: Connection, user_ids: Collection[str], space: int) -> Begun:
    """Begin a transaction that holds the locks of users; `space` is the first key of the store's advisory locks."""
    names = sorted({as_bytes(user_id) for user_id in user_ids})
    if not names:
        connection.run(BEGIN)
        return Begun({}, [])
    lock: Statement = (_LOCK, [digests(names)])
    _, rows, positions = connection.together([(BEGIN, ()), lock, _POSITIONS])
    missing = {*names} - {row[1] for row in rows}
    if missing:
        places = sorted({sha256(name).digest()[0] for name in missing})
        wait: Statement = (_LOCK_PLACES, [space, "{" + ",".join(map(str, places)) + "}"])
        _, rows, positions = connection.together([wait, lock, _POSITIONS])
    return Begun(_by_id(rows), [position for (position,) in positions])


def _by_id(rows: list[Row]) -> dict[str, UserRow]:
    users = map(UserRow.of, rows)
    return {user.user_id: user for user in users}
