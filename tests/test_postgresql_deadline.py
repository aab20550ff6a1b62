"""A PostgreSQL server that answers nothing: every call ends, calls work afterwards, and the log has two lines of it."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from support.stalling_proxy import StallingProxy
from support.store_scenes import wait_until

from qfzz import PersonalizedDJ
from qfzz_core.errors import StoreLockedError
from qfzz_core.testing.samples import TIME, a_feedback, a_track, create, some_tracks
from qfzz_core.testing.stores_events import append
from qfzz_core.testing.stores_transactions import raise_weight
from qfzz_plugins.stores.postgresql import PostgresqlOptions, open_postgresql, raw
from qfzz_plugins.stores.postgresql.errors import ServerAwayError
from qfzz_plugins.stores.postgresql.pool import Pool

pytestmark = pytest.mark.once

if TYPE_CHECKING:
    from support.postgres_server import Database, Server

    from qfzz_plugins.stores.postgresql.store import PostgresqlStore

pytest_plugins = ["support.postgres_server"]

DEADLINE = 0.5  # seconds, which a healthy call here does not need
HANGS = 20.0
THREADS = 8
PLACES = 20


class Behind:
    """A store behind a proxy."""

    def __init__(self, postgres: Database, place: Path, **options: Any) -> None:
        self.place = place
        self.proxy = StallingProxy(postgres.url)
        self.options = PostgresqlOptions(**{"schema": postgres.schema(place), "deadline": DEADLINE, **options})
        self.store: PostgresqlStore = _insist(self.open)

    def another(self, postgres: Database) -> Behind:
        """Return the same store behind another proxy, where a busy machine may take its time."""
        return Behind(postgres, self.place, deadline=2 * DEADLINE)

    def open(self) -> PostgresqlStore:
        return open_postgresql(self.proxy.url, self.options)

    def close(self) -> None:
        self.store.close()
        self.proxy.close()


@pytest.fixture
def behind(postgres: Database, tmp_path: Path) -> Iterator[Behind]:
    made = Behind(postgres, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def full(postgres: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """One whose calls have more than a page to read."""
    place = tmp_path_factory.mktemp("full")
    with_defaults = postgres.open(place)
    with_defaults.write_tracks(some_tracks(2100))
    create(with_defaults, "alice")
    append(with_defaults, "alice", *(a_feedback() for _ in range(2100)))
    with_defaults.close()
    made = Behind(postgres, place, pool_size=20)
    yield made
    made.close()


def ended(call: Callable[[], Any]) -> Any:
    """Return what a call returns or raises, if it ends at all."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call)
        return future.exception(HANGS) or future.result()


# ---- every operation -------------------------------------------------------------------------------------------------


def _transaction(store: PostgresqlStore) -> None:
    with store.transaction(["alice"]) as transaction:
        user = transaction.user("alice")
        user.snapshot()
        user.append(a_feedback())


def _empty_transaction(store: PostgresqlStore) -> None:
    with store.transaction([]):
        pass


def _record(store: PostgresqlStore) -> list[Any]:
    record = store.record("alice")
    assert record is not None
    return list(record.events)


OPERATIONS: dict[str, Callable[[PostgresqlStore], Any]] = {
    "user_ids": lambda store: list(store.user_ids()),
    "revision": lambda store: store.revision("alice"),
    "snapshot": lambda store: store.snapshot("alice"),
    "events": lambda store: list(store.events("alice")),
    "newest events": lambda store: list(store.events("alice", newest_first=True)),
    "states": lambda store: store.states("alice", "trust"),
    "transaction": _transaction,
    "empty transaction": _empty_transaction,
    "record": _record,
    "forget": lambda store: store.forget("nobody"),
    "load": lambda store: store.load([], [a_track("loaded")]),
    "check": lambda store: store.check(),
    "write_tracks": lambda store: store.write_tracks([a_track("written")]),
    "write many": lambda store: store.write_tracks(some_tracks(500, first=1900)),
    "remove_tracks": lambda store: store.remove_tracks(["missing"]),
    "catalogue_token": lambda store: store.catalogue_token(),
    "catalogue_since": lambda store: len(list(store.catalogue_since(None).written)),
    "changes": lambda store: list(store.catalogue_since(store.catalogue_token()).written),
    "tracks_at": lambda store: store.tracks_at([1, 2]),
    "find_track": lambda store: store.find_track("t1"),
}


