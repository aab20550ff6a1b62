"""PostgreSQL's errors in the words of the person who has to act."""

from __future__ import annotations

import psycopg

from qfzz_core.errors import (
    ClosedError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from qfzz_plugins.stores.postgresql.place import Place


class ServerAwayError(StoreUnavailableError):
    """The server cannot be reached, went away or does not answer; what had not begun to write can be tried again."""


class DeadlockError(StoreLockedError):
    """The server ended one of two transactions that waited for each other."""


class RepeatedRowError(StoreError):
    """A row of this key is there already."""


# https://www.postgresql.org/docs/current/errcodes-appendix.html; the first two characters are the class.
_MEANINGS: dict[str, tuple[type[StoreError], str]] = {
    "55P03": (StoreLockedError, "is locked by another writer: try again, or raise lock_timeout in [store]"),
    "40P01": (DeadlockError, "is locked by another writer: try again"),
    "40001": (StoreLockedError, "was changed by another writer meanwhile: try again"),
    "23505": (RepeatedRowError, "holds a row of this key already"),
    "57014": (
        StoreUnavailableError,
        "did not answer within statement_timeout, or was stopped: try again, or raise it in [store]",
    ),
    "53100": (StoreFullError, "could not be written, the server's disk is full: make room there and try again"),
    "53300": (ServerAwayError, "has no connection left: lower pool_size in [store], or raise max_connections there"),
    "53": (StoreUnavailableError, "lacks resources: look into the server's log"),
    "25006": (StoreReadOnlyError, "can only be read: connect to the primary server"),
    "42501": (StoreReadOnlyError, "refuses this role: grant it the rights to the schema"),
    "3F000": (StoreUnavailableError, "lost the store's tables while in use: open the store again"),
    "42P01": (StoreUnavailableError, "lost the store's tables while in use: open the store again"),
    "XX001": (StoreCorruptError, "is damaged: restore a backup"),
    "XX002": (StoreCorruptError, "is damaged in an index: restore a backup, or REINDEX"),
    "28": (StoreUnavailableError, "refuses this login: check user and password"),
    "3D000": (StoreUnavailableError, "does not exist: create the database, or choose another"),
    "58": (StoreUnavailableError, "could not be read or written: look into the server's log"),
    "08": (ServerAwayError, "cannot be reached: check that the server runs and listens there"),
    "57P": (ServerAwayError, "went away: try again when the server is back"),
}
_AWAY = _MEANINGS["08"]


def store_error(error: psycopg.Error, place: Place) -> StoreError:
    """Return the error of our family that says what PostgreSQL's error means for the database at `place`."""
    state = error.sqlstate
    if state is None:
        lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        kind, advice = _AWAY if lost else (StoreError, "could not be used")
    else:
        found = (_MEANINGS.get(state[:length]) for length in (5, 3, 2))
        kind, advice = next((meaning for meaning in found if meaning), (StoreError, "could not be used"))
    return kind(f"{place.name} {advice} ({place.scrubbed(error)})")


def unknown_outcome(place: Place, error: psycopg.Error) -> ServerAwayError:
    """Return the error for a commit whose answer was lost."""
    return ServerAwayError(
        f"{place.name} went away during a commit, so it is unknown whether it was stored: "
        f"look, or repeat it; a feedback with the same event_id is applied once ({place.scrubbed(error)})"
    )


def closed_error(place: Place) -> ClosedError:
    """Return the error for a store that was closed."""
    return ClosedError(f"the store {place.name} was closed; open it again")
