"""A real SQLite file and what it is made with, for the tests of the SQLite store.

PYTEST_DONT_REWRITE: the tests import this module before pytest takes its fixtures.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qfzz_core.testing.samples import create, some_tracks
from qfzz_core.testing.stores_transactions import everything
from qfzz_core.testing.stores_users import fill
from qfzz_plugins.stores.sqlite import SQLiteOptions, open_sqlite
from qfzz_plugins.stores.sqlite.store import SQLiteStore


def opened(path: Path, options: SQLiteOptions | None = None) -> SQLiteStore:
    return open_sqlite(f"sqlite:///{path}", options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with_defaults = opened(path)
    yield with_defaults
    with_defaults.close()


def made(path: Path, options: SQLiteOptions | None = None) -> list[Any]:
    """Make a store with something in it, close it, and return what it holds."""
    store = opened(path, options)
    store.write_tracks(some_tracks(50))
    create(store, "alice")
    fill(store, "alice")
    held = everything(store)
    store.close()
    return held


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}
