"""A SQLite store in several processes: forks, crashes, limits and rights."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from support.processes import FORKING, in_child, in_children, refuses_the_child_of_a_transaction, unprivileged
from support.sqlite_files import files, made, opened

from qfzz_core.errors import (
    ClosedError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from qfzz_core.testing.samples import TIME, a_track, create, some_tracks
from qfzz_core.testing.stores_events import track_ids
from qfzz_core.testing.stores_transactions import change_everything, everything, raise_weight
from qfzz_core.testing.stores_users import stored
from qfzz_plugins.stores.sqlite import SQLiteOptions, handles, kept_files
from qfzz_plugins.stores.sqlite.store import SQLiteStore

pytest_plugins = ["support.sqlite_files", "support.processes"]
pytestmark = FORKING


def test_a_limit_of_file_size_is_a_full_disk(path: Path) -> None:
    made(path)

    def work() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        store = opened(path)
        with pytest.raises(StoreFullError, match="make room"):
            store.write_tracks(some_tracks(5000))
        assert store.find_track("t4000") is None
        store.close()

    assert in_child(work) == 0
    store = opened(path)
    assert store.write_tracks(some_tracks(5000)).added == 4950
    store.close()


def test_a_child_uses_connections_of_its_own(store: SQLiteStore) -> None:
    create(store, "alice")
    mine = store._connections.mine()

    def work() -> None:
        raise_weight(store, "from the child")
        assert store._connections.mine() is not mine
        assert len(list(store.catalogue_since(None).written)) == 0
        store.close()
        with pytest.raises(ClosedError):
            store.catalogue_token()

    assert in_child(work) == 0
    assert store._connections.mine() is mine
    raise_weight(store, "from the parent")
    assert dict(stored(store).genres) == {"jazz": 2 / 1024}


def test_a_child_leaves_the_locks_of_its_parent_alone(store: SQLiteStore, path: Path) -> None:
    create(store, "alice")
    parents = store._connections.mine()

    def work() -> None:
        parents.close()
        store._connections.mine()
        store.close()

    def lock_whole_file() -> None:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as own:
            own.execute("PRAGMA locking_mode=EXCLUSIVE")
            own.execute("BEGIN EXCLUSIVE")  # which WAL allows to nobody while another is connected

    assert in_child(work) == 0
    assert in_child(lock_whole_file) == 1
    raise_weight(store, "e1")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not say what a process has open")
def test_a_child_holds_no_file_of_its_parent_open(store: SQLiteStore, path: Path) -> None:
    kept_files.use(str(path))
    assert kept_files.beginning(str(path), 6) == b"SQLite"
    store.write_tracks(some_tracks(5000))
    written = iter(store.catalogue_since(None).written)
    next(written)

    def work() -> None:
        opened_files = [os.path.realpath(entry.path) for entry in os.scandir("/proc/self/fd")]
        assert not [name for name in opened_files if name.startswith(str(path))]
        assert store.find_track("t1") is not None
        with pytest.raises(StoreUnavailableError, match="before a fork"):
            list(written)

    assert in_child(work) == 0
    kept_files.release(str(path))
    assert len(list(written)) == 4999


def test_what_is_open_is_closed_in_a_child_and_kept_if_it_writes(store: SQLiteStore, path: Path) -> None:
    opened_here = handles._Open()
    idle, reading, writing = (opened_here.open(str(path), path.as_uri()) for _ in range(3))
    reading.cursor = reading.raw.execute("SELECT * FROM store")
    writing.writes = True
    raw = [idle.raw, reading.raw, writing.raw]
    opened_here.renew()  # as a child does
    for closed in raw[:2]:
        with pytest.raises(sqlite3.ProgrammingError):
            closed.execute("SELECT 1")
    raw[2].execute("SELECT 1").fetchone()
    raw[2].close()
    with pytest.raises(StoreError, match="forked inside it"):
        writing.raw.execute("COMMIT")
    idle.close()
    with pytest.raises(StoreUnavailableError, match="forked inside a transaction of this file"):
        opened_here.open(str(path), path.as_uri())
    opened_here.open(str(path.parent / "other.db"), (path.parent / "other.db").as_uri()).close()


def test_nothing_is_touched_in_a_child_if_a_thread_was_at_work(store: SQLiteStore, path: Path) -> None:
    opened_here = handles._Open()
    idle, busy = opened_here.open(str(path), path.as_uri()), opened_here.open(str(path), path.as_uri())
    raw = [idle.raw, busy.raw]
    with ThreadPoolExecutor(1) as thread:
        thread.submit(busy.lock.acquire).result()
        opened_here.renew()
    for each in raw:
        each.execute("SELECT 1").fetchone()
        each.close()
    busy.close()
    with pytest.raises(StoreUnavailableError, match="another thread was at work in SQLite"):
        opened_here.open(str(path.parent / "other.db"), (path.parent / "other.db").as_uri())


def test_a_child_cannot_end_a_transaction_of_its_parent(store: SQLiteStore) -> None:
    create(store, "alice")
    assert refuses_the_child_of_a_transaction(store)
    assert dict(stored(store).genres) == {"jazz": 0.5}


def test_processes_lose_none_of_each_others_changes(path: Path) -> None:
    processes, rounds = 4, 50

    def work(process: int) -> None:
        store = opened(path, SQLiteOptions(timeout=60))
        with store.transaction(["alice"]) as transaction:
            if not transaction.user("alice").exists:
                transaction.user("alice").create(TIME)
        for number in range(rounds):
            raise_weight(store, f"{process}-{number}")
        store.close()

    assert in_children(processes, work) == [0] * processes
    store = opened(path)
    assert dict(stored(store).genres) == {"jazz": processes * rounds / 1024}
    assert len(track_ids(store)) == processes * rounds
    assert list(store.user_ids()) == ["alice"]
    store.close()


def test_what_a_process_did_not_commit_is_gone_when_it_dies(store: SQLiteStore, path: Path) -> None:
    create(store, "alice")
    before = everything(store)

    def work() -> None:
        own = opened(path)
        with own.transaction(["alice"]) as transaction:
            change_everything(transaction.user("alice"))
            os.kill(os.getpid(), 9)

    assert in_child(work) == -9
    assert everything(store) == before
    raise_weight(store, "e1")


# ---- rights ---------------------------------------------------------------------------------------------------------


def test_a_store_in_a_read_only_directory_is_refused(place: Path) -> None:
    made(place / "store.db")
    (place / "store.db").chmod(0o644)
    place.chmod(0o555)

    def work() -> None:
        with pytest.raises(StoreReadOnlyError, match="directory that cannot be written"):
            opened(place / "store.db")
        with pytest.raises(StoreUnavailableError, match="cannot be opened"):
            opened(place / "new.db")

    before = files(place / "store.db")
    assert unprivileged(work) == 0
    assert files(place / "store.db") == before


def test_a_read_only_file_can_be_read(place: Path) -> None:
    held = made(place / "store.db")
    (place / "store.db").chmod(0o444)

    def work() -> None:
        store = opened(place / "store.db")
        assert everything(store) == held
        with pytest.raises(StoreReadOnlyError, match="give this user the right"):
            create(store, "bob")
        with pytest.raises(StoreReadOnlyError):
            store.write_tracks([a_track()])
        store.close()
        with pytest.raises(StoreReadOnlyError):
            create(opened(place / "store.db", SQLiteOptions(journal_mode="DELETE")), "bob")

    before = (place / "store.db").read_bytes()
    assert unprivileged(work) == 0
    assert (place / "store.db").read_bytes() == before


def test_a_file_that_cannot_be_read_is_refused(place: Path) -> None:
    made(place / "store.db")
    (place / "store.db").chmod(0)

    def work() -> None:
        with pytest.raises(StoreUnavailableError, match="cannot be read: Permission denied"):
            opened(place / "store.db")

    assert unprivileged(work) == 0
