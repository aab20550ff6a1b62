"""Doing the same for many, in several threads, with the results in the order of what was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import NoReturn, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

READ_AHEAD = 4  # items given to each thread before the oldest result is waited for


def in_order(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Generator[Result, None, None]:
    """Iterate the results of `function` in the order of the items, which are taken as they are needed.

    With one thread it is the caller's. With more, at most `READ_AHEAD * threads` items are taken ahead. What
    `function` or `items` raises is raised in its turn, after the results before it. When the iterator is closed, or
    whoever waits for it is interrupted, what was begun is ended and nothing else is begun.
    """
    if threads == 1:
        yield from map(function, items)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    def done(give: Callable[[], Item]) -> Result:
        return function(give())

    pool = ThreadPoolExecutor(threads, thread_name_prefix="qfzz")
    given = _given(items)
    try:
        begun: deque[Future[Result]] = deque(pool.submit(done, give) for give in islice(given, READ_AHEAD * threads))
        while begun:
            yield begun.popleft().result()
            begun.extend(pool.submit(done, give) for give in islice(given, 1))
    finally:
        pool.shutdown(cancel_futures=True)


def _given(items: Iterable[Item]) -> Iterator[Callable[[], Item]]:
    """Iterate functions that return the items; the last one raises what the iteration raised, if it did."""
    remaining = iter(items)
    while True:
        try:
            item = next(remaining)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - somebody else's iterable may raise anything
            yield partial(_fail, error)
            return
        yield partial(_same, item)


def _same(item: Item) -> Item:
    return item


def _fail(error: Exception) -> NoReturn:
    raise error
