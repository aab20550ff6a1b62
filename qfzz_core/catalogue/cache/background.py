"""Work that nobody waits for: one thread, which is there only while there is something to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from qfzz_core.model.forks import renewed_after_fork

logger = logging.getLogger("qfzz.catalogue")


class Background:
    """Runs jobs one after another in a daemon thread; what one raises is logged and harms nobody."""

    def __init__(self) -> None:
        self._is_closed = False
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Start again without jobs and without the parent process's thread."""
        self._lock = threading.Lock()
        self._jobs: dict[str, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None

    def run(self, name: str, job: Callable[[], None]) -> None:
        """Run a job some time, in the place of a waiting one of this name; not if this was closed.

        A job may itself run another one while this is being closed: a merge at closing has to save what it merged.
        """
        with self._lock:
            if not self._is_closed or threading.current_thread() is self._thread:
                self._jobs[name] = job
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="qfzz-catalogue", daemon=True)
                    self._thread.start()

    def close(self) -> None:
        """Wait for the jobs that wait, and take no more; called twice it does nothing."""
        with self._lock:
            self._is_closed = True
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return
                name = next(iter(self._jobs))
                job = self._jobs.pop(name)
            try:
                job()
            except Exception:
                logger.warning("%s failed; the catalogue in memory goes on as it is", name, exc_info=True)
