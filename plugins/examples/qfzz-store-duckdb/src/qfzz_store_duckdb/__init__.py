"""The store `duckdb:///path`: the whole contract in one DuckDB file.

QFZZ imports this module at every start, so it only registers; DuckDB itself is imported when a store is opened.
"""

from typing import Any

from qfzz_core import hookimpl
from qfzz_core.contracts import StoreScheme
from qfzz_core.contracts.stores import Store


def open_duckdb(url: str, options: Any = None) -> Store:
    """Open the store of a URL, or make it where there is none; raises a `StoreError` that says what is in the way."""
    from qfzz_store_duckdb.store import DuckDBStore

    return DuckDBStore(url)


@hookimpl
def qfzz_stores() -> list[StoreScheme]:
    """Register the scheme `duckdb`."""
    return [StoreScheme(scheme="duckdb", open=open_duckdb)]
