"""SQLite: a table in memory, ORDER BY the score."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.sql import COLUMNS, CREATE, STEPS, TABLES, query, rows_of, values_of
from benchmarks.ranking.taste import taste

_QUERY = query(f"ROUND({STEPS})")


class SQLite:
    """The listener's values are written into small tables, which the query joins."""

    name = "SQLite ORDER BY"
    exact = True
    differs = "a half of the last bit of a score is rounded up, not to even"

    def prepare(self, catalogue: Catalogue) -> None:
        """Fill the table of tracks."""
        self._catalogue = catalogue
        self._database = sqlite3.connect(":memory:", isolation_level=None)
        self._database.execute(CREATE)
        for table in TABLES:
            self._database.execute(f"CREATE TABLE {table}_values (code INTEGER PRIMARY KEY, value REAL)")
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        self._database.execute("BEGIN")
        self._database.executemany(f"INSERT INTO tracks VALUES ({marks})", rows_of(catalogue))
        self._database.execute("COMMIT")

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Fill the small tables and run the query."""
        wanted = taste(preferences, self._catalogue)
        execute, executemany = self._database.execute, self._database.executemany
        execute("BEGIN")
        for table, pairs in values_of(wanted).items():
            execute(f"DELETE FROM {table}_values")
            executemany(f"INSERT INTO {table}_values VALUES (?, ?)", pairs)
        found = execute(_QUERY, (wanted.energy, count)).fetchall()
        execute("COMMIT")
        return np.array([row for (row,) in found], dtype=np.intp)


RIVAL = SQLite
