"""Filters that look at a user's history: what they leave out is what the whole log says, and they do not read it."""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.third_party import plugin, scoring

from qfzz_core import Config, Engine, InteractionType, Request
from qfzz_core.contracts.latest import LatestInteractions
from qfzz_core.contracts.stores import KeepsLatest, Store
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event, Interaction
from qfzz_core.model.timestamps import NEVER, parsed
from qfzz_core.profiles import latest as cache
from qfzz_core.testing.samples import TIME, a_track, create, some_tracks
from qfzz_core.testing.stores_events import append
from qfzz_plugins.stores.memory import MemoryStore
from qfzz_plugins.stores.sqlite import open_sqlite

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PLAIN = {"discovery_factor": 0.0}  # so that nothing that may be chosen is left out by chance
TYPES = ("play", "skip", "like", "dislike", "favorite", "hum", "loathe")
HUMMING = plugin(
    "humming",
    qfzz_interaction_types=lambda: [
        InteractionType("hum", 0.1, heard=True, judgement="like"),
        InteractionType("loathe", -0.1, judgement="dislike"),
    ],
)
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"disliked": False},
    {"heard_within_days": 2},
    {"heard_within_days": 0.5},
    {"heard_within_days": 1, "disliked": False},
)


class Watched(MemoryStore):
    """A store that counts the events that are read from it."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        for event in super().events(user_id, newest_first=newest_first):
            self.read += 1
            yield event


class Plain:
    """A store of a third party, which keeps no latest interactions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name == "latest_interactions":
            raise AttributeError(name)
        return getattr(self._store, name)


def an_engine(store: Store) -> Engine:
    return Engine(store=store, plugins=[HUMMING], clock=lambda: NOW, seed=1)


def left_out(engine: Engine, user_id: str, where: dict[str, Any]) -> set[str]:
    """The tracks of the catalogue that a request leaves out."""
    everything, found = (
        {each.track["track_id"] for each in engine.recommend(user_id, PLAIN, where=condition)}
        for condition in ({}, where)
    )
    assert found <= everything
    return everything - found


def read_plainly(engine: Engine, user_id: str, where: dict[str, Any]) -> set[str]:
    """The tracks of the catalogue that are to be left out, from the whole log: slow and obvious."""
    log = [event.interaction for event in engine.store.events(user_id) if event.interaction is not None]
    out: set[str] = set()
    if "heard_within_days" in where:
        since = NOW - timedelta(days=where["heard_within_days"])
        out |= {each.track_id for each in log if each.type in ("play", "hum") and parsed(each.timestamp) >= since}
    if "disliked" in where:
        judgements = [each for each in log if each.type not in ("play", "skip")]
        latest = {each.track_id: each.type for each in judgements}
        out |= {track_id for track_id, name in latest.items() if name in ("dislike", "loathe")}
    return out & {track["track_id"] for _, track in engine.store.catalogue_since(None).written}


def assert_right(engine: Engine, user_id: str = "alice") -> None:
    for where in CONDITIONS:
        assert left_out(engine, user_id, where) == read_plainly(engine, user_id, where), where


@contextmanager
def prepared(store: Store) -> Iterator[Engine]:
    """An engine over a store with twenty tracks."""
    store.write_tracks(some_tracks(20))
    with an_engine(store) as engine:
        yield engine
    store.close()


