"""The rows of a user: how they are read, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from qfzz_core.model.events import Event, decode_event
from qfzz_core.model.json_codec import decoded
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_plugins.stores.postgresql.connection import Row, Statement
from qfzz_plugins.stores.postgresql.texts import as_bytes, as_name

SCALARS = ("created_at", "updated_at", "energy_level", "tempo_preference", "discovery_factor")
USER_COLUMNS = ("serial", "user_id", "revision", *SCALARS)
EVENT_COLUMNS = 'position, kind, "timestamp", event_id, body'

USER = f"SELECT {', '.join(USER_COLUMNS)} FROM users WHERE sha256(user_id) = sha256(%s)"
SERIAL = "(SELECT serial FROM users WHERE sha256(user_id) = sha256(%s))"

_INSERT = f"INSERT INTO users ({', '.join(USER_COLUMNS)}) VALUES ({', '.join(['%s'] * len(USER_COLUMNS))})"
_UPDATE = f"UPDATE users SET {', '.join(f'{column} = %s' for column in ('revision', *SCALARS))} WHERE serial = %s"


@attrs.define
class UserRow:
    """The row of a user in `users`."""

    serial: int
    user_id: str
    revision: int
    scalars: dict[str, Any]
    stored: bool = True

    @classmethod
    def of(cls, row: Row) -> UserRow:
        """Return the user of a row of `USER_COLUMNS`."""
        serial, user_id, revision, *scalars = row
        return cls(serial, as_name(user_id), revision, dict(zip(SCALARS, scalars, strict=True)))

    @classmethod
    def new(cls, serial: int, profile: ProfileSnapshot) -> UserRow:
        """Return a user who has no row yet, with the scalars of a profile."""
        return cls(serial, profile.user_id, 1, {field: getattr(profile, field) for field in SCALARS}, stored=False)

    def statement(self) -> Statement:
        """Return the statement that writes the row."""
        if self.stored:
            return _UPDATE, [self.revision, *self.scalars.values(), self.serial]
        return _INSERT, [self.serial, as_bytes(self.user_id), self.revision, *self.scalars.values()]

    def snapshot(self, weights: Sequence[Row]) -> ProfileSnapshot:
        """Return the profile with weights: rows of field, name and weight."""
        fields: dict[str, Any] = {field: {} for field in WEIGHT_FIELDS}
        for field, name, weight in weights:
            fields[field][as_name(name)] = weight
        return ProfileSnapshot(user_id=self.user_id, revision=(self.serial, self.revision), **self.scalars, **fields)


def as_event(row: Row) -> Event:
    """Return the event of a row of `EVENT_COLUMNS`."""
    position, kind, timestamp, event_id, body = row
    return decode_event(kind, timestamp, None if event_id is None else as_name(event_id), position, decoded(body))
