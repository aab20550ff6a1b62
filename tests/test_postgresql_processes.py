"""A PostgreSQL store among others: threads, processes, locks, and a server that goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
from support.processes import FORKING, in_child, in_children, refuses_the_child_of_a_transaction
from support.store_scenes import (
    assert_closing_waits_for_a_transaction,
    assert_nothing_acknowledged_is_lost_when_full,
    wait_until,
)

from qfzz import PersonalizedDJ
from qfzz_core.errors import (
    ClosedError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from qfzz_core.testing.samples import TIME, a_feedback, a_track, create, some_tracks
from qfzz_core.testing.stores_events import append, track_ids
from qfzz_core.testing.stores_transactions import change_everything, everything, raise_weight
from qfzz_core.testing.stores_users import fill, stored
from qfzz_plugins.stores.postgresql import PostgresqlOptions, connections, open_postgresql

if TYPE_CHECKING:
    from support.postgres_server import Database, Server

    from qfzz_plugins.stores.postgresql.store import PostgresqlStore

pytest_plugins = ["support.postgres_server"]
pytestmark = FORKING

PROCESSES = 8


@pytest.fixture
def store(postgres: Database, tmp_path: Path) -> Iterator[PostgresqlStore]:
    with_defaults = postgres.open(tmp_path)
    yield with_defaults
    with_defaults.close()


@contextmanager
def held(postgres: Database, sql: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold what a statement locks, from elsewhere."""
    with closing(psycopg.connect(postgres.url)) as other:
        other.execute(sql)
        yield other


# ---- locks and timeouts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        lambda store: raise_weight(store, "e1"),
        lambda store: store.forget("alice"),
        lambda store: store.load([], some_tracks(1)),
        lambda store: store.write_tracks([a_track()]),
        lambda store: store.remove_tracks(["t1"]),
    ],
)
def test_a_lock_held_by_another_is_an_error_after_the_timeout(postgres: Database, tmp_path: Path, write: Any) -> None:
    store = postgres.open(tmp_path, lock_timeout=0.1)
    store.write_tracks([a_track()])
    create(store, "alice")
    before = everything(store), store.catalogue_token()
    space = postgres.schema(tmp_path)
    with held(postgres, f"SELECT FROM {space}.users, {space}.catalogue FOR UPDATE"):
        with pytest.raises(StoreLockedError, match=r"raise lock_timeout in \[store\]"):
            write(store)
        assert (everything(store), store.catalogue_token()) == before
        create(store, "bob") if "load" not in str(write) else None
    write(store)
    store.close()


def test_a_user_who_does_not_exist_yet_is_locked_too(postgres: Database, tmp_path: Path) -> None:
    store = postgres.open(tmp_path, lock_timeout=0.1)
    with ThreadPoolExecutor(1) as pool, store.transaction(["alice"]) as transaction:
        with pytest.raises(StoreLockedError):
            pool.submit(create, store, "alice").result()
        transaction.user("alice").create(TIME)
    assert list(store.user_ids()) == ["alice"]
    store.close()


def test_a_statement_that_takes_too_long_is_an_error(postgres: Database, tmp_path: Path) -> None:
    store = postgres.open(tmp_path, statement_timeout=0.2)
    create(store, "alice")
    with held(postgres, f"LOCK TABLE {postgres.schema(tmp_path)}.users IN ACCESS EXCLUSIVE MODE"):
        with pytest.raises(StoreUnavailableError, match="statement_timeout"):
            store.snapshot("alice")
        with pytest.raises(StoreUnavailableError, match="statement_timeout"):
            raise_weight(store, "e1")
    raise_weight(store, "e1")
    assert dict(stored(store).genres) == {"jazz": 1 / 1024}
    store.close()


