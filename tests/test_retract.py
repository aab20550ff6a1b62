"""When an event happened, and that it can be taken back: the profile is then as if it had never been recorded."""

import json
import sqlite3
import time
from collections.abc import Iterator, Set
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.store_urls import in_processes, in_threads, patient

from qfzz import PersonalizedDJ
from qfzz_core import Engine
from qfzz_core.errors import FeedbackError, ProfileError, StoreCorruptError
from qfzz_core.profiles.recorder import checked_feedback
from qfzz_core.storage.copies import profile_document, record_from_document, restore_user
from qfzz_core.storage.latest import latest_rows
from qfzz_core.testing.samples import create
from qfzz_plugins.stores.memory.store import MemoryStore

pytest_plugins = ["support.store_urls"]

NOW = datetime(2026, 2, 1, tzinfo=UTC)
TRACKS = [
    {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": ("Ada", "Bob", "Cid")[number % 3],
        "genre": ("jazz", "rock")[number % 2],
        "mood": "calm",
        "energy": 0.5,
        "tempo": "medium",
        "duration": 200,
    }
    for number in range(6)
]
ALICE = ("alice", "t1", "play")


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    with Engine(store=store_url, seed=1, clock=lambda: NOW) as engine:
        engine.add_content(TRACKS)
        yield engine


def history(engine: Engine, user_id: str = "alice") -> list[dict[str, Any]]:
    profile = engine.get_profile(user_id)
    return [] if profile is None else profile.interaction_history


# ---- when it happened -----------------------------------------------------------------------------------------------


def test_a_given_timestamp_is_the_interactions_and_the_log_says_when_it_was_recorded(engine: Engine) -> None:
    engine.record_feedback(*ALICE, timestamp="2026-01-02T03:04:05+01:00")
    engine.record_many([{"user_id": "alice", "track_id": "t1", "interaction_type": "play", "timestamp": NOW}])
    assert [each["timestamp"] for each in history(engine)] == [
        "2026-01-02T02:04:05.000000+00:00",
        "2026-02-01T00:00:00.000000+00:00",
    ]
    assert {event.timestamp for event in engine.store.events("alice")} == {"2026-02-01T00:00:00.000000+00:00"}
    assert engine.check_log("alice") == []


def test_filters_about_time_read_when_it_happened(engine: Engine) -> None:
    engine.record_feedback(*ALICE, timestamp=NOW - timedelta(days=20))
    engine.record_feedback("alice", "t2", "play", timestamp=NOW - timedelta(days=2))
    found = {each.track["track_id"] for each in engine.recommend("alice", limit=9, where={"heard_within_days": 7})}
    assert found == {"t0", "t1", "t3", "t4", "t5"}


@pytest.mark.parametrize(
    "wrong", ["2026-01-31T09:30:00", datetime(2026, 1, 1), "soon", 5, NOW + timedelta(days=1, microseconds=1)]
)
def test_a_timestamp_that_is_naive_or_ahead_is_refused_with_nothing_changed(engine: Engine, wrong: Any) -> None:
    with pytest.raises(FeedbackError, match="timestamp must"):
        engine.record_feedback(*ALICE, timestamp=wrong)
    assert engine.get_profile("alice") is None
    engine.record_feedback(*ALICE, timestamp=NOW + timedelta(days=1))


def test_an_event_id_with_another_timestamp_is_another_event(engine: Engine) -> None:
    engine.record_feedback(*ALICE, event_id="e", timestamp=NOW - timedelta(hours=1))
    engine.record_feedback(*ALICE, event_id="e", timestamp="2026-02-01T00:00:00+01:00")
    engine.record_feedback(*ALICE, event_id="e")
    with pytest.raises(FeedbackError, match="was used before for another event: play of 't1' at 2026-01-31T23:00:00"):
        engine.record_feedback(*ALICE, event_id="e", timestamp=NOW)
    assert len(history(engine)) == 1


# ---- taking it back -------------------------------------------------------------------------------------------------

NUMBERS = count()
TYPES = ("play", "like", "dislike", "skip")
Step = tuple[Any, ...]


