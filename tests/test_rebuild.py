"""The log says everything: replaying it gives what is stored, whatever became of catalogue, strengths and plugins."""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core import Engine, InteractionType, PluginWarning, hookimpl
from qfzz_core.config import Config
from qfzz_core.contracts.stores import Store
from qfzz_core.errors import PluginError, ProfileError, StoreCorruptError
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import spelling_of
from qfzz_core.storage.latest import latest_rows
from qfzz_core.testing.samples import a_track, create
from qfzz_core.testing.stores_transactions import everything
from qfzz_plugins.stores.memory import MemoryStore
from qfzz_plugins.stores.sqlite import open_sqlite

SOON = datetime(2026, 5, 1, tzinfo=UTC)


@contextmanager
def a_store(kind: str) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as directory:
        store = MemoryStore() if kind == "memory" else open_sqlite(f"sqlite:///{directory}/store.db")
        yield store
        store.close()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as made:
        yield made


# Plugins


class Humming:
    """A type of interaction whose strength somebody changes."""

    def __init__(self, strength: float) -> None:
        self.strength = strength

    @hookimpl
    def qfzz_interaction_types(self) -> list[InteractionType]:
        return [InteractionType("hum", self.strength)]


class Counting:
    """A learner that counts the events of each type, and everything but the creation of users."""

    name = "counting"

    def __init__(self, fails: Callable[[Event], bool] = lambda event: False) -> None:
        self.fails = fails

    def keys(self, event: Event) -> list[str]:
        return ["all", "all", event.kind if event.interaction is None else event.interaction.type]

    def learn(self, state: Any, event: Event, key: str) -> Any:
        if self.fails(event):
            raise ArithmeticError("cannot count this")
        return None if key == "skip" and state == 2 else (state or 0) + 1

    def read(self, state: Any) -> float:
        return float(state or 0)

    @hookimpl
    def qfzz_learners(self) -> list[Any]:
        return [self]


def track_id_is(wanted: str) -> Callable[[Event], bool]:
    return lambda event: event.interaction is not None and event.interaction.track_id == wanted


# The law


GENRES = st.sampled_from(["jazz", "hip hop", "Hip-Hop", "blues", "オ"])
WEIGHTS = st.floats(0, 1)
TRACKS = st.sampled_from(["t0", "t1", "t2", "gone"])
STEPS = st.one_of(
    st.tuples(st.just("feedback"), TRACKS, st.sampled_from(["like", "skip", "dislike", "favorite", "hum"])),
    st.tuples(st.just("rating"), TRACKS, WEIGHTS),
    st.tuples(st.just("set"), st.sampled_from(["genres", "artists", "moods"]), st.dictionaries(GENRES, WEIGHTS)),
    st.tuples(st.just("weight"), GENRES, WEIGHTS),
    st.tuples(st.just("drop"), GENRES, st.none()),
    st.tuples(st.just("energy_level"), WEIGHTS, st.none()),
    st.tuples(st.just("touch"), st.integers(1, 9), st.none()),
    st.tuples(st.just("interaction"), TRACKS, st.none()),
    st.tuples(st.just("remove"), TRACKS, st.none()),
    st.tuples(st.just("add"), TRACKS, GENRES),
    st.tuples(st.just("strength"), st.floats(-1, 1), st.none()),
    st.tuples(st.just("clock"), st.integers(-3600, 3600), st.none()),
)


