"""Doing the same for many, in several threads, with the results in the order of what was given."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import TypeVar

from qfzz_core.errors import RequestError

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

    pool = ThreadPoolExecutor(threads, thread_name_prefix="qfzz")
    remaining, begun = iter(items), deque[Future[Result]]()
    process = os.getpid()

    def begin(count: int) -> None:
        nonlocal remaining
        try:
            begun.extend(pool.submit(function, item) for item in islice(remaining, count))
        except Exception as error:  # noqa: BLE001 - somebody else's iterable may raise anything
            failed: Future[Result] = Future()  # in the place of the item, so that the results before it come first
            failed.set_exception(error)
            begun.append(failed)
            remaining = iter(())

    try:
        begin(READ_AHEAD * threads)
        while begun:
            if process != os.getpid():
                raise RequestError("this iterator was begun before a fork, and its threads are not here: begin another")
            yield begun.popleft().result()
            begin(1)
    finally:
        if process == os.getpid():
            pool.shutdown(cancel_futures=True)
