"""Forking while other threads use the library: no child hangs, is locked out, or has half of anything."""

import os
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from support.processes import FORKING, exit_code, forked, in_child
from support.store_urls import patient

from qfzz import PersonalizedDJ
from qfzz_core.errors import RequestError, StoreUnavailableError
from qfzz_core.model import forks
from qfzz_core.model.cached_property import cached_property

pytest_plugins = ["support.store_urls"]
pytestmark = FORKING

FORKS = 8
TRACKS = 60


def a_track(number: int) -> dict[str, Any]:
    return {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": f"Artist {number % 7}",
        "genre": ("jazz", "rock")[number % 2],
        "mood": "calm",
        "energy": 0.5,
        "tempo": "medium",
        "duration": 200,
    }


@pytest.fixture
def dj(store_url: str) -> Iterator[PersonalizedDJ]:
    with PersonalizedDJ(config=patient(store_url), seed=1) as made:
        made.add_content([a_track(number) for number in range(TRACKS)])
        yield made


def opened(path: Path) -> PersonalizedDJ:
    return PersonalizedDJ(store=f"sqlite:///{path}")


def events(dj: PersonalizedDJ, user_id: str = "alice") -> list[str]:
    log = dj.engine.store.events(user_id)
    return [event.event_id for event in log if event.event_id is not None]


def feedback(dj: PersonalizedDJ, event_id: str, user_id: str = "alice") -> None:
    dj.record_feedback(user_id, "t1", "play", rating=0.5, event_id=event_id)


@contextmanager
def busy(*calls: Callable[[int], Any]) -> Iterator[None]:
    """Threads that call again and again, each with its own count."""
    ended = threading.Event()

    def repeat(call: Callable[[int], Any]) -> None:
        for number in count():
            if ended.is_set():
                return
            call(number)

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(repeat, call) for call in calls]
        try:
            yield
        finally:
            ended.set()
        for thread in running:
            thread.result()


def everything(dj: PersonalizedDJ, profile: Any, name: str) -> None:
    """What an application does in a child."""
    assert len(dj.recommend("alice", limit=5)) == 5
    feedback(dj, name)
    dj.add_content([a_track(1000)])
    profile.genres["folk"] = 0.5
    assert dj.get_or_create_profile("alice").genres["folk"] == 0.5
    assert name in events(dj)
    assert dj.engine.check_log("alice") == []


def test_children_of_a_busy_parent_go_on_and_lose_nothing(dj: PersonalizedDJ) -> None:
    profile, acknowledged = dj.get_or_create_profile("alice"), []

    def give(number: int) -> None:
        feedback(dj, f"given {number}")
        acknowledged.append(f"given {number}")
        time.sleep(0.001)

    def add(number: int) -> None:
        dj.add_content([a_track(100 + number % 50)])
        time.sleep(0.001)

    def edit(number: int) -> None:
        dj.get_or_create_profile("bob").energy_level = number % 10 / 10

    def recommend(_: int) -> None:
        dj.recommend("alice", limit=5, where={"genre": "jazz"})

    def work(name: str) -> None:
        assert set(acknowledged) <= set(events(dj))
        everything(dj, profile, name)
        dj.close()

    names = [f"child {number}" for number in range(FORKS)]
    with busy(give, add, edit, recommend):
        assert [in_child(lambda name=name: work(name)) for name in names] == [0] * FORKS  # type: ignore[misc]
    assert {*acknowledged, *(names if dj.engine.store.shared else [])} <= set(events(dj))
    assert dj.engine.check_log("alice") == []


def test_children_of_children_and_of_threads_go_on(dj: PersonalizedDJ) -> None:
    profile = dj.get_or_create_profile("alice")

    def work() -> None:
        feedback(dj, "child")
        with busy(lambda number: feedback(dj, f"again {number}")):
            assert in_child(lambda: everything(dj, profile, "grandchild")) == 0
        everything(dj, profile, "child again")

    with busy(lambda number: feedback(dj, f"parent {number}")), ThreadPoolExecutor(1) as thread:
        assert thread.submit(in_child, work).result() == 0
    everything(dj, profile, "parent")
    if dj.engine.store.shared:
        assert {"child", "grandchild", "child again"} <= set(events(dj))


_parents: list[PersonalizedDJ] = []  # which a pool of forked processes inherits


def _of_the_pool(number: int) -> int:
    feedback(_parents[0], f"pool {number}")
    return len(_parents[0].recommend("alice", limit=5))


