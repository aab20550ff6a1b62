"""What the log says of a server that is away: one line when it goes, one when it is back."""

from __future__ import annotations

import logging
from math import inf
from threading import Lock
from time import monotonic

from qfzz_core.errors import StoreError

logger = logging.getLogger("qfzz.stores")
logger.addHandler(logging.NullHandler())


class Outages:
    """Counts the failures of all threads as one outage, until an operation that began in it succeeds."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._since: float | None = None  # when the first operation that failed began
        self._noticed = self._ended = -inf

    def failed(self, begun: float, error: StoreError) -> None:
        """Note that an operation that began then found the server away."""
        with self._lock:
            if self._since is not None or begun < self._ended:  # it failed late, of an outage that is over
                return
            self._since, self._noticed = begun, monotonic()
        logger.warning("%s", error)

    def succeeded(self, begun: float) -> None:
        """Note that an operation that began then was answered."""
        if self._since is None:
            return
        with self._lock:
            if self._since is None or begun < self._noticed:
                return
            seconds, self._since, self._ended = monotonic() - self._since, None, monotonic()
        logger.warning("%s answers again, after %.1f s", self._name, seconds)