def test_every_operation_ends_when_the_server_answers_nothing(full: Behind) -> None:
    """All at once, on connections that are there and then on new ones."""
    with ThreadPoolExecutor(len(OPERATIONS)) as pool:
        list(pool.map(lambda operation: _insist(lambda: operation(full.store)), OPERATIONS.values()))
        full.proxy.stall()
        for _ in range(2):
            ends = {name: pool.submit(operation, full.store) for name, operation in OPERATIONS.items()}
            outcomes = {name: type(end.exception(HANGS)) for name, end in ends.items()}
            assert outcomes == dict.fromkeys(OPERATIONS, ServerAwayError)
    full.proxy.resume()
    for operation in OPERATIONS.values():
        _insist(lambda operation=operation: operation(full.store))


@pytest.mark.exhaustive
def test_every_operation_ends_when_the_server_stops_in_its_midst(postgres: Database, full: Behind) -> None:
    def work(name: str) -> Any:
        behind, operation = full.another(postgres), OPERATIONS[name]
        # the least of several: one that met another operation's lock may have been made twice
        behind.proxy.stall_after(min(_passed(behind, operation) for _ in range(4)) // 2)
        outcome = ended(lambda: operation(behind.store))
        behind.proxy.resume()
        _insist(lambda: operation(behind.store))
        behind.close()
        return type(outcome)

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = dict(zip(OPERATIONS, pool.map(work, OPERATIONS), strict=True))
    assert outcomes == dict.fromkeys(OPERATIONS, ServerAwayError)


def _passed(behind: Behind, operation: Callable[[PostgresqlStore], Any]) -> int:
    """Return how many bytes an operation takes."""
    before = behind.proxy.passed
    operation(behind.store)
    return behind.proxy.passed - before


def _edit(dj: PersonalizedDJ) -> None:
    with dj.edit("alice") as profile:
        profile.energy_level = 0.3


CALLS: dict[str, Callable[[PersonalizedDJ], Any]] = {
    "get_or_create_profile": lambda dj: dj.get_or_create_profile("carol"),
    "get_profile": lambda dj: dj.get_profile("alice"),
    "edit": _edit,
    "forget": lambda dj: dj.forget("nobody"),
    "recommend": lambda dj: dj.recommend("alice", limit=3),
    "iter_recommend": lambda dj: next(dj.iter_recommend("alice")),
    "recommend_many": lambda dj: list(dj.recommend_many(["alice", "bob"], limit=3)),
    "explain": lambda dj: dj.explain("alice", "t1"),
    "record_feedback": lambda dj: dj.record_feedback("alice", "t1", "like"),
    "record_many": lambda dj: dj.record_many([{"user_id": "bob", "track_id": "t1", "interaction_type": "play"}] * 60),
    "get_trust_score": lambda dj: dj.get_trust_score("alice", artist="Miles Davis"),
    "add_content": lambda dj: dj.add_content([a_track("added")]),
    "get_track": lambda dj: dj.get_track("t1"),
    "remove_content": lambda dj: dj.remove_content(["added"]),
    "check_log": lambda dj: dj.engine.check_log("alice"),
    "rebuild": lambda dj: dj.engine.rebuild("bob"),
}


@pytest.mark.exhaustive
def test_every_call_of_an_engine_ends_when_the_server_answers_nothing(full: Behind) -> None:
    dj = PersonalizedDJ(store=full.store, seed=1)
    for call in CALLS.values():
        _insist(lambda call=call: call(dj))
    full.proxy.stall()
    with ThreadPoolExecutor(len(CALLS)) as pool:
        ends = {name: pool.submit(call, dj) for name, call in CALLS.items()}
        outcomes = {name: type(end.exception(HANGS)) for name, end in ends.items()}
    full.proxy.resume()
    assert outcomes == dict.fromkeys(CALLS, ServerAwayError)
    for call in CALLS.values():
        _insist(lambda call=call: call(dj))


@pytest.mark.exhaustive
def test_a_store_behind_a_silent_server_cannot_be_opened(behind: Behind) -> None:
    before = behind.proxy.passed
    behind.open().close()
    messages = behind.proxy.passed - before
    for count in (0, 1, 2, messages // 2, messages - 2):
        behind.proxy.stall_after(count)
        assert isinstance(ended(behind.open), ServerAwayError)
        behind.proxy.resume()
    behind.open().close()


def test_a_server_that_accepts_and_never_answers_is_away(behind: Behind) -> None:
    """Even one that is there when a connection is made, and whose name takes longest to resolve."""
    with pytest.MonkeyPatch.context() as patch:
        answered = threading.Event()
        patch.setattr("psycopg._conninfo_attempts._resolve_hostnames", lambda _: answered.wait(HANGS) and [])
        assert isinstance(ended(behind.open), ServerAwayError)
        answered.set()
    behind.open().close()


def test_a_connection_that_is_made_too_late_is_closed(behind: Behind, postgres: Database) -> None:
    before = postgres.activity("true")
    with pytest.raises(Exception, match="in time"):
        raw.connected(postgres.url, 0.0)
    wait_until(lambda: postgres.activity("true") == before)


def test_a_connection_that_is_made_at_the_last_moment_is_closed(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Future[Any]):
        def result(self, timeout: float | None = None) -> Any:
            made.append(super().result(HANGS))
            if timeout is not None:
                raise TimeoutError
            return made[0]

    made: list[Any] = []
    monkeypatch.setattr(raw, "Future", Late)
    with pytest.raises(psycopg.OperationalError, match="in time"):
        raw.connected(postgres.url, time.monotonic() + HANGS)
    assert made[0].closed


def test_a_statement_that_is_interrupted_ends_on_the_server_too(behind: Behind, postgres: Database) -> None:
    with pytest.MonkeyPatch.context() as patch:

        def interrupted(poller: Any, fileno: int, wanted: int) -> int:
            if wanted == 1:
                raise KeyboardInterrupt
            return ready(poller, fileno, wanted)

        ready = raw._ready
        patch.setattr(raw, "_ready", interrupted)
        with pytest.raises(KeyboardInterrupt):
            behind.store._connections.rows("SELECT pg_sleep(60)", ())
    wait_until(lambda: not postgres.activity("query LIKE 'SELECT pg_sleep(60)%%'"))
    assert behind.store.catalogue_token().counter == 0


def test_closing_does_not_wait_for_a_silent_server(postgres: Database, tmp_path: Path) -> None:
    behind = Behind(postgres, tmp_path)
    create(behind.store, "alice")
    unread = behind.store.user_ids()
    behind.proxy.stall()
    assert ended(behind.store.close) is None
    del unread
    behind.proxy.close()


def test_an_error_inside_a_transaction_is_raised_when_it_cannot_be_rolled_back(behind: Behind) -> None:
    def work() -> None:
        with behind.store.transaction(["alice"]) as transaction:
            transaction.user("alice").create(TIME)
            behind.proxy.stall()
            raise ZeroDivisionError

    assert isinstance(ended(work), ZeroDivisionError)
    behind.proxy.resume()
    create(behind.store, "alice")


def test_a_load_that_stalls_leaves_nothing(behind: Behind) -> None:
    def tracks() -> Iterator[Any]:
        yield from some_tracks(7000)
        behind.proxy.stall()
        yield from some_tracks(20_000, first=7000, notes="x" * 1000)

    assert isinstance(ended(lambda: behind.store.write_tracks(tracks())), ServerAwayError)
    behind.proxy.resume()
    assert behind.store.catalogue_token().counter == 0
    assert behind.store.write_tracks(some_tracks(10)).added == 10


# ---- every place in a feedback ---------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_a_feedback_ends_wherever_the_server_stops_and_is_applied_once(postgres: Database, tmp_path: Path) -> None:
    """Threads share the places; each has a proxy, a store and a listener of its own."""
    with_defaults = postgres.open(tmp_path)
    with_defaults.write_tracks([a_track()])

    def work(thread: int) -> tuple[int, int]:
        behind = Behind(postgres, tmp_path)
        with PersonalizedDJ(store=behind.store, seed=1) as dj:
            user_id, first = f"user {thread}", behind.proxy.passed
            _insist(lambda: dj.record_feedback(user_id, "t1", "like", event_id="0"))
            messages = behind.proxy.passed - first
            found = [_stopped(behind, dj, user_id, number) for number in range(1 + thread, messages + 1, PLACES)]
            feedback = [event.event_id for event in with_defaults.events(user_id) if event.kind == "feedback"]
            assert len(feedback) == len({*feedback}) == len(found) + 1
        behind.proxy.close()
        return found.count(True), len(found)

    with ThreadPoolExecutor(PLACES) as pool:
        results = list(pool.map(work, range(PLACES)))
    assert sum(stopped for stopped, _ in results) > 50
    with_defaults.close()


def _stopped(behind: Behind, dj: PersonalizedDJ, user_id: str, number: int) -> bool:
    """Whether a feedback was stopped after so many messages; repeated, it works."""
    behind.proxy.stall_after(number)
    error = ended(lambda: dj.record_feedback(user_id, "t1", "like", event_id=str(number)))
    assert error is None or isinstance(error, ServerAwayError), error
    behind.proxy.resume()
    _insist(lambda: dj.record_feedback(user_id, "t1", "like", event_id=str(number)))
    return error is not None


def _insist(call: Callable[[], Any]) -> Any:
    """Make a call that a busy machine may make too late for so short a deadline."""
    for _ in range(10):
        with suppress(ServerAwayError):
            return call()
    return call()


# ---- afterwards, and others meanwhile --------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_threads_end_and_work_again_without_a_restart(postgres: Database, tmp_path: Path) -> None:
    behind = Behind(postgres, tmp_path, pool_size=4)  # so that some wait for a connection in vain
    create(behind.store, "alice")
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: behind.store.snapshot("alice"), range(50)))
        behind.proxy.stall()
        errors = [pool.submit(behind.store.snapshot, "alice") for _ in range(2 * THREADS)]
        assert {type(each.exception(HANGS)) for each in errors} == {ServerAwayError}
        behind.proxy.resume()
        _insist(lambda: behind.store.snapshot("alice"))
        assert None not in pool.map(lambda _: behind.store.snapshot("alice"), range(50))
    behind.close()


