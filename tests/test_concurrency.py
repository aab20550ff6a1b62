"""Many threads and processes at once: nothing lost, nothing twice, and the order of the log is no matter of clocks."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from support.store_urls import assert_the_log_says_what_is_stored, in_processes, in_threads, patient

from qfzz import PersonalizedDJ
from qfzz_core import Engine

pytest_plugins = ["support.store_urls"]

WORKERS = 8
ROUNDS = 500
TRACKS = [
    {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": f"Artist {number}",
        "genre": f"genre {number}",
        "mood": f"mood {number}",
        "energy": 0.5,
        "tempo": "medium",
        "duration": 200,
        "creator_id": f"creator {number % 5}",
    }
    for number in range(20)
]


def feedback_of(worker: int, number: int) -> dict[str, Any]:
    """A feedback unlike every other one, which raises weights by so little that 4,000 of them reach no limit."""
    every = worker * ROUNDS + number + 1
    return {
        "user_id": "alice",
        "track_id": TRACKS[every % len(TRACKS)]["track_id"],
        "interaction_type": "play",
        "rating": 0.5 + every / 200_000,
    }


def own_names(worker: int) -> list[str]:
    return [f"worker {worker} name {number}" for number in range(0, ROUNDS, 10)] if worker % 2 else []


def work(dj: PersonalizedDJ, worker: int, _: Any) -> None:
    """Record feedback, and if the worker's number is odd, change preferences through the live profile as well."""
    profile = dj.get_or_create_profile("alice")
    names = iter(own_names(worker))
    for number in range(ROUNDS):
        dj.record_feedback(**feedback_of(worker, number))
        if worker % 2 and number % 10 == 0:
            profile.genres[next(names)] = worker / 10


def everything_was_kept(dj: PersonalizedDJ) -> None:
    """What 4,000 feedbacks and 200 preferences come to, in whatever order they came."""
    given = [[feedback_of(worker, number) for number in range(ROUNDS)] for worker in range(WORKERS)]
    log = list(dj.engine.store.events("alice"))
    assert Counter(event.kind for event in log) == {"created": 1, "feedback": 4000, "edited": 200}
    of_rating = {event.interaction.rating: event for event in log if event.interaction}
    assert len(of_rating) == 4000
    places = {rating: event.position for rating, event in of_rating.items()}
    for feedbacks in given:
        assert [of_rating[one["rating"]].interaction.track_id for one in feedbacks] == [
            one["track_id"] for one in feedbacks
        ]
        assert all(places[one["rating"]] < places[other["rating"]] for one, other in pairwise(feedbacks))

    with PersonalizedDJ(store="memory:") as alone:
        alone.add_content(TRACKS)
        alone.record_many(one for feedbacks in given for one in feedbacks)
        expected = alone.get_profile("alice")
        trust = [alone.get_trust_score("alice", f"creator {number}") for number in range(5)]
    own = {name: worker / 10 for worker in range(WORKERS) for name in own_names(worker)}
    profile = dj.get_profile("alice")
    assert profile.genres == {**expected.genres, **own}
    assert (profile.artists, profile.moods) == (expected.artists, expected.moods)
    assert max(profile.artists.values()) < 1
    assert [dj.get_trust_score("alice", f"creator {number}") for number in range(5)] == trust
    assert_the_log_says_what_is_stored(dj, "alice")


@pytest.fixture
def dj(store_url: str) -> Iterator[PersonalizedDJ]:
    with PersonalizedDJ(config=patient(store_url), seed=1) as made:
        made.add_content(TRACKS)
        yield made


@pytest.mark.exhaustive
def test_processes_lose_none_of_4000_feedbacks_nor_of_200_preferences(shared_url: str) -> None:
    with PersonalizedDJ(config=patient(shared_url)) as dj:
        dj.add_content(TRACKS)
        in_processes(WORKERS, work, shared_url)
        everything_was_kept(dj)


@pytest.mark.exhaustive
def test_threads_of_one_dj_lose_none_of_4000_feedbacks_nor_of_200_preferences(dj: PersonalizedDJ) -> None:
    held = dj.get_or_create_profile("alice")
    in_threads(WORKERS, work, dj)
    assert held is dj.get_profile("alice")
    everything_was_kept(dj)


# ---- one user, made by all -------------------------------------------------------------------------------------------

NEW_USERS = [f"new user {number}" for number in range(9)]


def make_users(dj: PersonalizedDJ, worker: int, barrier: Any) -> None:
    """Make each user at the same moment as the others, in one of the ways in which users are made."""
    for number, user_id in enumerate(NEW_USERS):
        barrier.wait()
        if number % 3 == 0:
            dj.get_or_create_profile(user_id, {"genres": {f"initial {worker}": 0.5}})
        elif number % 3 == 1:
            dj.recommend(user_id, limit=1)
        dj.record_feedback(user_id, f"t{worker}", "like")
        dj.get_profile(user_id).artists[f"of worker {worker}"] = 0.5