def test_a_pool_of_forked_processes_uses_the_engine_of_its_parent(dj: PersonalizedDJ) -> None:
    _parents.append(dj)
    with busy(lambda number: feedback(dj, f"parent {number}")), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
            assert list(pool.map(_of_the_pool, range(6), timeout=120)) == [5] * 6
    _parents.clear()
    if dj.engine.store.shared:
        assert {f"pool {number}" for number in range(6)} <= set(events(dj))


def test_what_a_child_recorded_is_stored_although_its_parent_closes_the_store(shared_url: str) -> None:
    dj = PersonalizedDJ(store=shared_url)
    feedback(dj, "parent")
    reading, writing = os.pipe()

    def work() -> None:
        feedback(dj, "before")
        os.close(writing)
        os.read(reading, 1)  # until the parent has closed the store, and the journal with it if nobody else had it
        feedback(dj, "after")

    child = forked(work)
    while "before" not in events(dj):
        time.sleep(0.01)
    dj.close()
    os.close(writing)
    assert exit_code(child) == 0
    os.close(reading)
    with PersonalizedDJ(store=shared_url) as again:
        assert events(again) == ["parent", "before", "after"]


# ---- what is open when the process forks -----------------------------------------------------------------------------


@contextmanager
def open_transaction(dj: PersonalizedDJ) -> Iterator[Callable[[], None]]:
    """A transaction that another thread has open; what it gives lets that thread commit."""
    begun, end = threading.Event(), threading.Event()

    def hold() -> None:
        with dj.engine.store.transaction(["alice"]) as transaction:
            transaction.user("alice").put_weight("genres", "open", 0.5)
            begun.set()
            assert end.wait(120)

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(hold)
        assert begun.wait(60)
        try:
            yield end.set
        finally:
            end.set()
        holding.result()


def test_a_fork_waits_for_a_short_transaction(dj: PersonalizedDJ) -> None:
    dj.get_or_create_profile("alice")

    def work() -> None:
        assert dj.engine.store.snapshot("alice").genres in ({}, {"open": 0.5})  # type: ignore[union-attr]
        feedback(dj, "child")

    with open_transaction(dj) as end:
        timer = threading.Timer(0.2, end)
        timer.start()
        assert in_child(work) == 0
    assert dict(dj.get_profile("alice").genres) == {"open": 0.5}  # type: ignore[union-attr]


def test_a_transaction_that_stays_open_never_shows_half_in_a_child(
    dj: PersonalizedDJ, monkeypatch: pytest.MonkeyPatch
) -> None:
    dj.get_or_create_profile("alice")
    dj.get_or_create_profile("bob")
    monkeypatch.setattr(forks, "WAIT_FOR_QUIET", 0.3)
    url = dj.engine.store.name

    def work() -> None:
        if url.startswith("sqlite"):
            for use in (
                lambda: dj.get_profile("alice"),
                lambda: feedback(dj, "child"),
                lambda: PersonalizedDJ(store=url),
            ):
                with pytest.raises(StoreUnavailableError, match=r"store.*was forked while another thread was at work"):
                    use()
            dj.close()
        else:
            assert dict(dj.get_profile("alice").genres) == {}  # type: ignore[union-attr]
            feedback(dj, "child", "bob")
            assert events(dj, "bob") == ["child"]

    with open_transaction(dj):
        assert in_child(work) == 0
    assert dict(dj.get_profile("alice").genres) == {"open": 0.5}  # type: ignore[union-attr]
    assert in_child(lambda: feedback(dj, "later")) == 0  # another child, of a quieter moment


