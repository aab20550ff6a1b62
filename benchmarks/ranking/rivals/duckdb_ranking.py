"""DuckDB: a table in memory, ORDER BY the score, LIMIT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.sql import COLUMNS, CREATE, STEPS, TABLES, query, values_of
from benchmarks.ranking.taste import Taste, taste

_QUERY = query(f"ROUND_EVEN({STEPS}, 0)")


class DuckDB:
    """The listener's values are written into small tables, which the query joins."""

    name = "DuckDB ORDER BY"
    exact = True
    differs = ""

    def prepare(self, catalogue: Catalogue) -> None:
        """Fill the table of tracks."""
        self._catalogue = catalogue
        self._database = duckdb.connect(":memory:", config={"threads": 1})
        self._database.execute(CREATE)
        columns = {name: getattr(catalogue, name) for name in COLUMNS}
        self._insert("tracks", {"position": np.arange(len(catalogue)), **columns})

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Fill the small tables and run the query."""
        wanted = taste(preferences, self._catalogue)
        self._fill(wanted)
        found = self._database.execute(_QUERY, [wanted.energy, count]).fetchnumpy()
        return np.asarray(found["position"], dtype=np.intp)

    def _fill(self, wanted: Taste) -> None:
        tables = values_of(wanted)
        for table in TABLES:
            codes = np.array([code for code, _ in tables[table]], dtype=np.int32)
            values = np.array([value for _, value in tables[table]], dtype=np.float64)
            self._database.execute(f"CREATE OR REPLACE TABLE {table}_values (code INTEGER, value DOUBLE)")
            self._insert(f"{table}_values", {"code": codes, "value": values})

    def _insert(self, table: str, columns: dict[str, Any]) -> None:
        self._database.register("given", columns)
        self._database.execute(f"INSERT INTO {table} SELECT * FROM given")
        self._database.unregister("given")


RIVAL = DuckDB