@pytest.fixture(params=["memory", "sqlite", "plain"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made: dict[str, Callable[[], Any]] = {
        "memory": MemoryStore,
        "sqlite": lambda: open_sqlite(f"sqlite:///{tmp_path}/store.db"),
        "plain": lambda: Plain(MemoryStore()),
    }
    with prepared(made[request.param]()) as engine:
        yield engine


# ---- the law ---------------------------------------------------------------------------------------------------------

USERS = st.sampled_from(["alice", "bob"])
TRACKS = st.integers(0, 25).map(lambda number: f"t{number}")
MOMENTS = st.floats(0, 4).map(lambda days: (NOW - timedelta(days=days)).isoformat())


class Histories(RuleBasedStateMachine):
    """Two engines over one store, and whatever may happen to it."""

    @initialize()
    def begin(self) -> None:
        self.store = MemoryStore()
        self.store.write_tracks(some_tracks(20))
        self.engines = [an_engine(self.store), an_engine(Plain(self.store))]  # type: ignore[arg-type]

    @rule(which=st.integers(0, 1), user_id=USERS, track_id=TRACKS, name=st.sampled_from(TYPES))
    def give_feedback(self, which: int, user_id: str, track_id: str, name: str) -> None:
        self.engines[which].record_feedback(user_id, track_id, name)

    @rule(user_id=USERS, track_id=TRACKS, name=st.sampled_from(TYPES), moment=MOMENTS)
    def add_an_interaction(self, user_id: str, track_id: str, name: str, moment: str) -> None:
        profile = self.engines[0].get_or_create_profile(user_id)
        profile.add_interaction({"track_id": track_id, "type": name, "timestamp": moment})

    @rule(user_id=USERS)
    def forget(self, user_id: str) -> None:
        self.engines[0].forget(user_id)

    @rule(user_id=USERS)
    def load(self, user_id: str) -> None:
        record = self.store.record(user_id)
        self.store.load([] if record is None else [record])

    @rule(number=st.integers(0, 25))
    def change_the_catalogue(self, number: int) -> None:
        if not self.store.remove_tracks([f"t{number}"]):
            self.store.write_tracks([a_track(f"t{number}")])

    @invariant()
    def what_is_left_out_is_what_the_log_says(self) -> None:
        for engine in self.engines:
            for user_id in ("alice", "bob"):
                assert_right(engine, user_id)

    def teardown(self) -> None:
        for engine in self.engines:
            engine.close()


TestHistories = pytest.mark.exhaustive(Histories.TestCase)
TestHistories.settings = settings(max_examples=8, stateful_step_count=8, deadline=None)


def test_what_is_left_out_is_what_the_log_says(engine: Engine) -> None:
    profile = engine.get_or_create_profile("alice")
    for number in range(60):
        track_id, name = f"t{number * 7 % 25}", TYPES[number % len(TYPES)]
        if number % 3:
            engine.record_feedback("alice", track_id, name)
        else:
            moment = (NOW - timedelta(days=number % 5)).isoformat()
            profile.add_interaction({"track_id": track_id, "type": name, "timestamp": moment})
        if number % 10 == 0:
            assert_right(engine)
    assert_right(engine)
    engine.rebuild("alice")
    assert_right(engine)
    assert engine.forget("alice")
    assert_right(engine)


def test_every_way_to_ask_leaves_out_the_same(engine: Engine) -> None:
    for number in range(10):
        engine.record_feedback("alice", f"t{number}", "dislike")
    where = {"disliked": False}
    expected = {f"t{number}" for number in range(10, 20)}
    assert {each.track["track_id"] for each in engine.iter_recommend("alice", PLAIN, where=where)} == expected
    many = dict(engine.recommend_many(["alice", "bob"], None, PLAIN, where=where))
    assert {each.track["track_id"] for each in many["alice"]} == expected
    assert len(many["bob"]) == 20
    assert engine.plan("alice", where=where, limit=5).tracks == 20


# ---- what is read ----------------------------------------------------------------------------------------------------


def test_a_request_reads_only_what_was_recorded_since_the_last_one() -> None:
    store = Watched()
    create(store, "alice")
    append(
        store, "alice", *(Event("feedback", TIME, Interaction(f"t{n % 9}", "play", None, TIME)) for n in range(5_000))
    )
    with prepared(store) as engine:
        engine.recommend("alice", where=CONDITIONS[3])
        assert store.read < 10
        store.read = 0
        engine.recommend("alice", where=CONDITIONS[3])
        assert store.read == 0
        engine.record_feedback("alice", "t1", "dislike")
        assert left_out(engine, "alice", CONDITIONS[0]) == {"t1"}
        assert 0 < store.read < 10


def test_much_that_was_recorded_since_is_not_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_EVENTS", 50)
    store = Watched()
    with prepared(store) as engine:
        engine.record_feedback("alice", "t1", "dislike")
        assert_right(engine)
        engine.record_many(
            {"user_id": "alice", "track_id": f"t{n % 30}", "interaction_type": "play"} for n in range(400)
        )
        store.read = 0
        engine.recommend("alice", where={"heard_within_days": 1})
        assert store.read < 60
        assert_right(engine)


def test_a_store_that_keeps_none_is_read_once() -> None:
    store = Watched()
    with prepared(Plain(store)) as engine:  # type: ignore[arg-type]
        assert not isinstance(engine.store, KeepsLatest)
        engine.record_many(
            {"user_id": "alice", "track_id": f"t{n % 30}", "interaction_type": "play"} for n in range(400)
        )
        for _ in range(2):
            store.read = 0
            engine.recommend("alice", where={"heard_within_days": 1})
        assert store.read == 0
        assert_right(engine)


class Failing(MemoryStore):
    """A store that fails when it is to."""

    fails = False

    def latest_interactions(self, user_id: str, types: Collection[str]) -> Any:
        if self.fails:
            raise StoreError("the store is away")
        return super().latest_interactions(user_id, types)


def test_a_store_that_failed_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_EVENTS", 2)
    store = Failing()
    store.write_tracks(some_tracks(20))
    with Engine(config=Config(strict=True), store=store, plugins=[HUMMING], clock=lambda: NOW) as engine:
        for name in ("dislike", "like"):
            engine.record_many({"user_id": "alice", "track_id": f"t{n}", "interaction_type": name} for n in range(5))
            store.fails = True
            with pytest.raises(StoreError, match="the store is away"):
                engine.recommend("alice", where={"disliked": False})
            store.fails = False
            assert_right(engine)


def test_a_backup_that_was_restored_is_seen_to_be_another_history(tmp_path: Path) -> None:
    path, old = tmp_path / "store.db", tmp_path / "old.db"
    with prepared(open_sqlite(f"sqlite:///{path}")) as engine:
        engine.record_feedback("alice", "t1", "dislike")
        engine.store.backup(str(old))  # type: ignore[attr-defined]
        engine.record_feedback("alice", "t2", "dislike")
        assert left_out(engine, "alice", {"disliked": False}) == {"t1", "t2"}
        with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        with an_engine(open_sqlite(f"sqlite:///{path}")) as other:
            other.record_feedback("alice", "t3", "dislike")  # it gets the position that the event on t2 had
            other.store.close()
        assert left_out(engine, "alice", {"disliked": False}) == {"t1", "t3"}


# ---- what plugins are given ------------------------------------------------------------------------------------------


def requests_of(engine: Engine, requests: list[Request]) -> Engine:
    """Another engine over the store of one, which keeps its requests."""
    return Engine(store=engine.store, plugins=[HUMMING, scoring("mine", requests.append)])


def the_latest(engine: Engine, types: Collection[str] = TYPES) -> LatestInteractions:
    requests: list[Request] = []
    with requests_of(engine, requests) as other:
        other.recommend("alice", limit=1)
        return requests[0].latest(types)


def test_positions_and_moments_are_given_by_type(engine: Engine) -> None:
    engine.record_feedback("alice", "t1", "play")
    engine.record_feedback("alice", "t2", "like")
    late = NOW - timedelta(days=9)
    profile = engine.get_or_create_profile("alice")
    profile.add_interaction({"track_id": "t1", "type": "play", "timestamp": late.isoformat()})
    positions = [event.position for event in engine.store.events("alice") if event.interaction is not None]
    latest = the_latest(engine)
    in_order = [latest.track_ids.index(track_id) for track_id in ("t1", "t2")]
    assert latest.positions(["play"])[in_order].tolist() == [positions[2], 0]
    assert latest.positions(["play", "like"])[in_order].tolist() == positions[:0:-1]
    moment = round(NOW.timestamp() * 1_000_000)
    assert latest.moments(["play"])[in_order].tolist() == [moment, NEVER]
    assert latest.since(NOW, ["play"])[in_order].tolist() == [True, False]
    assert not latest.since(datetime.min.replace(tzinfo=UTC), ["skip"]).any()
    with pytest.raises(KeyError, match="play"):
        the_latest(engine, ["like"]).positions(["play"])


def test_what_a_request_was_given_does_not_change(engine: Engine) -> None:
    requests: list[Request] = []
    with requests_of(engine, requests) as other:
        other.record_feedback("alice", "t1", "play")
        other.recommend("alice", limit=1)
        before = requests[0].latest(["play"])
        positions = before.positions(["play"]).copy()
        for track_id in ("t1", "t2", "t3"):
            other.record_feedback("alice", track_id, "play")
        other.recommend("alice", limit=1)
        after = requests[1].latest(["play"])
        assert before.track_ids == ["t1"]
        assert np.array_equal(before.positions(["play"]), positions)
        assert sorted(after.track_ids) == ["t1", "t2", "t3"]
        assert before.leave_out(np.array([False])) is None


def test_recent_users_are_remembered_as_long_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT_TRACKS", 2 * cache.USER_COST + 15)
    store = Watched()
    with prepared(store) as engine:
        for user_id in ("alice", "bob", "carol"):
            for number in range(5):
                engine.record_feedback(user_id, f"t{number}", "play")

        def read_for(user_id: str) -> int:
            store.read = 0
            engine.recommend(user_id, where={"heard_within_days": 1})
            return store.read

        users = ("alice", "bob", "alice", "carol", "alice", "bob")
        assert [read_for(user_id) for user_id in users] == [1, 1, 0, 1, 0, 1]
        engine.forget("alice")
        assert not [key for key in engine._profiles.latest._users if key[0] == "alice"]


def test_a_fork_in_the_middle_of_a_request_leaves_no_lock_behind() -> None:
    with prepared(MemoryStore()) as engine:
        engine.record_feedback("alice", "t1", "dislike")
        remembered = engine._profiles.latest
        remembered._lock.acquire()
        remembered.renew()  # which is what happens in a forked child
        assert left_out(engine, "alice", {"disliked": False}) == {"t1"}


def test_threads_see_what_was_recorded_before_their_requests(engine: Engine) -> None:
    together, wrong = Barrier(4), []

    def listen(first: int) -> None:
        together.wait(timeout=30)
        for number in range(first, 20, 4):
            engine.record_feedback("alice", f"t{number}", "dislike")
            missing = {f"t{n}" for n in range(first, number + 1, 4)} - left_out(engine, "alice", {"disliked": False})
            wrong.extend(missing)

    threads = [Thread(target=listen, args=[first]) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert wrong == []
    assert left_out(engine, "alice", {"disliked": False}) == {f"t{n}" for n in range(20)}