def feedbacks() -> st.SearchStrategy[Step]:
    track_ids = st.sampled_from([*(track["track_id"] for track in TRACKS), "unknown"])
    event_ids = st.sampled_from([None, *"abcdefgh"])
    hours = st.sampled_from([None, 1, 400])
    return st.tuples(st.just("feedback"), track_ids, st.sampled_from(TYPES), st.none() | st.just(0.9), event_ids, hours)


SEVERAL = st.lists(st.sampled_from("abcdefgh"), max_size=3)
STEPS = st.lists(
    feedbacks()
    | st.tuples(st.just("retract"), st.sampled_from("abcdefgh"))
    | st.tuples(st.just("replace"), SEVERAL, st.lists(feedbacks(), max_size=3))
    | st.tuples(st.just("weight"), st.sampled_from(["blues", "jazz", "rock"]), st.sampled_from([0.0, 0.35]))
    | st.tuples(st.just("drop"), st.sampled_from(["jazz", "rock"]))
    | st.tuples(st.just("interaction"), st.sampled_from(["t1", "t2"])),
    max_size=14,
)


class Listener:
    """Somebody who does steps; of each event_id the first feedback alone is used."""

    def __init__(self, engine: Engine, user_id: str, steps: list[Step], *, without: Set[str] = frozenset()) -> None:
        self.engine, self.user_id, self.without = engine, user_id, without
        self.known: dict[str, Step] = {}
        self.retracted: set[str] = set()
        engine.get_or_create_profile(user_id, {"moods": {"calm": 0.5}})
        for step in steps:
            getattr(self, step[0])(*step[1:])

    def fields(self, *given: Any) -> list[dict[str, Any]]:
        track_id, name, rating, event_id, hours = self.known.setdefault(given[3], given) if given[3] else given
        if event_id in self.without:
            return []
        timestamp = None if hours is None else NOW - timedelta(hours=hours)
        named = {"user_id": self.user_id, "track_id": track_id, "interaction_type": name, "rating": rating}
        return [{**named, "event_id": event_id, "timestamp": timestamp}]

    def feedback(self, *given: Any) -> None:
        self.engine.record_many(self.fields(*given))

    def retract(self, event_id: str) -> None:
        if not self.without:
            expected = event_id in self.known and event_id not in self.retracted
            assert self.engine.retract(self.user_id, event_id) is expected
            self.retracted |= {event_id} & self.known.keys()

    def replace(self, event_ids: list[str], given: list[Step]) -> None:
        if not self.without:
            self.retracted |= {*event_ids} & self.known.keys()
        batch = [fields for each in given for fields in self.fields(*each[1:])]
        checked = [checked_feedback(each, self.engine._types, lambda: NOW) for each in batch]
        self.engine._replace(self.user_id, [] if self.without else event_ids, checked)

    def weight(self, name: str, weight: float) -> None:
        with self.engine.edit(self.user_id) as draft:
            draft.genres[name] = weight

    def drop(self, name: str) -> None:
        with self.engine.edit(self.user_id) as draft:
            draft.genres.pop(name, None)

    def interaction(self, track_id: str) -> None:
        profile = self.engine.get_profile(self.user_id)
        assert profile is not None
        profile.add_interaction({"track_id": track_id, "type": "play"})

    def state(self) -> dict[str, Any]:
        """Everything that shows of the user, without positions, which are the store's own, and `updated_at`."""
        profile = self.engine.get_profile(self.user_id)
        record = self.engine.store.record(self.user_id)
        assert profile is not None
        assert record is not None
        latest = sorted(latest_rows(self.engine.store, self.user_id, TYPES), key=lambda row: row[2])
        return {
            "profile": {**profile.to_dict(), "user_id": "", "updated_at": ""},
            "order": [list(weights) for weights in (profile.genres, profile.artists, profile.moods)],
            "states": sorted(record.states),
            "latest": [(name, track_id, moment) for name, track_id, _, moment in latest],
            "exported": profile_document(attrs.evolve(record, states=[]))["profile"]["interaction_history"],
        }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_retracted_event_is_as_if_it_had_never_been_recorded(engine: Engine, steps: list[Step]) -> None:
    """Whatever else was recorded, before and after; and the log says what is stored."""
    number = next(NUMBERS)
    one = Listener(engine, f"one {number}", steps)
    other = Listener(engine, f"other {number}", steps, without=one.retracted | {"none"})
    assert one.state() == other.state()
    assert engine.check_log(one.user_id) == []
    assert engine.rebuild(one.user_id) == []