def test_connections_that_nobody_used_cost_no_further_deadline(behind: Behind) -> None:
    """One flow is lost, and so may be the others that were there; new ones work."""
    everybody = threading.Barrier(THREADS)

    def hold(_: int) -> None:
        with behind.store.transaction([]):
            everybody.wait()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(hold, range(THREADS)))
    behind.proxy.stall_those_there()
    names = [f"user {number}" for number in range(THREADS)]
    outcomes = [ended(lambda name=name: create(behind.store, name)) for name in names]  # type: ignore[misc]
    assert [type(outcome) for outcome in outcomes].count(ServerAwayError) == 1
    behind.proxy.resume()


def test_connections_that_others_use_live_on(behind: Behind) -> None:
    create(behind.store, "alice", "bob")
    with ThreadPoolExecutor(1) as pool, behind.store.transaction(["alice"]) as transaction:
        transaction.user("alice").put_weight("genres", "jazz", 0.5)
        behind.proxy.stall()
        assert isinstance(pool.submit(behind.store.snapshot, "bob").exception(HANGS), ServerAwayError)
        behind.proxy.resume()
    found = behind.store.snapshot("alice")
    assert found is not None
    assert dict(found.genres) == {"jazz": 0.5}


# ---- a server that works is not taken for one that is away -----------------------------------------------------------


