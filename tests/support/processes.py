"""Forked processes for the tests of stores: children that work, die, or have no rights.

PYTEST_DONT_REWRITE: the tests import this module before pytest takes its fixtures.
"""

import importlib.metadata
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qfzz_core.contracts.stores import Store

FORKING = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

HUNG_AFTER = 120.0  # seconds


def forked(work: Callable[[], Any]) -> int:
    """Begin `work` in a forked process and return its id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - nothing may come back into the tests
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)


def exit_code(child: int) -> int:
    """Return 0 if the work of a child returned, 1 if it raised, or what it exited with; -9 if it was killed.

    One that hangs is killed.
    """
    deadline = time.monotonic() + HUNG_AFTER
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        time.sleep(0.001)
    return os.waitstatus_to_exitcode(ended[1])


def in_child(work: Callable[[], Any]) -> int:
    """Return the exit code of a child that does this work."""
    return exit_code(forked(work))


def in_children(processes: int, work: Callable[[int], Any]) -> list[int]:
    """Return the exit codes of children that work at the same time, each given its number."""
    children = [forked(lambda process=process: work(process)) for process in range(processes)]  # type: ignore[misc]
    return [exit_code(child) for child in children]


def refuses_the_child_of_a_transaction(store: Store, in_the_child: Callable[[], Any] = lambda: None) -> bool:
    """Return whether a child that was forked inside a transaction cannot end it; the parent ends it."""
    child = 0

    def work() -> None:
        nonlocal child
        with store.transaction(["alice"]) as transaction:
            transaction.user("alice").put_weight("genres", "jazz", 0.5)
            child = os.fork()
            if not child:
                in_the_child()

    try:
        work()
    except BaseException as error:  # noqa: BLE001 - nothing may come back into the tests
        os._exit(7 if "forked inside it" in str(error) else 1)
    if not child:
        os._exit(1)
    return exit_code(child) == 7


# ---- rights ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that another user can enter, which pytest's are not."""
    directory = Path(tempfile.mkdtemp(prefix="qfzz-"))
    directory.chmod(0o777)
    yield directory
    directory.chmod(0o777)
    shutil.rmtree(directory)


def unprivileged(work: Callable[[], Any]) -> int:
    """Run `work` in a child that is not root, to whom no file is read-only; skips where that user sees no plugins."""

    def as_nobody(task: Callable[[], Any]) -> None:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        task()

    if in_child(lambda: as_nobody(_find_the_plugins)) != 0:
        pytest.skip("an unprivileged user cannot read the installed packages here")
    return in_child(lambda: as_nobody(work))


def _find_the_plugins() -> None:
    for point in importlib.metadata.entry_points(group="qfzz"):
        if point.name == "sqlite":
            point.load()
            return
    raise LookupError("the plugin is not there")