def test_transactions_that_wait_for_each_other_go_on(postgres: Database, tmp_path: Path) -> None:
    store = postgres.open(tmp_path)
    create(store, "a", "b")
    serials = dict(postgres.run(f"SELECT convert_from(user_id, 'UTF8'), serial FROM {postgres.schema(tmp_path)}.users"))
    lock = f"SELECT FROM {postgres.schema(tmp_path)}.users WHERE serial = "
    with ThreadPoolExecutor(1) as pool, held(postgres, f"{lock}{serials['b']} FOR UPDATE") as other:
        both = pool.submit(lambda: [create_nothing(store, "a", "b") for _ in range(3)])
        wait_until(lambda: waiting(postgres))
        with suppress(psycopg.errors.DeadlockDetected):  # one of the two learns of it; here it may be either
            other.execute(f"{lock}{serials['a']} FOR UPDATE")
        other.rollback()
        both.result()
    store.close()


def create_nothing(store: PostgresqlStore, *user_ids: str) -> None:
    with store.transaction(user_ids) as transaction:
        assert transaction.user("a").exists


def waiting(postgres: Database) -> bool:
    return bool(postgres.activity("wait_event_type = 'Lock'"))


def test_all_connections_in_use_is_an_error_after_the_timeout(postgres: Database, tmp_path: Path) -> None:
    store = postgres.open(tmp_path, pool_size=1, lock_timeout=0.1)
    with ThreadPoolExecutor(1) as pool, store.transaction(["alice"]) as transaction:
        transaction.user("alice").create(TIME)
        assert store.snapshot("alice") is None  # on the connection of this thread's transaction
        with pytest.raises(StoreLockedError, match=r"all 1 connections .* raise pool_size"):
            pool.submit(store.snapshot, "alice").result()
    assert store.snapshot("alice") is not None
    store.close()


def test_a_failed_statement_fails_the_transaction(store: PostgresqlStore) -> None:
    def work() -> None:
        with store.transaction(["alice"]) as transaction:
            transaction.user("alice").create(TIME)
            with suppress(StoreError):
                transaction.connection.rows("SELECT nonsense", ())
            transaction.user("alice").put_weight("genres", "jazz", 0.5)

    with pytest.raises(StoreError):
        work()
    with pytest.raises(StoreError, match="failed before"), store.transaction([]) as transaction, suppress(StoreError):
        transaction.connection.rows("SELECT nonsense", ())
    assert list(store.user_ids()) == []


# ---- rights and room -------------------------------------------------------------------------------------------------


def test_a_server_that_can_only_be_read_can_be_read(postgres: Database, tmp_path: Path) -> None:
    store = postgres.open(tmp_path)
    create(store, "alice")
    fill(store, "alice")
    held_here = everything(store)
    store.close()
    joint = "&" if "?" in postgres.url else "?"
    url = f"{postgres.url}{joint}options={quote('-c default_transaction_read_only=on')}"
    store = open_postgresql(url, PostgresqlOptions(schema=postgres.schema(tmp_path)))
    assert everything(store) == held_here
    for write in (lambda: raise_weight(store, "e1"), lambda: store.write_tracks([a_track()])):
        with pytest.raises(StoreReadOnlyError, match="connect to the primary"):
            write()
    store.close()


def test_a_role_without_rights_gets_an_error_that_says_so(own_server: Server, tmp_path: Path) -> None:
    store = own_server.open(tmp_path)
    create(store, "alice")
    store.close()
    space = own_server.schema(tmp_path)
    own_server.run("CREATE ROLE reader LOGIN")
    own_server.run(f"GRANT USAGE ON SCHEMA {space} TO reader")
    own_server.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {space} TO reader")
    url = own_server.url.replace("qfzz@", "reader@")
    store = open_postgresql(url, PostgresqlOptions(schema=space))
    assert stored(store).user_id == "alice"
    with pytest.raises(StoreReadOnlyError, match="refuses this role: grant it the rights"):
        raise_weight(store, "e1")
    store.close()
    with pytest.raises(StoreReadOnlyError, match="refuses this role"):
        open_postgresql(url, PostgresqlOptions(schema="another"))