def test_a_retraction_says_whether_there_was_anything_to_retract(engine: Engine) -> None:
    assert engine.retract("alice", "e") is False
    assert list(engine.store.user_ids()) == []
    engine.record_feedback(*ALICE, event_id="e")
    before = engine.store.revision("alice")
    assert engine.retract("alice", "f") is False
    assert engine.store.revision("alice") == before
    assert engine.retract("alice", "e") is True
    before = engine.store.revision("alice")
    assert engine.retract("alice", "e") is False
    assert engine.store.revision("alice") == before
    for user_id, event_id in ((" ", "e"), ("alice", " "), ("alice", None), ("alice", "\ud800")):
        with pytest.raises(ProfileError):
            engine.retract(user_id, event_id)  # type: ignore[arg-type]


def test_an_event_id_stays_used(engine: Engine) -> None:
    event = {"user_id": "alice", "track_id": "t1", "interaction_type": "like", "event_id": "e"}
    engine.record_many([event])
    engine.retract("alice", "e")
    assert engine.record_many([event]) == 0
    assert history(engine) == []
    with pytest.raises(FeedbackError, match="was used before for another event"):
        engine.record_many([{**event, "track_id": "t2"}])


def test_the_log_keeps_what_was_retracted_and_says_so(engine: Engine) -> None:
    engine.record_feedback(*ALICE, event_id="e")
    engine.retract("alice", "e")
    assert [(event.kind, event.event_id, event.retracts) for event in engine.store.events("alice")] == [
        ("created", None, ()),
        ("feedback", "e", ()),
        ("retracted", None, ("e",)),
    ]


def test_requests_notice_a_retraction(engine: Engine) -> None:
    def found() -> set[str]:
        where = {"disliked": False, "heard_within_days": 7, "heard_within_plays": 1}
        return {each.track["track_id"] for each in engine.recommend("alice", limit=9, where=where)}

    engine.record_feedback("alice", "t0", "play")
    engine.record_feedback("alice", "t1", "dislike", event_id="d")
    engine.record_feedback("alice", "t2", "play", event_id="p")
    assert found() == {"t3", "t4", "t5"}
    engine.retract("alice", "d")
    assert found() == {"t1", "t3", "t4", "t5"}
    engine.retract("alice", "p")
    assert found() == {"t1", "t2", "t3", "t4", "t5"}


def test_requests_notice_a_retraction_in_a_store_that_keeps_no_latest_interactions() -> None:
    class Forgetful(MemoryStore):
        latest_interactions = None  # type: ignore[assignment]

    with Engine(store=Forgetful(), seed=1) as engine:
        engine.add_content(TRACKS)
        engine.record_feedback("alice", "t1", "dislike", event_id="d")
        for left in (5, 6):
            assert len(engine.recommend("alice", limit=9, where={"disliked": False})) == left
            engine.retract("alice", "d")
        assert engine.check_log("alice") == []


def test_a_held_profile_shows_a_retraction(engine: Engine) -> None:
    profile = engine.get_or_create_profile("alice")
    engine.record_feedback("alice", "t1", "like", event_id="e")
    assert profile.genres == {"rock": 0.1}
    before = profile.updated_at
    engine.retract("alice", "e")
    assert (profile.genres, profile.interaction_history) == ({}, [])
    assert profile.updated_at > before


def test_what_was_retracted_stays_so_in_a_copy(engine: Engine) -> None:
    """In another store, and as a document."""
    disliked = {"user_id": "alice", "track_id": "t1", "interaction_type": "dislike", "event_id": "e"}
    engine.record_many([disliked])
    engine.record_many([{**disliked, "interaction_type": "play", "event_id": None} for _ in range(1_200)])
    engine.record_feedback("alice", "t2", "dislike", event_id="f")
    engine.retract("alice", "e")
    record = engine.store.record("alice")
    assert record is not None
    document = json.loads(json.dumps(profile_document(record)))
    for put in (lambda record: engine.store.load([record]), lambda record: restore_user(engine.store, record)):
        engine.forget("alice")
        put(record_from_document(document))
        assert engine.check_log("alice") == []
        assert [row[1] for row in latest_rows(engine.store, "alice", ["dislike"])] == ["t2"]
        assert engine.record_many([disliked]) == 0


