"""What a SQLite store leaves on the disk, touches there, and does when it is full."""

import time
from functools import partial
from pathlib import Path

from support.sqlite_files import files, opened
from support.store_scenes import assert_nothing_acknowledged_is_lost_when_full

from qfzz_core.testing.samples import a_feedback, create, some_tracks
from qfzz_core.testing.stores_events import append
from qfzz_core.testing.stores_transactions import change_everything
from qfzz_core.testing.stores_users import fill
from qfzz_plugins.stores.sqlite import SQLiteOptions
from qfzz_plugins.stores.sqlite.store import SQLiteStore

pytest_plugins = ["support.sqlite_files"]


def test_no_byte_of_a_forgotten_user_is_left(store: SQLiteStore, path: Path) -> None:
    names = [f"a-very-distinctive-name-{number}" for number in range(50)]
    for name in names:
        create(store, name)
        fill(store, name)
        append(store, name, *(a_feedback(f"{name} {number}", event_id=f"{name}-{number}") for number in range(30)))
    assert any(b"distinctive" in content for content in files(path).values())
    for name in names[1:]:
        store.forget(name)
    create(store, "alice")
    assert [b"distinctive-name-0" in content for content in files(path).values()].count(True) >= 1
    store.forget(names[0])
    assert not any(b"distinctive" in content for content in files(path).values())


def test_forgetting_does_not_wait_for_a_reader(path: Path) -> None:
    store = opened(path, SQLiteOptions(timeout=30))
    create(store, "alice")
    store.write_tracks(some_tracks(5000))
    reader = iter(store.catalogue_since(None).written)
    next(reader)
    start = time.monotonic()
    assert store.forget("alice")
    assert time.monotonic() - start < 5
    assert len(list(reader)) == 4999
    store.close()


def test_a_feedback_touches_rows_by_their_keys_only(store: SQLiteStore) -> None:
    create(store, "alice")
    store.write_tracks(some_tracks(50))
    connection = store._connections.mine()
    statements: list[str] = []
    connection.handle.raw.set_trace_callback(statements.append)
    with store.transaction(["alice"]) as transaction:
        transaction.track("t1")
        transaction.user("alice").find_event("e1")
        transaction.user("alice").weight("genres", "jazz")
        transaction.user("alice").state("trust", "artist:x")
        change_everything(transaction.user("alice"))
    store.revision("alice")
    store.catalogue_token()
    list(store.catalogue_since(store.catalogue_token()).written)
    connection.handle.raw.set_trace_callback(None)
    plans = [
        row[3]
        for statement in statements
        if statement.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}
        for row in connection.rows(f"EXPLAIN QUERY PLAN {statement}")
    ]
    assert len(plans) >= 10
    assert [plan for plan in plans if plan.startswith("SCAN") and "commits" not in plan] == []


def test_a_full_store_keeps_what_it_acknowledged_and_goes_on_later(store: SQLiteStore) -> None:
    create(store, "alice")
    connection = store._connections.mine()
    (pages,) = connection.row("PRAGMA page_count") or (0,)
    connection.run(f"PRAGMA max_page_count={pages + 20}")
    make_room = partial(connection.run, "PRAGMA max_page_count=1000000")
    assert_nothing_acknowledged_is_lost_when_full(store, make_room)