def test_a_full_disk_keeps_what_was_acknowledged_and_goes_on_later(own_server: Server, tmp_path: Path) -> None:
    disk = own_server.directory / "disk"
    disk.mkdir()
    shutil.chown(disk, disk.parent.stat().st_uid)
    mount = ["mount", "-t", "tmpfs", "-o", f"size=2m,mode=777,uid={disk.stat().st_uid}", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk cannot be mounted here")
    try:
        store = own_server.open(tmp_path)
        own_server.run(f"CREATE TABLESPACE small LOCATION '{disk}'")
        own_server.run(f"ALTER TABLE {own_server.schema(tmp_path)}.tracks SET TABLESPACE small")
        (disk / "ballast").write_bytes(b"x" * 1_000_000)
        assert_nothing_acknowledged_is_lost_when_full(store, (disk / "ballast").unlink)
        store.close()
    finally:
        own_server.halt()
        subprocess.run(["umount", str(disk)], check=True, capture_output=True)


# ---- processes -------------------------------------------------------------------------------------------------------


def test_processes_lose_no_feedback(store: PostgresqlStore, postgres: Database, tmp_path: Path) -> None:
    rounds = 50
    store.write_tracks([a_track("t1")])

    def work(process: int) -> None:
        with PersonalizedDJ(store=postgres.open(tmp_path, lock_timeout=60), seed=1) as dj:
            for number in range(rounds):
                dj.record_feedback("alice", "t1", "play", rating=0.505, event_id=f"{process}-{number}")

    assert in_children(PROCESSES, work) == [0] * PROCESSES
    assert len(set(track_ids(store))) == 1
    feedback = [event for event in store.events("alice") if event.kind == "feedback"]
    assert len({event.event_id for event in feedback}) == len(feedback) == PROCESSES * rounds
    assert dict(stored(store).genres) == {"jazz": pytest.approx(PROCESSES * rounds * 0.001)}


def test_processes_create_one_user(store: PostgresqlStore, postgres: Database, tmp_path: Path) -> None:
    names = [f"user {number}" for number in range(10)]

    def work(process: int) -> None:
        with PersonalizedDJ(store=postgres.open(tmp_path, lock_timeout=60), seed=1) as dj:
            for name in names:
                dj.get_or_create_profile(name)
                dj.record_feedback(name, "t1", "like", event_id=str(process))

    assert in_children(PROCESSES, work) == [0] * PROCESSES
    assert sorted(store.user_ids()) == names
    for name in names:
        kinds = [event.kind for event in store.events(name)]
        assert kinds == ["created", *["feedback"] * PROCESSES]


def test_a_child_uses_connections_of_its_own(store: PostgresqlStore) -> None:
    create(store, "alice")
    store.write_tracks(some_tracks(5000))
    log = iter(store.catalogue_since(None).written)
    next(log)
    mine = "SELECT pg_backend_pid()"
    parents = store._connections.rows(mine, ())

    def work() -> None:
        nonlocal log
        del log
        raise_weight(store, "from the child")
        assert store._connections.rows(mine, ()) != parents
        store.close()
        with pytest.raises(ClosedError):
            store.catalogue_token()

    assert in_child(work) == 0
    assert in_child(store.close) == 0
    assert store._connections.rows(mine, ()) == parents
    assert len(list(log)) == 4999
    raise_weight(store, "from the parent")
    assert dict(stored(store).genres) == {"jazz": 2 / 1024}


def test_a_child_cannot_end_a_transaction_of_its_parent(store: PostgresqlStore) -> None:
    create(store, "alice")

    def read() -> None:
        assert store.snapshot("alice") is not None  # over a connection of its own

    assert refuses_the_child_of_a_transaction(store, read)
    assert dict(stored(store).genres) == {"jazz": 0.5}


def test_what_a_process_did_not_commit_is_gone_when_it_dies(
    store: PostgresqlStore, postgres: Database, tmp_path: Path
) -> None:
    create(store, "alice")
    before = everything(store)

    def work() -> None:
        own = postgres.open(tmp_path)
        with own.transaction(["alice"]) as transaction:
            change_everything(transaction.user("alice"))
            transaction.flush()
            os.kill(os.getpid(), 9)

    assert in_child(work) == -9
    assert everything(store) == before
    raise_weight(store, "e1")


def test_threads_open_one_new_store(postgres: Database, tmp_path: Path) -> None:
    with ThreadPoolExecutor(PROCESSES) as pool:
        stores = list(pool.map(lambda _: postgres.open(tmp_path), range(PROCESSES)))
    assert len({store.catalogue_token() for store in stores}) == 1
    for store in stores:
        store.close()


# ---- a server that goes away -----------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_a_server_that_is_killed_loses_nothing_that_was_acknowledged(own_server: Server, tmp_path: Path) -> None:
    store = own_server.open(tmp_path, retry=2)
    acknowledged: list[str] = []
    stop = threading.Event()

    def work() -> None:
        with PersonalizedDJ(store=store, seed=1) as dj:
            dj.add_content([a_track("t1")])
            number = 0
            while not stop.is_set():
                try:
                    dj.record_feedback("alice", "t1", "play", event_id=f"e{number}")
                except StoreUnavailableError:
                    continue  # with the same event_id
                acknowledged.append(f"e{number}")
                number += 1

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        for crash in range(10):
            before = len(acknowledged)
            wait_until(lambda before=before: len(acknowledged) >= before + 20)
            own_server.kill()
            time.sleep(2.5 * (crash == 1))  # once, longer than the store tries
            own_server.start()
            before = len(acknowledged)
            wait_until(lambda before=before: len(acknowledged) > before)
        stop.set()
        working.result()
    store = own_server.open(tmp_path)
    found = [event.event_id for event in store.events("alice") if event.kind == "feedback"]
    assert found == acknowledged
    assert dict(store.states("alice", "trust")) != {}
    assert store.check() == []
    store.close()


def test_a_restart_is_not_noticed_between_two_operations(own_server: Server, tmp_path: Path) -> None:
    store = own_server.open(tmp_path)
    create(store, "alice")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: stored(store), range(50)))
    own_server.halt()
    own_server.start()
    raise_weight(store, "e1")
    own_server.halt()
    own_server.start()
    assert dict(stored(store).genres) == {"jazz": 1 / 1024}
    store.close()