@pytest.mark.exhaustive
def test_a_statement_may_take_longer_than_the_deadline(postgres: Database, tmp_path: Path) -> None:
    behind = Behind(postgres, tmp_path, deadline=1)
    assert behind.store._connections.rows("SELECT 1 FROM pg_sleep(1.5)", ()) == [(1,)]
    behind.close()


@pytest.mark.exhaustive
def test_a_statement_longer_than_the_deadline_ends_when_the_server_stops(postgres: Database, tmp_path: Path) -> None:
    behind = Behind(postgres, tmp_path, deadline=1)
    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(behind.store._connections.rows, "SELECT 1 FROM pg_sleep(60)", ())
        wait_until(lambda: behind.proxy.accepted > 3)  # one opened the store, one sleeps: so it was asked for twice
        behind.proxy.stall()
        assert isinstance(sleeping.exception(HANGS), ServerAwayError)
    behind.proxy.drop()
    behind.close()


def test_an_answer_that_was_lost_is_not_waited_for(behind: Behind) -> None:
    """The server is there and says that it does not work on this statement."""
    create(behind.store, "alice")
    behind.proxy.stall_those_there()
    assert isinstance(ended(lambda: raise_weight(behind.store, "e1")), ServerAwayError)
    behind.proxy.drop()
    _insist(lambda: raise_weight(behind.store, "e1"))


