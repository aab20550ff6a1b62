"""The store `sqlite:///path`: one file, shared by threads and processes.

This module is imported at every start; what it needs of SQLite is imported when a store is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qfzz_core.contracts import StoreScheme
from qfzz_core.hookspecs import hookimpl
from qfzz_plugins.stores.options import SQLiteOptions

if TYPE_CHECKING:
    from qfzz_plugins.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteOptions", "open_sqlite"]


def open_sqlite(url: str, options: SQLiteOptions | None = None) -> SQLiteStore:
    """Open the store of a URL, or make it where there is none.

    `sqlite:///relative/path.db` lies below the working directory, `sqlite:////absolute/path.db` does not; the path is
    percent-decoded. Raises `StoreURLError` for any other URL, and another `StoreError` if the file cannot be used,
    which it then leaves as it was.
    """
    from qfzz_plugins.stores.sqlite.store import SQLiteStore

    return SQLiteStore(url, options or SQLiteOptions())


@hookimpl
def qfzz_stores() -> list[StoreScheme]:
    """Register the scheme `sqlite`."""
    return [StoreScheme(scheme="sqlite", open=open_sqlite, Options=SQLiteOptions, before_path="sqlite:///")]
