"""Rows of users and events, and what they say."""

from __future__ import annotations

from typing import Any

import attrs

from qfzz_core.model.events import Event, decode_event
from qfzz_core.model.json_codec import decoded
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_plugins.stores.sqlite.connection import Connection, Row

SCALARS = ("created_at", "updated_at", "energy_level", "tempo_preference", "discovery_factor")
USER_COLUMNS = f"user_id, serial, revision, {', '.join(SCALARS)}"
EVENT_COLUMNS = "position, kind, timestamp, event_id, body"
_USER = f"SELECT {USER_COLUMNS} FROM users WHERE user_id = ?"


@attrs.define
class StoredUser:
    """The row of a user in `users`."""

    user_id: str
    serial: int
    revision: int
    scalars: dict[str, Any]

    @classmethod
    def of(cls, row: Row) -> StoredUser:
        """Return the user of a row of `USER_COLUMNS`."""
        user_id, serial, revision, *scalars = row
        return cls(user_id, serial, revision, dict(zip(SCALARS, scalars, strict=True)))

    def snapshot(self, connection: Connection) -> ProfileSnapshot:
        """Return the profile, reading its weights."""
        weights: dict[str, Any] = {field: {} for field in WEIGHT_FIELDS}
        query = "SELECT field, name, weight FROM weights WHERE serial = ? ORDER BY id"
        for field, name, weight in connection.rows(query, [self.serial]):
            weights[field][name] = weight
        revision = (self.serial, self.revision)
        return ProfileSnapshot(user_id=self.user_id, revision=revision, **self.scalars, **weights)


def stored_user(connection: Connection, user_id: str) -> StoredUser | None:
    """Read the row of a user."""
    row = connection.row(_USER, [user_id])
    return None if row is None else StoredUser.of(row)


def as_event(row: Row) -> Event:
    """Return the event of a row of `EVENT_COLUMNS`."""
    position, kind, timestamp, event_id, body = row
    return decode_event(kind, timestamp, event_id, position, decoded(body))
