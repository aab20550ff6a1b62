"""What a SQLite store waits for: other processes, other threads, and its own end."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.sqlite_files import made, opened
from support.store_scenes import assert_closing_waits_for_a_transaction

from qfzz_core.errors import (
    ClosedError,
    StoreLockedError,
)
from qfzz_core.testing.samples import TIME, a_track, create, some_tracks
from qfzz_core.testing.stores_transactions import everything
from qfzz_plugins.stores.sqlite import SQLiteOptions
from qfzz_plugins.stores.sqlite.connection import Connection
from qfzz_plugins.stores.sqlite.store import SQLiteStore

HASTY = SQLiteOptions(timeout=0.05)


pytest_plugins = ["support.sqlite_files"]


@pytest.mark.parametrize(
    "write",
    [
        lambda store: create(store, "bob"),
        lambda store: store.write_tracks([a_track()]),
        lambda store: store.remove_tracks(["t1"]),
        lambda store: store.forget("alice"),
    ],
)
def test_a_lock_held_by_another_process_is_an_error_after_the_timeout(path: Path, write: Any) -> None:
    held = made(path)
    store = opened(path, HASTY)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLockedError, match=r"raise timeout in \[store\]"):
        write(store)
    assert everything(store) == held
    other.execute("ROLLBACK")
    write(store)
    other.close()
    store.close()


def test_a_transaction_of_another_thread_is_waited_for(path: Path) -> None:
    store = opened(path, HASTY)
    with ThreadPoolExecutor(1) as pool, store.transaction(["alice"]):
        waiting = pool.submit(create, store, "bob")
        with pytest.raises(StoreLockedError, match=r"another thread for 0\.05 s"):
            waiting.result()
    create(store, "bob")
    store.close()


def test_a_reader_that_blocks_a_commit_leaves_nothing_half_done(path: Path) -> None:
    held = made(path, SQLiteOptions(journal_mode="DELETE"))
    store = opened(path, SQLiteOptions(journal_mode="DELETE", timeout=0.05))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM users").fetchall()
    with pytest.raises(StoreLockedError):
        create(store, "bob")
    other.execute("COMMIT")
    assert everything(store) == held
    create(store, "bob")
    other.close()
    store.close()


def test_the_connection_of_a_thread_ends_with_it(store: SQLiteStore) -> None:
    for _ in range(5):
        thread = threading.Thread(target=store.catalogue_token)
        thread.start()
        thread.join()
    assert len(store._connections._all) == 1


def test_a_store_that_is_dropped_closes_its_connections(path: Path) -> None:
    made(path)
    store = opened(path)
    connection = store._connections.mine().handle.raw
    del store
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")


def test_closing_waits_for_what_other_threads_do(path: Path) -> None:
    store = opened(path)
    assert_closing_waits_for_a_transaction(store, lambda: store._connections._closed)
    again = opened(path)
    assert list(again.user_ids()) == ["alice"]
    again.close()


def test_closing_inside_a_transaction_leaves_nothing(path: Path) -> None:
    store = opened(path)

    def work() -> None:
        with store.transaction(["alice"]) as transaction:
            transaction.user("alice").create(TIME)
            store.close()

    with pytest.raises(ClosedError):
        work()
    again = opened(path)
    assert list(again.user_ids()) == []
    again.close()


def test_a_reader_of_the_whole_catalogue_notices_the_end(path: Path) -> None:
    store = opened(path)
    store.write_tracks(some_tracks(5000))
    written = iter(store.catalogue_since(None).written)
    next(written)
    store.close()
    with pytest.raises(ClosedError):
        list(written)


def test_a_store_that_is_closed_while_a_thread_connects_refuses_it(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = Connection.settle

    def close_meanwhile(connection: Connection) -> None:
        settle(connection)
        store._connections._closed = True

    monkeypatch.setattr(Connection, "settle", close_meanwhile)
    with pytest.raises(ClosedError):
        store._connections.another()