@pytest.mark.exhaustive
def test_a_lock_that_is_waited_for_longer_than_the_deadline_is_a_lock(postgres: Database, tmp_path: Path) -> None:
    behind = Behind(postgres, tmp_path, deadline=1, lock_timeout=1.5)
    create(behind.store, "alice")
    with ThreadPoolExecutor(1) as pool, behind.store.transaction(["alice"]):
        assert isinstance(pool.submit(create, behind.store, "alice").exception(HANGS), StoreLockedError)
    behind.close()


@pytest.mark.exhaustive
def test_a_pool_in_use_for_longer_than_the_deadline_is_in_use(postgres: Database, tmp_path: Path) -> None:
    behind = Behind(postgres, tmp_path, deadline=1, lock_timeout=1.5, pool_size=1)
    with ThreadPoolExecutor(1) as pool, behind.store.transaction([]):
        waiting = pool.submit(behind.store.catalogue_token)
        assert isinstance(waiting.exception(HANGS), StoreLockedError)
        waiting = pool.submit(behind.store.catalogue_token)
        wait_until(lambda: behind.proxy.accepted > 5)
    assert waiting.result(HANGS).counter == 0
    behind.close()


# ---- the log ---------------------------------------------------------------------------------------------------------


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


def test_an_outage_is_two_lines_in_the_log(behind: Behind, caplog: pytest.LogCaptureFixture) -> None:
    create(behind.store, "alice")
    caplog.set_level(logging.INFO)
    for _ in range(2):
        caplog.clear()
        behind.proxy.stall()
        with ThreadPoolExecutor(THREADS) as pool:
            for each in [pool.submit(raise_weight, behind.store, "e1") for _ in range(2 * THREADS)]:
                assert isinstance(each.exception(HANGS), ServerAwayError)
        assert len(lines(caplog)) == 1
        behind.proxy.resume()
        _insist(lambda: behind.store.snapshot("alice"))
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda _: behind.store.snapshot("alice"), range(50)))
        began, over = lines(caplog)
        assert began.startswith(f"{behind.store.name} cannot be reached")
        assert over.startswith(f"{behind.store.name} answers again, after ")
    assert {record.name for record in caplog.records} == {"qfzz.stores"}


