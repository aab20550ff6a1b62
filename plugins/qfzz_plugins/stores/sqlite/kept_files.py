"""Reading the bytes of a database file without taking SQLite's locks away.

On POSIX, a process that closes a file gives up every lock that it has on it, SQLite's among them
(https://www.sqlite.org/howtocorrupt.html, "POSIX advisory locks canceled by a separate thread doing close()"). So what
is opened here stays open as long as a store of this process uses the file.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from threading import RLock
from typing import TypeVar

from qfzz_core.model.files import OWNER
from qfzz_core.model.forks import RenewedLock, renewed_after_fork

Result = TypeVar("Result")
_BLOCK = 1 << 20

_lock = RenewedLock(RLock)  # a store that is collected may be released in the middle of a reading
_uses: Counter[str] = Counter()  # how many stores of this process use a file, by its real path
_kept: dict[str, int] = {}  # descriptors


class _Inherited:
    def renew(self) -> None:
        """Keep nothing that was opened before a fork, because the parent and its child would share the place in it.

        A child has no locks yet that it could lose.
        """
        while _kept:
            os.close(_kept.popitem()[1])


_inherited = _Inherited()
renewed_after_fork(_inherited)


def use(path: str) -> str:
    """Say that a store will connect to a file, and return what to give to `release`."""
    place = os.path.realpath(path)
    with _lock.held:
        _uses[place] += 1
    return place


def release(place: str) -> None:
    """Say that a store has closed its connections to a file."""
    with _lock.held:
        _uses[place] -= 1
        if _uses[place] <= 0:
            del _uses[place]
            if place in _kept:
                os.close(_kept.pop(place))


def create(path: str) -> None:
    """Make an empty file that its owner alone can read and write, if there is none; raises `OSError`."""
    if not os.path.exists(path):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with _lock.held:
            os.close(os.open(path, flags, OWNER))  # nobody can have a lock on what was just made


def beginning(path: str, size: int) -> bytes:
    """Return the first bytes of a file; raises `OSError`."""
    return _reading(path, lambda descriptor: os.read(descriptor, size))


def holds(path: str, wanted: bytes) -> bool:
    """Return whether these bytes stand anywhere in a file, in the room that it does not use too; raises `OSError`."""
    return _reading(path, lambda descriptor: _found(descriptor, wanted))


def _reading(path: str, read: Callable[[int], Result]) -> Result:
    place = os.path.realpath(path)
    with _lock.held:
        descriptor = _kept[place] if _is_kept(place) else os.open(place, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        if place in _uses:
            _kept[place] = descriptor
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            return read(descriptor)
        finally:
            if place not in _kept:
                os.close(descriptor)


def _is_kept(place: str) -> bool:
    """Return whether the file that is there is open; one that was replaced is closed, which takes nobody's locks."""
    if place not in _kept:
        return False
    if os.path.samestat(os.fstat(_kept[place]), os.stat(place)):
        return True
    os.close(_kept.pop(place))
    return False


def _found(descriptor: int, wanted: bytes) -> bool:
    end = b""
    while block := os.read(descriptor, _BLOCK):
        read = end + block
        if wanted in read:
            return True
        end = read[max(0, len(read) - len(wanted) + 1) :]
    return False
