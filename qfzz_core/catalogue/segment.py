"""The base of a catalogue: rows that do not change, and what the ranking derived from them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from qfzz_core.contracts.columns import Columns
from qfzz_core.model.forks import renewed_after_fork

logger = logging.getLogger("qfzz.catalogue")

T = TypeVar("T")
Make = Callable[["Segment"], T]
Restore = Callable[["Segment", Mapping[str, NDArray[Any]]], T]


class DerivedCache(Protocol):
    """Keeps on disk what was derived of one segment."""

    def load(self, key: str) -> Mapping[str, NDArray[Any]] | None:
        """Return the arrays saved under a key, None if there are none that can be used."""

    def save(self, key: str, made: Any) -> None:
        """Save the arrays of what was made, some time later."""


class Segment:
    """The columns of rows in ascending order of position, shared by all snapshots that begin with these rows.

    Some of the rows may be deleted in a snapshot; the columns stay as they are.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._derived: dict[Hashable, Any] = {}
        self._ways: dict[Hashable, tuple[Make[Any], Restore[Any] | None]] = {}
        self.cache: DerivedCache | None = None
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Put new locks in the place of those that a thread of the parent process may hold."""
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def derived(self, key: Hashable, make: Make[T], restore: Restore[T] | None = None) -> T:
        """Return what `make` gives of this segment, made once for a key: other threads wait meanwhile.

        What it raises is raised, and the next call tries again. `make` is kept, to be called with the segment that
        takes this one's place: it should hold nothing but what it needs.

        With `restore`, what is made is kept on disk where the catalogue is: the key is a string, what is made has a
        method `arrays()` that returns arrays of numbers by name, and `restore(segment, arrays)` makes the same of
        them, without copying what it need not. What a changed `make` gives needs another key.
        """
        if key not in self._derived:
            with self._lock:
                making = self._making.setdefault(key, threading.Lock())
            with making:  # a lock for each key: to derive one thing may derive another
                if key not in self._derived:
                    self._derived[key] = self._restored(key, make, restore)
                    self._ways[key] = (make, restore)
        found: T = self._derived[key]
        return found

    def derive_as(self, other: Segment) -> None:
        """Derive what was derived of another segment, so that nobody waits for it later."""
        for key, (make, restore) in list(other._ways.items()):
            self.derived(key, make, restore)

    def _restored(self, key: Hashable, make: Make[T], restore: Restore[T] | None) -> T:
        cache = self.cache
        if cache is None or restore is None or not isinstance(key, str):
            return make(self)
        arrays = cache.load(key)
        if arrays is not None:
            try:
                return restore(self, arrays)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is made again
                logger.debug("what is cached of %s is not used: %r", key, error)
        made = make(self)
        cache.save(key, made)
        return made
