"""Reading and writing much in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

Item = TypeVar("Item")
Row = tuple[Any, ...]
Rows = Callable[[str, Sequence[Any]], list[Row]]  # what executes a query

_FIRST_PAGE = 50
_LARGEST_PAGE = 3200


def paged(rows: Rows, query: str, values: Sequence[Any], start: int) -> Iterator[Row]:
    """Iterate the rows of a query page by page, for somebody who may stop after a few.

    The last two parameters of the query are where a page begins and how many rows it has. The first value of a row is
    what the next page goes on from.
    """
    size = _FIRST_PAGE
    while True:
        page = rows(query, [*values, start, size])
        yield from page
        if len(page) < size:
            return
        start = page[-1][0]
        size = min(4 * size, _LARGEST_PAGE)


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Iterate lists of `size` items, the last one shorter."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
