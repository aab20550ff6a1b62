"""A SQLite store whose values are replaced behind its back, also by those that its tables refuse."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from qfzz import PersonalizedDJ
from qfzz_core.engine import Engine
from qfzz_core.testing.samples import a_track, some_tracks
from qfzz_plugins.stores.sqlite import SQLiteOptions, open_sqlite

USERS = ("alice", "bob", "carol")
TABLES = {
    "tracks": ("position", "track_id", "changed", "body"),
    "users": (
        "user_id",
        "revision",
        "created_at",
        "updated_at",
        "energy_level",
        "tempo_preference",
        "discovery_factor",
    ),
    "weights": ("serial", "field", "same", "name", "weight"),
    "events": ("position", "serial", "kind", "timestamp", "event_id", "body"),
    "states": ("serial", "learner", "key", "state"),
    "latest": ("type", "track_id", "position", "moment"),
    "commits": ("counter", "token"),
}


def make(path: Path) -> None:
    """Make a store with something in every table, in one file without a journal."""
    options = SQLiteOptions(synchronous="OFF", journal_mode="DELETE")
    with closing(open_sqlite(f"sqlite:///{path}", options)) as store, Engine(store=store, seed=1) as engine:
        engine.add_content(some_tracks(12))
        for user_id in USERS:
            profile = engine.get_or_create_profile(user_id, {"genres": {"soul": 0.5}})
            profile.add_interaction({"track_id": "elsewhere", "type": "play", "note": ["x"]})
            profile.moods["calm"] = 0.25
            engine.record_many(
                {"user_id": user_id, "track_id": f"t{n}", "interaction_type": "like", "event_id": f"e{n}"}
                for n in range(6)
            )
        engine.add_content([a_track("removed")])
        engine.remove_content(["removed"])


def spoil(path: Path, table: str, column: str, value: str, where: str) -> None:
    """Put the value of an SQL expression into the rows that an SQL condition finds, whatever types the table takes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (schema,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", [table]).fetchone()
        loose = schema.replace("STRICT", "").replace(", WITHOUT", "WITHOUT").replace("NOT NULL", "")
        _declare(connection, table, loose)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}")
        _declare(connection, table, schema)


def _declare(connection: sqlite3.Connection, table: str, schema: str) -> None:
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", [schema, table])
    connection.execute("PRAGMA writable_schema=OFF")


@contextmanager
def opened(path: Path, **settings: Any) -> Iterator[PersonalizedDJ]:
    """Open a store; nothing in it has to survive a power loss."""
    store = open_sqlite(f"sqlite:///{path}", SQLiteOptions(synchronous="OFF", journal_mode="DELETE"))
    with closing(store), PersonalizedDJ(store=store, seed=1, **settings) as dj:
        yield dj


def fresh(base: Path, path: Path) -> Path:
    """Put a copy of a store in the place of another."""
    shutil.copy(base, path)
    return path
