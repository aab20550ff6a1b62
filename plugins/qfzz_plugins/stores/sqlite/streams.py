"""Reading much at one moment: pages of one query, inside a read transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from sqlite3 import Cursor
from typing import Any, TypeVar

from qfzz_plugins.stores.sqlite.connection import Connection, Row

Item = TypeVar("Item")
PAGE = 2000
_LOOKED_UP = 32  # values of one query, always as many, so that SQLite prepares the query once
MARKS = ",".join("?" * _LOOKED_UP)


def streamed(
    connection: Connection, query: str, parameters: list[Any], read: Callable[[list[Row]], Iterable[Item]]
) -> Iterator[Item]:
    """Return an iterator over what `read` makes of the pages of a query; it closes the connection at its end.

    What fits one page is read at once, so that nothing is left open for an iterator that nobody reads.
    """
    cursor = connection.run(query, parameters)
    page = connection.fetch(cursor, PAGE)
    if len(page) < PAGE:
        connection.close()
        return iter(read(page))
    return _paged(connection, cursor, page, read)


def _paged(
    connection: Connection, cursor: Cursor, page: list[Row], read: Callable[[list[Row]], Iterable[Item]]
) -> Iterator[Item]:
    with closing(connection):
        while page:
            yield from read(page)
            page = connection.fetch(cursor, PAGE)


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Iterate lists of as many items as one page has."""
    remaining = iter(items)
    while batch := list(islice(remaining, PAGE)):
        yield batch


def padded(values: Iterable[str]) -> Iterator[list[str | None]]:
    """Iterate lists of as many values as `MARKS` has marks; the last is filled up with None, which equals nothing."""
    remaining = iter(values)
    while some := list(islice(remaining, _LOOKED_UP)):
        yield [*some, *[None] * (_LOOKED_UP - len(some))]
