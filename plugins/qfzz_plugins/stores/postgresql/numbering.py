"""Numbers that grow: serials of users and positions of events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from qfzz_plugins.stores.postgresql.connection import Connection

TAKE = "SELECT nextval('{}') FROM generate_series(1, %s)"
_MOST = 1000


class Numbers:
    """The numbers of a database sequence, taken in growing blocks, each used in order."""

    def __init__(self, connection: Connection, name: str, taken: Iterable[int] = ()) -> None:
        self._connection = connection
        self._query = TAKE.format(name)
        self._taken = deque(taken)
        self._size = 1

    def next(self) -> int:
        """Return the next number."""
        if not self._taken:
            self._taken.extend(number for (number,) in self._connection.rows(self._query, [self._size]))
            self._size = min(4 * self._size, _MOST)
        return self._taken.popleft()