def test_a_server_that_stays_away_is_an_error_in_time(own_server: Server, tmp_path: Path) -> None:
    store = own_server.open(tmp_path, retry=0.5)
    create(store, "alice")
    own_server.kill()
    start = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="check that the server runs"):
        raise_weight(store, "e1")
    with pytest.raises(StoreUnavailableError):
        store.snapshot("alice")
    with pytest.raises(StoreUnavailableError, match="check that the server runs"):
        own_server.open(tmp_path)
    assert time.monotonic() - start < 5
    own_server.start()
    raise_weight(store, "e1")
    store.close()


def test_a_transaction_that_loses_its_server_wrote_nothing(store: PostgresqlStore, postgres: Database) -> None:
    create(store, "alice")

    def work() -> None:
        with store.transaction(["alice"]) as transaction:
            transaction.user("alice").put_weight("genres", "jazz", 0.5)
            ((pid,),) = transaction.connection.rows("SELECT pg_backend_pid()", ())
            postgres.terminate(f"pid = {pid}")
            transaction.user("alice").state("trust", "key")

    with pytest.raises(StoreUnavailableError, match=r"went away|cannot be reached"):  # as psycopg's version has it
        work()
    assert dict(stored(store).genres) == {}


def test_a_commit_whose_answer_is_lost_says_so(store: PostgresqlStore, postgres: Database, tmp_path: Path) -> None:
    create(store, "alice")
    with ThreadPoolExecutor(1) as pool, held(postgres, f"LOCK TABLE {postgres.schema(tmp_path)}.events IN SHARE MODE"):
        writing = pool.submit(append, store, "alice", a_feedback())
        wait_until(lambda: waiting(postgres))
        postgres.terminate("wait_event_type = 'Lock' AND query LIKE 'INSERT INTO events%'")
        with pytest.raises(StoreUnavailableError, match=r"unknown whether it was stored.*event_id"):
            writing.result()
    assert list(store.events("alice")) == []
    append(store, "alice", a_feedback())


