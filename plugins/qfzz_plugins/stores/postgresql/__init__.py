"""The store `postgresql://...`: one schema of a database, shared by threads, processes and machines.

This module is imported at every start; psycopg is imported when a store is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qfzz_core.contracts import StoreScheme
from qfzz_core.errors import StoreUnavailableError
from qfzz_core.hookspecs import hookimpl
from qfzz_plugins.stores.options import PostgresqlOptions

if TYPE_CHECKING:
    from qfzz_plugins.stores.postgresql.store import PostgresqlStore

__all__ = ["PostgresqlOptions", "open_postgresql"]


def open_postgresql(url: str, options: PostgresqlOptions | None = None) -> PostgresqlStore:
    """Open the store of a URL, or make it where there is none.

    `postgresql://user:password@host:port/database?sslmode=verify-full`, as libpq reads it. Raises `StoreURLError` for
    a URL that is none, and another `StoreError` if the database cannot be used, which it then leaves as it was.
    """
    try:
        from qfzz_plugins.stores.postgresql.store import PostgresqlStore
    except ImportError as error:
        raise StoreUnavailableError(
            f'a PostgreSQL store needs psycopg 3: pip install "qfzz[postgres]" ({error})'
        ) from error
    return PostgresqlStore(url, options or PostgresqlOptions())


@hookimpl
def qfzz_stores() -> list[StoreScheme]:
    """Register the scheme `postgresql`, and `postgres`, which libpq takes as well."""
    schemes = ("postgresql", "postgres")
    return [StoreScheme(scheme=scheme, open=open_postgresql, Options=PostgresqlOptions) for scheme in schemes]