def each_user_is_one(dj: PersonalizedDJ) -> None:
    assert sorted(dj.engine.store.user_ids()) == sorted(NEW_USERS)
    for number, user_id in enumerate(NEW_USERS):
        log = list(dj.engine.store.events(user_id))
        assert Counter(event.kind for event in log) == {"created": 1, "feedback": WORKERS, "edited": WORKERS}
        assert log[0].kind == "created"
        profile = dj.get_profile(user_id)
        initial = [name for name in profile.genres if name.startswith("initial")]
        assert len(initial) == (number % 3 == 0)
        learned = {f"genre {worker}": 0.1 for worker in range(WORKERS)}
        assert profile.genres == learned | dict.fromkeys(initial, 0.5)
        artists = {f"Artist {worker}": 0.1 for worker in range(WORKERS)}
        assert profile.artists == artists | {f"of worker {worker}": 0.5 for worker in range(WORKERS)}


def test_processes_that_make_the_same_user_make_one(shared_url: str) -> None:
    with PersonalizedDJ(config=patient(shared_url)) as dj:
        dj.add_content(TRACKS)
        in_processes(WORKERS, make_users, shared_url)
        each_user_is_one(dj)


def test_threads_that_make_the_same_user_make_one(dj: PersonalizedDJ) -> None:
    in_threads(WORKERS, make_users, dj)
    each_user_is_one(dj)


# ---- retries ---------------------------------------------------------------------------------------------------------


def retry(dj: PersonalizedDJ, worker: int, _: Any) -> None:
    event = {"user_id": "alice", "track_id": "t3", "interaction_type": "like", "event_id": "the same"}
    for number in range(240):
        dj.record_feedback(**event)
        if number % 24 == 0:
            dj.record_many([event, {**event, "event_id": f"{worker} {number}", "rating": 0.5}])


def it_was_applied_once(dj: PersonalizedDJ) -> None:
    profile = dj.get_profile("alice")
    assert (profile.genres, profile.artists, profile.moods) == ({"genre 3": 0.1}, {"Artist 3": 0.1}, {"mood 3": 0.1})
    applied = [event.event_id for event in dj.engine.store.events("alice") if event.kind == "feedback"]
    assert sorted(applied) == sorted(["the same", *(f"{worker} {n}" for worker in range(4) for n in range(0, 240, 24))])
    assert dj.get_trust_score("alice", "creator 3") == pytest.approx(2 / 3)


def test_an_event_that_four_processes_try_a_thousand_times_is_applied_once(shared_url: str) -> None:
    with PersonalizedDJ(config=patient(shared_url)) as dj:
        dj.add_content(TRACKS)
        in_processes(4, retry, shared_url)
        it_was_applied_once(dj)


def test_an_event_that_four_threads_try_a_thousand_times_is_applied_once(dj: PersonalizedDJ) -> None:
    in_threads(4, retry, dj)
    it_was_applied_once(dj)


# ---- clocks ----------------------------------------------------------------------------------------------------------

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def test_a_clock_set_back_an_hour_changes_neither_order_nor_counts(store_url: str) -> None:
    clock = Clock()
    with Engine(store=store_url, clock=clock, seed=1) as engine:
        engine.add_content(TRACKS)
        profile = engine.get_or_create_profile("alice")
        moments = [profile.updated_at]
        for number in range(40):
            if number % 10 == 5:
                clock.now -= timedelta(hours=1)
            engine.record_feedback("alice", f"t{number % 20}", "play", event_id=f"e{number}")
            moments.append(profile.updated_at)
            profile.moods[f"own {number}"] = 0.5
            moments.append(profile.updated_at)
            engine.record_feedback("alice", f"t{number % 20}", "play", event_id=f"e{number}")
        assert all(earlier < later for earlier, later in pairwise(moments))
        history = profile.interaction_history
        assert [entry["track_id"] for entry in history] == [f"t{number % 20}" for number in range(40)]
        assert [entry["timestamp"] for entry in history] != sorted(entry["timestamp"] for entry in history)
        assert profile.genres == {f"genre {number}": 0.1 for number in range(20)}
        last = engine.recommend("alice", where={"heard_within_plays": 5})
        assert not {f"t{number}" for number in range(15, 20)} & {found.track["track_id"] for found in last}
        positions = [event.position for event in engine.store.events("alice")]
        assert positions == sorted(set(positions))


def test_engines_whose_clocks_differ_by_an_hour_keep_one_order(store_url: str) -> None:
    ahead, behind = Clock(), Clock()
    behind.now -= timedelta(hours=1)
    with Engine(store=store_url, clock=ahead) as first:
        second = Engine(store=first.store if store_url == "memory:" else store_url, clock=behind)
        first.add_content(TRACKS)
        seen = defaultdict(list)
        for number in range(20):
            engine = (first, second)[number % 2]
            engine.record_feedback("alice", f"t{number}", "like", event_id=f"e{number}")
            profile = (second, first)[number % 2].get_profile("alice")
            seen["moments"].append(profile.updated_at)
            seen["last"].append(profile.interaction_history[-1]["track_id"])
        second.close()
        assert all(earlier < later for earlier, later in pairwise(seen["moments"]))
        assert seen["last"] == [f"t{number}" for number in range(20)]
        assert [entry["track_id"] for entry in first.get_profile("alice").interaction_history] == seen["last"]