def test_a_generator_of_tracks_is_not_read_twice_when_the_server_goes(
    store: PostgresqlStore, postgres: Database
) -> None:
    def tracks() -> Iterator[Any]:
        yield from some_tracks(6000)
        postgres.terminate("state = 'idle in transaction'")
        yield from some_tracks(10, first=6000)

    with pytest.raises(StoreUnavailableError):
        store.write_tracks(tracks())
    assert store.catalogue_token().counter == 0
    assert store.write_tracks(some_tracks(10)).added == 10


# ---- the end ---------------------------------------------------------------------------------------------------------


def test_closing_leaves_no_thread_and_no_connection(postgres: Database, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    store = postgres.open(tmp_path)
    store.write_tracks(some_tracks(5000))
    unread = store.catalogue_since(None)
    fetching = "query LIKE 'FETCH%FROM page%'"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.catalogue_token(), range(20)))
    assert postgres.activity(fetching)
    store.close()
    assert set(threading.enumerate()) == before
    wait_until(lambda: not postgres.activity(fetching))
    with pytest.raises(StoreError):
        list(unread.written)


def test_a_stream_that_is_dropped_closes_its_connection(store: PostgresqlStore, postgres: Database) -> None:
    store.write_tracks(some_tracks(5000))
    written = iter(store.catalogue_since(None).written)
    next(written)
    fetching = "query LIKE 'FETCH%FROM page%'"
    assert postgres.activity(fetching)
    del written
    wait_until(lambda: not postgres.activity(fetching))


def test_closing_waits_for_what_other_threads_do(postgres: Database, tmp_path: Path) -> None:
    store = postgres.open(tmp_path)
    assert_closing_waits_for_a_transaction(store, lambda: store._connections._closed)
    again = postgres.open(tmp_path)
    assert list(again.user_ids()) == ["alice"]
    again.close()


def test_closing_inside_a_transaction_leaves_nothing(postgres: Database, tmp_path: Path) -> None:
    store = postgres.open(tmp_path)

    def work() -> None:
        with store.transaction(["alice"]) as transaction:
            transaction.user("alice").create(TIME)
            store.close()

    with pytest.raises(ClosedError):
        work()
    again = postgres.open(tmp_path)
    assert list(again.user_ids()) == []
    again.close()


def test_a_store_that_is_dropped_ends_its_threads(postgres: Database, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    store = postgres.open(tmp_path)
    create(store, "alice")
    del store
    wait_until(lambda: set(threading.enumerate()) == before)


# ---- what fails half-way ---------------------------------------------------------------------------------------------


def test_a_connection_that_cannot_be_set_up_is_closed(postgres: Database, tmp_path: Path) -> None:
    postgres.open(tmp_path).close()

    errors: list[BaseException] = [psycopg.OperationalError("lost"), SystemExit()]

    def fails(*_: Any) -> None:
        raise errors.pop(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections.Raw, "configure", fails)
        for expected in (StoreUnavailableError, SystemExit):
            with pytest.raises(expected):
                postgres.open(tmp_path)
    assert errors == []


def test_a_stream_that_cannot_begin_leaves_no_connection(
    store: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(connection: Any, *_: Any) -> Any:
        used.append(connection)
        raise ZeroDivisionError

    used: list[Any] = []
    create(store, "alice")
    append(store, "alice", *(a_feedback() for _ in range(2100)))
    store.write_tracks(some_tracks(2100))
    monkeypatch.setattr(connections.Connection, "stream", fails)
    for read in (lambda: store.catalogue_since(None), lambda: store.record("alice")):
        with pytest.raises(ZeroDivisionError):
            read()
    assert [connection.raw.closed for connection in used] == [True, True]


def test_a_store_that_is_closed_while_a_thread_waits_for_a_connection_refuses_it(
    postgres: Database, tmp_path: Path
) -> None:
    store = postgres.open(tmp_path, pool_size=1)
    end = threading.Event()

    def work() -> None:
        with store.transaction(["alice"]):
            end.wait()

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(work)
        wait_until(lambda: not store._connections._ready()._free)
        refused = pool.submit(store.snapshot, "alice")
        wait_until(lambda: store._connections._ready()._waiting)
        store._connections._ready().close()
        with pytest.raises(ClosedError):
            refused.result()
        end.set()
        holding.result()
    store.close()