def test_a_child_cannot_use_a_file_of_which_its_parent_has_a_transaction_open(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db") as dj, opened(tmp_path / "b.db") as other:
        feedback(dj, "before")

        def work() -> None:
            with pytest.raises(StoreUnavailableError, match="end the transaction before forking"):
                feedback(dj, "child")
            feedback(other, "child")

        with dj.engine.store.transaction(["alice"]) as transaction:
            transaction.user("alice").put_weight("genres", "jazz", 0.5)
            assert in_child(work) == 0
        assert events(other) == ["child"]
        assert dict(dj.get_profile("alice").genres) == {"jazz": 0.5}  # type: ignore[union-attr]


def test_streams_that_are_open_hinder_no_child_and_go_on_in_the_parent(dj: PersonalizedDJ) -> None:
    dj.add_content([a_track(number) for number in range(5000)])
    mine = iter(dj.engine.store.catalogue_since(None).written)
    next(mine)
    with ThreadPoolExecutor(1) as thread:
        others = thread.submit(lambda: iter(dj.engine.store.catalogue_since(None).written)).result()
        thread.submit(next, others).result()
        profile = dj.get_or_create_profile("alice")
        assert in_child(lambda: everything(dj, profile, "child")) == 0
        assert len(list(others)) == len(list(mine)) == 4999


def test_the_end_of_a_child_rolls_nothing_back_in_its_parent(tmp_path: Path) -> None:
    code = """
        import os, sys
        from qfzz import PersonalizedDJ
        from qfzz_core.testing.samples import some_tracks

        def tracks():
            yield from some_tracks(30_000)  # more than SQLite keeps out of the journal
            child = os.fork()
            if not child:
                sys.exit()  # ends as programs do, unlike os._exit
            assert os.waitpid(child, 0)[1] == 0

        with PersonalizedDJ(store=sys.argv[1]) as dj:
            dj.engine.store.write_tracks(tracks())
            assert dj.engine.store.check() == []
            print(len(list(dj.engine.store.catalogue_since(None).written)))
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), f"sqlite:///{tmp_path}/store.db"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.returncode) == ("30000\n", 0), done.stderr


def test_an_iterator_with_threads_ends_in_a_child(dj: PersonalizedDJ) -> None:
    users = [f"user {number}" for number in range(50)]
    lists = dj.recommend_many(users, limit=5, threads=2)
    next(lists)

    def work() -> None:
        with pytest.raises(RequestError, match="begun before a fork"):
            list(lists)
        assert len(list(dj.recommend_many(users, limit=5, threads=2))) == 50

    assert in_child(work) == 0
    assert len(list(lists)) == 49


# ---- the mechanism ---------------------------------------------------------------------------------------------------


class Locked:
    """Something that is whole while nobody holds its locks."""

    def __init__(self, *locks: Any) -> None:
        self.locks = list(locks) or [threading.RLock()]
        self.renewed = 0
        forks.quiet_at_fork(self)

    def renew(self) -> None:
        self.renewed += 1

    def fork_locks(self) -> list[Any]:
        return self.locks


def that(true: bool) -> None:
    assert true


def test_a_fork_waits_for_threads_that_wait_for_each_other() -> None:
    """A thread holds what comes last and wants what comes first, which the forking thread has taken already."""
    first, last = threading.RLock(), threading.RLock()
    thing = Locked(first, last)
    holds = threading.Event()

    def work() -> None:
        with last:
            holds.set()
            time.sleep(0.05)
            with first:
                thing.locks.append(threading.RLock())

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(work)
        assert holds.wait(60)
        assert in_child(lambda: that(thing.renewed == 1 and all(map(forks.is_free, thing.locks)))) == 0
        running.result()
    assert thing.renewed == 0
    assert all(lock.acquire(blocking=False) for lock in thing.locks)


def test_a_lock_that_is_held_for_long_is_not_free_in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "WAIT_FOR_QUIET", 0.3)
    thing, other = Locked(), Locked()
    held, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with thing.locks[0]:
            held.set()
            assert ended.wait(60)

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(hold)
        assert held.wait(60)
        found = in_child(lambda: that([*map(forks.is_free, thing.locks + other.locks)] == [False, True]))
        ended.set()
        holding.result()
    assert found == 0


def test_a_child_imports_what_a_thread_of_its_parent_was_importing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_module_of_a_thread.py").write_text("import time\ntime.sleep(0.5)\nDONE = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def load() -> bool:
        return bool(__import__("slow_module_of_a_thread").DONE)

    with ThreadPoolExecutor(1) as thread:
        importing = thread.submit(load)
        while "slow_module_of_a_thread" not in sys.modules:
            time.sleep(0.01)
        assert in_child(load) == 0
        assert importing.result()


def test_a_cached_property_is_computed_in_a_child_although_a_thread_was_computing_it() -> None:
    begun, ended = threading.Event(), threading.Event()

    class Slow:
        quick = False

        @cached_property
        def value(self) -> int:
            begun.set()
            assert self.quick or ended.wait(60)
            return 1

    def work() -> None:
        other = Slow()
        other.quick = True
        assert other.value == 1

    with ThreadPoolExecutor(1) as thread:
        value = thread.submit(lambda: Slow().value)
        assert begun.wait(60)
        assert in_child(work) == 0
        ended.set()
        assert value.result() == 1
