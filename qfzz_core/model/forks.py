"""What a fork does to locks and threads: a quiet moment in the parent, and a fresh start in the child.

A child has one thread, the one that forked. A lock that another thread held is held in the child for ever, and what it
guarded may be half changed there. What can be made again is *renewed* in the child: locks, caches, threads. What has
one copy only, such as the data of a store in memory, is *quiet* when the process forks: the forking thread takes its
locks first. It waits for a bounded time, because a fork must not depend on how long somebody else's transaction takes;
so a lock that is not free in the child says that a thread was in the middle of something there.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

# Seconds that a fork waits for quiet. One feedback takes milliseconds, on a slow disk and in a queue of threads a few
# hundred; what takes longer than this, such as a backup, may take minutes.
WAIT_FOR_QUIET = 5.0
# Seconds for one lock while others are held. Whoever holds it may wait for one of those, so they are given back then.
_STEP = 0.2


class Renewable(Protocol):
    """Something that holds locks or threads."""

    def renew(self) -> None:
        """Put new ones in their place; called in a forked child before anything else runs there."""


class Quiet(Renewable, Protocol):
    """Something that is whole while nobody holds its locks."""

    def fork_locks(self) -> Iterable[Any]:
        """Return the locks under which it changes, in the order in which threads take them.

        Each is an `RLock`, because the thread that forks may hold it. Asked again when those returned are taken.
        """


_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()
_quiet: weakref.WeakSet[Quiet] = weakref.WeakSet()
_turn = threading.RLock()  # held from before a fork until after it: `_taken` is one fork's
_taken: list[Any] = []


def renewed_after_fork(thing: Renewable) -> None:
    """Have something renewed in every child that is forked while it is in use."""
    _renewables.add(thing)


def quiet_at_fork(thing: Quiet) -> None:
    """Fork while nobody changes something, if such a moment comes in time, and renew it in the child."""
    _renewables.add(thing)
    _quiet.add(thing)


class RenewedLock:
    """A lock that is free in every child: `with lock.held:` takes it."""

    def __init__(self, kind: Callable[[], Any] = threading.Lock) -> None:
        self._kind = kind
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Put a new lock in the place of one that a thread of the parent process may hold."""
        self.held = self._kind()


def is_free(lock: Any) -> bool:
    """Return whether a lock, in a child, was held by no thread but this one when the process forked."""
    free: bool = lock.acquire(blocking=False)
    if free:
        lock.release()
    return free


def keep_for_ever(*things: Any) -> None:
    """Never finalise objects of the parent, not even when the child's interpreter ends, which empties all modules."""
    import ctypes

    for thing in things:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


# -- the fork


def _alive(things: weakref.WeakSet[T]) -> list[T]:
    while True:
        with suppress(RuntimeError):  # another thread has just added one
            return list(things)


def _missing() -> list[Any]:
    taken = set(map(id, _taken))
    return [lock for thing in _alive(_quiet) for lock in thing.fork_locks() if id(lock) not in taken]


class _Imports:
    """What other threads import, as a lock that is free while they import nothing.

    The lock of a module that a thread was importing is never released in a child, which would wait for it at its own
    first import; numpy and the stores import on use. Python has no call that says who imports, so this looks where
    importlib notes it.
    """

    def acquire(self, blocking: bool = True, timeout: float = 0.0) -> bool:
        """Wait until no other thread imports anything."""
        deadline = time.monotonic() + timeout
        while busy := self._busy():
            if not blocking or time.monotonic() >= deadline:
                break
            time.sleep(0.001)
        return not busy

    def release(self) -> None:
        """Do nothing."""

    def _busy(self) -> bool:
        locks = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
        owners = {getattr(lock(), "owner", None) for lock in list(locks.values())}
        return not owners <= {None, threading.get_ident()}


_imports = _Imports()


def _blocking() -> Any:
    """Take all locks, and return the first that is not to be had, None if there is none."""
    while missing := _missing():
        for lock in missing:
            if not lock.acquire(timeout=_STEP):
                return lock
            _taken.append(lock)
    return None if _imports.acquire(timeout=_STEP) else _imports


def _quieten() -> None:
    """Take the locks of everything that is to be quiet, or, when time is up, of all that are free."""
    _turn.acquire()
    deadline = time.monotonic() + WAIT_FOR_QUIET
    while (blocking := _blocking()) is not None:
        _give_back()
        left = deadline - time.monotonic()
        if left <= 0 or not blocking.acquire(timeout=left):
            _taken.extend([lock for lock in _missing() if lock.acquire(blocking=False)])
            return
        _taken.append(blocking)


def _give_back() -> None:
    while _taken:
        _taken.pop().release()


def _go_on() -> None:
    _give_back()
    with suppress(RuntimeError):  # if an interrupt ended the waiting
        _turn.release()


def _begin_again() -> None:
    try:
        for thing in _alive(_renewables):
            thing.renew()
    finally:
        _go_on()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_quieten, after_in_parent=_go_on, after_in_child=_begin_again)
