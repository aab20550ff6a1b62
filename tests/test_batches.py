"""Lists for many users: in their order, the same for any number of threads, taking users as they are needed."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support.third_party import ONLY_RANKED, dj_with, each_track, plugin, scoring, tracks

from qfzz import PersonalizedDJ
from qfzz_core import Config, Engine, Request, TrackFunction
from qfzz_core.errors import ProfileError, RequestError
from qfzz_core.hookspecs import Recommended

USERS = [f"user {number}" for number in range(30)]


def listeners(*plugins: Any, **arguments: Any) -> PersonalizedDJ:
    """A DJ with sixty tracks, and users each of whom likes another artist."""
    dj = dj_with(*plugins, content=tracks(60), **arguments)
    for number, user_id in enumerate(USERS):
        dj.get_or_create_profile(user_id, {"artists": {f"Artist {number}": 1.0}})
    return dj


def lists(dj: PersonalizedDJ, users: Any = USERS, limit: int | None = 5, **arguments: Any) -> list[Any]:
    found = dj.recommend_many(users, limit, **arguments)
    return [(user_id, [track["track_id"] for track in given]) for user_id, given in found]


def test_each_user_gets_what_recommend_gives_in_the_order_of_the_users() -> None:
    dj = listeners()
    expected = [
        (user_id, [each["track_id"] for each in dj.recommend(user_id, ONLY_RANKED, limit=5)]) for user_id in USERS
    ]
    assert lists(dj, preferences=ONLY_RANKED) == expected
    assert [ids[0] for _, ids in expected] == [f"t{number}" for number in range(30)]


@pytest.mark.parametrize("threads", [2, 7])
def test_the_lists_do_not_depend_on_the_threads(threads: int) -> None:
    assert lists(listeners(), threads=threads) == lists(listeners())


def test_the_lists_do_not_depend_on_the_order_of_the_users_or_on_other_requests() -> None:
    busy, quiet = listeners(), listeners()
    busy.recommend(USERS[0])
    assert sorted(lists(busy, USERS[::-1])) == sorted(lists(quiet))


def test_every_batch_draws_for_itself_and_the_same_calls_draw_the_same() -> None:
    one, two = listeners(), listeners()
    first, second = lists(one), lists(one)
    assert first != second
    assert [lists(two), lists(two)] == [first, second]


def test_a_user_who_comes_twice_gets_the_same_list_twice() -> None:
    (_, one), (_, other) = lists(listeners(), ["user 1", "user 1"])
    assert one == other


def test_two_users_draw_differently() -> None:
    (_, one), (_, other) = lists(dj_with(content=tracks(60)), ["a", "b"], limit=20)
    assert one != other


def test_all_keywords_hold_for_each_user() -> None:
    arguments: dict[str, Any] = {"exclude": ["t1"], "where": {"artist": [f"Artist {n}" for n in range(4)]}}
    more: dict[str, Any] = {"max_per_artist": 1, "distinct": True, "context": {"device": "car"}}
    for _, ids in lists(listeners(), limit=None, preferences=ONLY_RANKED, **arguments, **more):
        assert sorted(ids) == ["t0", "t2", "t3"]


def test_an_unknown_user_is_served_by_default_preferences_and_not_created() -> None:
    dj = listeners()
    ((_, ids),) = lists(dj, ["nobody"], preferences=ONLY_RANKED)
    assert ids == [f"t{number}" for number in range(5)]
    assert dj.get_profile("nobody") is None


def test_users_can_be_a_generator_without_end() -> None:
    def users() -> Iterator[str]:
        while True:
            taken.append(len(taken))
            yield f"user {len(taken) % 30}"

    for threads in (1, 3):
        taken: list[int] = []
        found = listeners().recommend_many(users(), 5, threads=threads)
        for _ in range(4):
            next(found)
        found.close()
        assert 4 <= len(taken) <= 4 + 4 * threads


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("wrong", [" ", "", None, 7, "\ud800"])
def test_a_user_id_that_is_not_valid_is_named_by_its_position_in_its_turn(wrong: Any, threads: int) -> None:
    found = listeners().recommend_many(["user 1", "user 2", wrong, "user 3"], 5, threads=threads)
    assert [next(found)[0], next(found)[0]] == ["user 1", "user 2"]
    with pytest.raises(ProfileError, match=r"^user_ids\[2\]: user_id "):
        next(found)
    assert list(found) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_what_the_generator_of_users_raises_comes_after_the_lists_before_it(threads: int) -> None:
    def users() -> Iterator[str]:
        yield from USERS[:2]
        raise OSError("the file ends here")

    found = listeners().recommend_many(users(), 5, threads=threads)
    assert [next(found)[0], next(found)[0]] == USERS[:2]
    with pytest.raises(OSError, match="the file ends here"):
        next(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"user_ids": "alice"}, "user_ids must be several user ids, got 'alice'"),
        ({"user_ids": 7}, "user_ids must be several user ids"),
        ({"user_ids": {"alice": 1}}, "user_ids must be several user ids"),
        ({"limit": -1}, "limit must be a whole number"),
        ({"threads": 0}, "threads must be a whole number, 1 or more"),
        ({"threads": None}, "threads must be a whole number, 1 or more"),
        ({"threads": 1.5}, "threads must be a whole number, 1 or more"),
        ({"where": {"nothing": 1}}, "nothing"),
    ],
)
def test_all_other_arguments_are_checked_by_the_call(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        listeners().recommend_many(**{"user_ids": USERS, "limit": 5, **arguments})


def test_no_users_get_no_lists() -> None:
    for threads in (1, 3):
        assert lists(listeners(), [], threads=threads) == []


def working() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("qfzz")}


def test_closing_the_iterator_ends_the_threads() -> None:
    found = listeners().recommend_many(USERS, 5, threads=3)
    next(found)
    assert working() != set()
    found.close()
    assert working() == set()


def test_an_interruption_ends_the_threads() -> None:
    def interrupt(track: Any) -> float:
        raise KeyboardInterrupt

    found = listeners(scoring("mine", each_track(interrupt))).recommend_many(USERS, 5, threads=2)
    with pytest.raises(KeyboardInterrupt):
        next(found)
    assert working() == set()


def test_threads_answer_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=30)

    def prepare(request: Request) -> TrackFunction:
        meeting.wait()
        return TrackFunction(function=lambda track: 0.5)

    assert len(lists(listeners(scoring("mine", prepare)), USERS[:3], threads=3)) == 3


def test_observers_are_notified_in_order_by_whoever_reads() -> None:
    notified: list[tuple[str, int]] = []

    def observe(recommended: Recommended) -> None:
        notified.append((recommended.request.profile.user_id, threading.get_ident()))

    dj = listeners(plugin("mine", qfzz_recommended=observe))
    found = dj.recommend_many(USERS, 5, threads=3)
    next(found)
    assert notified == [("user 0", threading.get_ident())]
    list(found)
    assert notified == [(user_id, threading.get_ident()) for user_id in USERS]


def test_a_batch_over_a_file_is_what_it_is_in_memory(tmp_path: Any) -> None:
    with Engine(store=f"sqlite:///{tmp_path}/store.db", config=Config(), seed=1) as engine:
        engine.add_content(tracks(60))
        for number, user_id in enumerate(USERS):
            engine.get_or_create_profile(user_id, {"artists": {f"Artist {number}": 1.0}})
        found = [
            (user_id, [each.track["track_id"] for each in given])
            for user_id, given in engine.recommend_many(USERS, 5, threads=3)
        ]
    assert found == lists(listeners())
