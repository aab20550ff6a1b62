"""Reading a store that nobody can write: without locks, so whether it stayed the same is checked afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from qfzz_plugins.stores.sqlite.connection import Connection, Item, Row


class FrozenConnection(Connection):
    """A connection that returns nothing it read while somebody wrote, through another mount of the same disk."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query; raises `StoreUnavailableError` if the file was written."""
        found = super().rows(sql, parameters)
        self.place.check()
        return found

    def stream(self, query: str, values: Sequence[Any], read: Callable[[list[Row]], Iterable[Item]]) -> Iterator[Item]:
        """Return an iterator over what `read` makes of the pages of a query."""

        def checked(page: list[Row]) -> Iterable[Item]:
            self.place.check()
            return read(page)

        return super().stream(query, values, checked)