def test_what_is_retracted_during_a_check_is_no_difference() -> None:
    class Retracting(MemoryStore):
        def latest_interactions(self, user_id: str, types: Any) -> Any:
            engine.retract(user_id, "e")
            return super().latest_interactions(user_id, types)

    with Engine(store=Retracting()) as engine:
        engine.record_feedback(*ALICE, event_id="e")
        assert engine.check_log("alice") == []
        assert history(engine) == []


def test_a_damaged_retraction_is_named(tmp_path: Path) -> None:
    with Engine(store=f"sqlite:///{tmp_path}/s.db") as engine:
        engine.record_feedback(*ALICE, event_id="e")
        engine.retract("alice", "e")
        for body in ('{"retracts": [5]}', '{"retracts": []}', '{"changes": []}'):
            with sqlite3.connect(tmp_path / "s.db") as connection:
                connection.execute("UPDATE events SET body = ? WHERE kind = 'retracted'", [body])
            connection.close()
            with pytest.raises(StoreCorruptError, match="table events, position 3"):
                engine.check_log("alice")


def test_a_change_is_replayed_whatever_spelling_came_first(engine: Engine) -> None:
    engine.add_content([{**TRACKS[1], "track_id": "t9", "genre": "ROCK"}])
    engine.record_feedback("alice", "t9", "like", event_id="e")
    engine.record_feedback("alice", "t1", "like")
    profile = engine.get_or_create_profile("alice")
    profile.genres["ROCK"] = 0.7
    engine.retract("alice", "e")
    assert profile.genres == {"rock": 0.7}
    assert engine.check_log("alice") == []


def test_nothing_is_retracted_from_a_log_without_its_beginning(engine: Engine) -> None:
    create(engine.store, "alice")
    engine.record_feedback(*ALICE, event_id="e")
    before = engine.store.revision("alice")
    with pytest.raises(StoreCorruptError, match="nothing of 'alice' can be retracted: the log does not begin"):
        engine.retract("alice", "e")
    assert engine.store.revision("alice") == before


def recording_or_retracting(dj: PersonalizedDJ, worker: int, _: Any) -> None:
    """Record 30 feedbacks, or retract 20 of those of the worker before as soon as they are there."""
    for number in range(30):
        if worker % 2 == 0:
            dj.record_feedback("alice", f"t{number % 6}", "play", event_id=f"{worker} {number}")
        while worker % 2 and number < 20 and not dj.retract("alice", f"{worker - 1} {number}"):
            time.sleep(0.001)


def assert_ten_of_each_are_left(engine: Engine, recorders: int) -> None:
    left = [f"t{number % 6}" for number in range(20, 30)] * recorders
    assert sorted(each["track_id"] for each in history(engine)) == sorted(left)
    assert engine.check_log("alice") == []


def test_what_others_record_meanwhile_is_kept(shared_url: str) -> None:
    with Engine(store=shared_url) as engine:
        engine.add_content(TRACKS)
        in_processes(2, recording_or_retracting, shared_url)
        assert_ten_of_each_are_left(engine, 1)


def test_what_other_threads_record_meanwhile_is_kept(store_url: str) -> None:
    with PersonalizedDJ(config=patient(store_url)) as dj:
        dj.add_content(TRACKS)
        in_threads(4, recording_or_retracting, dj)
        assert_ten_of_each_are_left(dj.engine, 2)


def test_many_events_are_retracted_at_once(engine: Engine) -> None:
    play = {"user_id": "alice", "interaction_type": "play"}
    engine.record_many([{**play, "track_id": f"t{n % 6}", "event_id": f"e{n}"} for n in range(300)])
    assert engine._replace("alice", [f"e{number}" for number in (*range(5, 400), 7)]) == (295, 0)
    assert engine._replace("alice", [f"e{number}" for number in range(300)]) == (5, 0)
    assert history(engine) == []
    assert engine.check_log("alice") == []
