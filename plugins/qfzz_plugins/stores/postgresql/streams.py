"""Reading much at one moment: pages of one query, over a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, TypeVar

from qfzz_plugins.stores.postgresql.connection import Connection, Row

Item = TypeVar("Item")
PAGE = 2000


def streamed(
    connection: Connection, query: str, parameters: Sequence[Any], read: Callable[[list[Row]], Iterable[Item]]
) -> Iterator[Item]:
    """Return an iterator over what `read` makes of the pages of a query, inside the transaction that is open.

    It closes the connection at its end.
    """
    connection.run(f"DECLARE page NO SCROLL CURSOR FOR {query}", parameters)
    return _paged(connection, connection.rows(f"FETCH {PAGE} FROM page"), read)


def _paged(connection: Connection, page: list[Row], read: Callable[[list[Row]], Iterable[Item]]) -> Iterator[Item]:
    with closing(connection):
        while page:
            yield from read(page)
            page = connection.rows(f"FETCH {PAGE} FROM page") if len(page) == PAGE else []


def batches(items: Iterable[Item], size: int = PAGE) -> Iterator[list[Item]]:
    """Iterate lists of `size` items, the last one shorter."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