def test_a_failure_that_comes_late_begins_no_further_outage(behind: Behind, caplog: pytest.LogCaptureFixture) -> None:
    outages = behind.store._connections._outages
    error = ServerAwayError("away")
    outages.failed(1.0, error)
    outages.succeeded(2.0)  # it began before anybody noticed, so it says nothing of now
    assert lines(caplog) == ["away"]
    outages.succeeded(time.monotonic())
    outages.failed(3.0, error)
    assert [line.partition(", after")[0] for line in lines(caplog)] == ["away", f"{behind.store.name} answers again"]


UNCONFIGURED = """
import sys
from qfzz_core.errors import StoreError
from qfzz_core.testing.samples import some_tracks
from qfzz_plugins.stores.postgresql import PostgresqlOptions, open_postgresql

store = open_postgresql(sys.argv[1], PostgresqlOptions(schema=sys.argv[2], deadline=1, retry=0.5))
def work():
    for call in (lambda: store.write_tracks(some_tracks(60)), lambda: store.catalogue_token(),
                 lambda: store.transaction(["alice"]).__enter__(), lambda: store.check()):
        try:
            call()
        except StoreError as error:
            print(type(error).__name__)

def halting():
    yield from some_tracks(5500)
    print("halt", flush=True)
    sys.stdin.readline()
    yield from some_tracks(6000, first=5500)

try:
    store.write_tracks(halting())
except StoreError as error:
    print(type(error).__name__)
work()
print("start", flush=True)
sys.stdin.readline()
work()
"""


def test_an_application_without_logging_sees_nothing_of_an_outage(own_server: Server, tmp_path: Path) -> None:
    schema = own_server.schema(tmp_path)
    command = [sys.executable, "-X", "dev", "-c", UNCONFIGURED, own_server.url, schema]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as program:
        assert program.stdout is not None
        assert program.stdin is not None
        outcomes = []
        for line in program.stdout:
            outcomes.append(line.strip())
            if line.strip() in ("halt", "start"):
                own_server.kill() if line == "halt\n" else own_server.start()
                program.stdin.write("\n")
                program.stdin.flush()
        assert program.stderr is not None
        assert program.stderr.read() == ""
    assert outcomes == ["halt", *["ServerAwayError"] * 5, "start"]


# ---- the pool --------------------------------------------------------------------------------------------------------


def test_a_connection_that_is_old_or_unused_is_closed(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(3, lambda end: raw.connected(postgres.url, end))
    end = time.monotonic() + HANGS
    one, two = (pool.enter(0) and pool.get(end) for _ in range(2))
    assert isinstance(one, raw.Raw)
    assert isinstance(two, raw.Raw)
    pool.put(one)
    pool.put(two)
    assert pool.enter(0)
    assert pool.get(end) is two
    monkeypatch.setattr("qfzz_plugins.stores.postgresql.pool._UNUSED", 0.0)
    pool.put(two)
    assert (one.closed, two.closed) == (True, False)
    assert pool.enter(0)
    assert pool.get(end) is two
    monkeypatch.setattr("qfzz_plugins.stores.postgresql.pool._OLDEST", 0.0)
    pool.put(two)
    assert two.closed
    pool.close()


def test_whoever_is_interrupted_takes_no_place(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        """A lock whose holder is interrupted, be it before or after a place was given."""

        def __init__(self) -> None:
            pass

        def acquire(self, timeout: float | None = None) -> None:
            if timeout is not None:
                if given:
                    pool.leave()
                raise KeyboardInterrupt

        def release(self) -> None:
            pass

    for given in (False, True):
        pool = Pool(1, lambda end: raw.connected(postgres.url, end))
        assert pool.enter(0)
        with monkeypatch.context() as patch:
            patch.setattr("qfzz_plugins.stores.postgresql.pool.Lock", Interrupted)
            with pytest.raises(KeyboardInterrupt):
                pool.enter(1)
        if not given:
            pool.leave()
        assert pool.enter(0)
        assert not pool.enter(0)
