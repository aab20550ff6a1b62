"""The store keeps the contract that every store keeps; this is all that its author has to write for that."""

from pathlib import Path

from qfzz_core.contracts.stores import Store
from qfzz_core.testing import StoreContract

from qfzz_store_duckdb import open_duckdb


class TestDuckDB(StoreContract):
    def open_store(self, tmp_path: Path) -> Store:
        return open_duckdb(f"duckdb:///{tmp_path}/music.duckdb")