class Listener:
    """Somebody who does what a list of steps says, through engines that come and go."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.moment = SOON
        self.engine = self.an_engine(0.1)

    def an_engine(self, strength: float) -> Engine:
        return Engine(store=self.store, plugins=[Humming(strength), Counting()], clock=lambda: self.moment, seed=1)

    def does(self, step: str, first: Any, second: Any) -> None:
        self.moment += timedelta(seconds=1)
        if step == "feedback":
            self.engine.record_feedback("alice", first, second)
        elif step == "rating":
            self.engine.record_feedback("alice", first, "play", second)
        elif step == "remove":
            self.engine.remove_content([first])
        elif step == "add":
            self.engine.add_content([a_track(first, genre=second, artist=f"artist of {second}")])
        elif step == "strength":
            self.engine = self.an_engine(first)
        elif step == "clock":
            self.moment += timedelta(seconds=first)
        else:
            self.edits(step, first, second)

    def edits(self, step: str, first: Any, second: Any) -> None:
        with self.engine.edit("alice") as draft:
            if step == "set":
                different = {name: weight for name, weight in second.items() if name != "Hip-Hop"}
                setattr(draft, first, different)
            elif step == "weight":
                draft.genres[spelling_of(draft.genres, "genres", first) or first] = second
            elif step == "drop":
                draft.genres.pop(spelling_of(draft.genres, "genres", first) or first, None)
            elif step == "touch":
                later = datetime.fromisoformat(draft.updated_at) + timedelta(seconds=first)
                draft.updated_at = later.isoformat()
            elif step == "interaction":
                draft.add_interaction({"track_id": first, "type": "shared", "with": "bob"})
            else:
                draft.energy_level = first


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEPS, max_size=15))
def test_replaying_the_log_gives_what_is_stored(kind: str, steps: list[tuple[str, Any, Any]]) -> None:
    with a_store(kind) as store:
        listener = Listener(store)
        preferences = {"genres": {"Blues": 0.3}, "tempo_preference": "slow"}
        listener.engine.get_or_create_profile("alice", preferences)
        listener.engine.add_content([a_track("t0"), a_track("t1", genre="Hip Hop"), a_track("t2", creator_id="c")])
        for step in steps:
            listener.does(*step)
        before = everything(store)
        engine = listener.an_engine(-0.7)
        engine.remove_content(["t0", "t1", "t2"])
        assert engine.check_log("alice") == []
        assert engine.rebuild("alice") == []
        assert everything(store) == before


# What is wrong is found and mended


def an_engine(store: Store, *plugins: Any, **settings: Any) -> Engine:
    moments = (SOON + timedelta(seconds=second) for second in range(10_000))
    return Engine(store=store, plugins=plugins, clock=lambda: next(moments), seed=1, **settings)


def filled(store: Store, *plugins: Any) -> Engine:
    engine = an_engine(store, *plugins)
    engine.add_content([a_track("t1"), a_track("t2", genre="blues")])
    for track_id in ("t1", "t2", "t1"):
        engine.record_feedback("alice", track_id, "like")
    return engine


def spoiled(store: Store, write: Callable[[Any], None]) -> None:
    with store.transaction(["alice"]) as transaction:
        write(transaction.user("alice"))


def test_what_differs_from_the_log_is_said_and_then_as_the_log_says(store: Store) -> None:
    engine = filled(store)
    was = store.snapshot("alice")
    assert was is not None
    publisher = next(iter(store.states("alice", "trust")))
    spoiled(store, lambda user: user.put_weight("genres", "jazz", 0.9))
    spoiled(store, lambda user: user.put_weight("moods", "wild", 0.5))
    spoiled(store, lambda user: user.drop_weight("artists", "Miles Davis"))
    spoiled(store, lambda user: user.put_scalar("energy_level", 0.75))
    spoiled(store, lambda user: user.put_state("trust", publisher, [7.0, 0.0]))
    spoiled(store, lambda user: user.put_state("trust", "artist:nobody", [1.0, 0.0]))
    expected = [
        "genres, 'jazz': 0.9 is stored, the log says 0.2",
        "artists, 'Miles Davis': nothing is stored, the log says 0.3",
        "moods, 'wild': 0.5 is stored, the log says nothing",
        "energy_level: 0.75 is stored, the log says 0.5",
        f"trust of {publisher!r}: [7.0, 0.0] is stored, the log says [3.0, 0.0]",
        "trust of 'artist:nobody': [1.0, 0.0] is stored, the log says nothing",
    ]
    assert sorted(engine.check_log("alice")) == sorted(expected)
    assert sorted(engine.rebuild("alice")) == sorted(expected)
    assert engine.check_log("alice") == engine.rebuild("alice") == []
    now = store.snapshot("alice")
    assert now is not None
    assert attrs.evolve(now, revision=was.revision) == was
    assert store.states("alice", "trust") == {publisher: [3.0, 0.0]}


def test_the_order_of_names_is_part_of_what_the_log_says(store: Store) -> None:
    engine = filled(store)

    def turned(user: Any) -> None:
        user.drop_weight("genres", "jazz")
        user.put_weight("genres", "jazz", 0.2)

    spoiled(store, turned)
    assert engine.rebuild("alice") == ["genres: the names are not in the order of the log"]
    rebuilt = store.snapshot("alice")
    assert rebuilt is not None
    assert list(rebuilt.genres) == ["jazz", "blues"]


def test_a_held_profile_shows_what_was_rebuilt(store: Store) -> None:
    engine = filled(store)
    profile = engine.get_profile("alice")
    assert profile is not None
    spoiled(store, lambda user: user.put_weight("genres", "jazz", 0.9))
    assert engine.get_profile("alice") is profile
    assert profile.genres["jazz"] == 0.9
    engine.rebuild("alice")
    assert profile.genres["jazz"] == 0.2


def test_an_unknown_user_is_refused_and_not_made(store: Store) -> None:
    engine = an_engine(store)
    for call in (engine.check_log, engine.rebuild):
        with pytest.raises(ProfileError, match="there is no user 'nobody'"):
            call("nobody")
        with pytest.raises(ProfileError, match="must not be blank"):
            call(" ")
    assert list(store.user_ids()) == []


def test_a_log_without_its_beginning_is_named_and_nothing_is_changed(store: Store) -> None:
    create(store, "alice")
    engine = an_engine(store)
    engine.record_feedback("alice", "t1", "like")
    before = everything(store)
    assert ["does not begin" in sentence for sentence in engine.check_log("alice")] == [True]
    with pytest.raises(StoreCorruptError, match="'alice' cannot be rebuilt"):
        engine.rebuild("alice")
    assert everything(store) == before


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_feedback_given_during_rebuilds_is_not_lost(kind: str) -> None:
    with a_store(kind) as store, ThreadPoolExecutor(4) as pool:
        engine = Engine(store=store, seed=1)
        engine.add_content([a_track("t1", energy=0.1)])
        engine.get_or_create_profile("alice")
        listening = [pool.submit(engine.record_feedback, "alice", "t1", "play", 0.51) for _ in range(100)]
        rebuilding = [pool.submit(engine.rebuild, "alice") for _ in range(20)]
        checking = [pool.submit(engine.check_log, "alice") for _ in range(20)]
        assert [done.result() for done in listening] == [None] * 100
        assert [done.result() for done in rebuilding + checking] == [[]] * 40
        snapshot = store.snapshot("alice")
        assert snapshot is not None
        assert snapshot.genres["jazz"] == 0.2
        assert len(list(store.events("alice"))) == 101


# Learners


def test_a_learner_that_came_later_learns_from_the_whole_log(store: Store) -> None:
    filled(store)
    engine = an_engine(store, Counting())
    assert engine.check_log("alice") == [
        "counting of 'all': nothing is stored, the log says 3",
        "counting of 'like': nothing is stored, the log says 3",
    ]
    engine.rebuild("alice")
    assert store.states("alice", "counting") == {"all": 3, "like": 3}


def test_what_a_learner_knew_that_is_gone_stays(store: Store) -> None:
    filled(store, Counting())
    spoiled(store, lambda user: user.put_weight("genres", "jazz", 0.9))
    an_engine(store).rebuild("alice")
    assert store.states("alice", "counting") == {"all": 3, "like": 3}


def test_a_learner_that_fails_is_reported_and_misses_that_event_alone(store: Store) -> None:
    with pytest.warns(PluginWarning, match="cannot count this"):
        engine = filled(store, Counting(track_id_is("t2")))
    assert store.states("alice", "counting") == {"all": 2, "like": 2}
    assert engine.check_log("alice") == []
    spoiled(store, lambda user: user.put_state("counting", "all", 9))
    assert engine.rebuild("alice") == ["counting of 'all': 9 is stored, the log says 2"]


def test_a_learner_that_fails_stops_a_strict_rebuild_and_nothing_is_changed(store: Store) -> None:
    filled(store)
    spoiled(store, lambda user: user.put_weight("genres", "jazz", 0.9))
    before = everything(store)
    engine = an_engine(store, Counting(track_id_is("t2")), config=Config.from_dict({"strict": True}))
    with pytest.raises(PluginError, match="cannot count this"):
        engine.rebuild("alice")
    assert everything(store) == before


def test_a_rebuild_is_durable(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    store = open_sqlite(url)
    filled(store)
    spoiled(store, lambda user: user.clear_weights("genres"))
    store.close()
    with Engine(store=url) as engine:
        assert len(engine.rebuild("alice")) == 2
    with Engine(store=url) as engine:
        profile = engine.get_profile("alice")
        assert profile is not None
        assert profile.genres == {"jazz": 0.2, "blues": 0.1}


def test_latest_interactions_that_are_not_those_of_the_log_are_found_and_rebuilt(store: Store) -> None:
    with Engine(store=store) as engine:
        for track_id in ("t1", "t2", "t3"):
            engine.record_feedback("u", track_id, "play")
            engine.record_feedback("u", track_id, "dislike")
        types = ["dislike", "play"]
        right = sorted(latest_rows(store, "u", types))
        assert engine.check_log("u") == []
        wrong = {("play", "t1"): (1, 1), ("dislike", "t2"): right[1][2:], ("dislike", "none"): (1, 1)}
        with store.transaction(["u"]) as transaction:
            user: Any = transaction.user("u")
            user.replace_latest(wrong)
        sentences = [
            "latest interactions, 'dislike': 3 tracks differ from the log",
            "latest interactions, 'play': 3 tracks differ from the log",
        ]
        assert engine.check_log("u") == sentences
        assert engine.rebuild("u") == sentences
        assert engine.check_log("u") == []
        assert sorted(latest_rows(store, "u", types)) == right


def test_what_is_recorded_during_a_check_is_no_difference() -> None:
    class Writing(MemoryStore):
        def latest_interactions(self, user_id: str, types: Any) -> Any:
            engine.record_feedback(user_id, "t1", "play")
            return super().latest_interactions(user_id, types)

    with Engine(store=Writing()) as engine:
        engine.record_feedback("u", "t1", "play")
        assert engine.check_log("u") == []
