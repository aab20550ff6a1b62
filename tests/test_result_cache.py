"""What a search found is cached: the same formula gets the same result, and any other one a result of its own."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ranking_cases import (
    TASTE,
    UNKNOWN,
    Case,
    Snapshots,
    constraint,
    filters,
    formula,
    looked_at,
    serving,
    small_limits,
    weighted,
)
from support.third_party import Scoring, plugin

from qfzz_core import CategoryTable, ColumnFunction, Engine, NumericDistance, TrackFunction
from qfzz_core.catalogue.snapshot import Segment
from qfzz_core.contracts.columns import Columns
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking import planner
from qfzz_core.ranking.index import result_cache
from qfzz_core.ranking.index.result_cache import CachedResult, ResultCache


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "SMALL", 100)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with serving() as made:
        yield made


def ids(engine: Engine, limit: int = 10, user: str = "me", **keywords: Any) -> list[str]:
    return [found.track["track_id"] for found in engine.recommend(user, TASTE, limit=limit, **keywords)]


def scanned(engine: Engine, patch: pytest.MonkeyPatch, **keywords: Any) -> list[str]:
    with patch.context() as small:
        small.setattr(planner, "SMALL", 10**9)
        return ids(engine, **keywords)


def cached(engine: Engine, **keywords: Any) -> int:
    return engine.plan("me", TASTE, **{"limit": 10, **keywords}).cached


def test_the_same_formula_is_ranked_without_looking_at_a_row(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = engine.plan("me", TASTE, limit=10)
    assert (first.cached, first.looked_at > 0) == (0, True)
    again = engine.plan("somebody else", TASTE, limit=10)
    assert (again.method, again.cached, again.looked_at, again.scored) == ("index", 10, 0, 0)
    assert ids(engine) == scanned(engine, monkeypatch)


@pytest.mark.parametrize(
    "keywords",
    [
        {"preferences": {**TASTE, "genres": {"jazz": 0.8, "rock": 0.1}}},
        {"preferences": {**TASTE, "energy_level": 0.6}},
        {"preferences": {**TASTE, "tempo_preference": "fast"}},
        {"limit": 11},
        {"where": {"genre": "rock"}},
        {"where": {"genre": ["rock", "jazz"]}},
    ],
    ids=str,
)
def test_another_one_is_not(engine: Engine, monkeypatch: pytest.MonkeyPatch, keywords: dict[str, Any]) -> None:
    wanted = {"preferences": TASTE, "limit": 10, **keywords}

    def found() -> list[str]:
        return [one.track["track_id"] for one in engine.recommend("me", **wanted)]

    engine.recommend("me", TASTE, limit=10)
    engine.recommend("me", TASTE, limit=10, where={"genre": "folk"})
    assert engine.plan("me", **wanted).cached == 0
    by_index = found()
    monkeypatch.setattr(planner, "SMALL", 10**9)
    assert by_index == found()


def test_fewer_ranks_are_taken_from_more(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ids(engine, limit=100)
    assert cached(engine, limit=7) == 100
    assert ids(engine, limit=7) == scanned(engine, monkeypatch, limit=7)


def test_more_ranks_are_searched_for_and_cached_in_place_of_fewer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids(engine, limit=7)
    assert (cached(engine, limit=100), cached(engine, limit=7)) == (0, 100)
    assert ids(engine, limit=100) == scanned(engine, monkeypatch, limit=100)


def test_a_feedback_makes_another_cache_key() -> None:
    with serving() as engine:
        engine.recommend("me", limit=10)
        assert engine.plan("me", limit=10).cached > 0
        engine.record_feedback("me", "t4", "like")
        assert engine.plan("me", limit=10).cached == 0


def test_tracks_that_are_added_are_in_the_next_answer_though_the_others_are_cached(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = engine.recommend("me", TASTE, limit=10)[0].track
    engine.add_content([{**best, "track_id": "new"}])
    assert cached(engine) == 10
    found = ids(engine)
    assert "new" in found
    assert found == scanned(engine, monkeypatch)
    assert cached(engine) > 10  # with the new one
    engine.add_content([{**best, "track_id": "newer"}])
    newer = ids(engine)
    assert {"new", "newer"} < set(newer)
    assert newer == scanned(engine, monkeypatch)
    engine.remove_content(["new"])
    assert "new" not in ids(engine)
    assert ids(engine) == scanned(engine, monkeypatch)


def test_what_was_removed_is_no_hit(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    best = ids(engine, limit=20)
    engine.remove_content([best[0], best[7]])
    assert cached(engine) == 20  # two of which are deleted
    assert ids(engine) == [one for one in best if one not in (best[0], best[7])][:10]
    assert ids(engine) == scanned(engine, monkeypatch)


def test_when_too_much_was_removed_the_others_are_searched_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.remove_content(ids(engine, limit=20))
    assert len(ids(engine)) == 10
    assert ids(engine) == scanned(engine, monkeypatch)


def test_what_was_replaced_is_no_hit_as_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    best = engine.recommend("me", TASTE, limit=10)[0].track
    engine.add_content([{**best, "genre": "folk", "artist": "nobody"}])
    found = ids(engine)
    assert found[0] != best["track_id"]
    assert found == scanned(engine, monkeypatch)


def test_a_factor_that_has_to_be_evaluated_is_evaluated_every_time() -> None:
    offset = 0

    def values(columns: Any, rows: Any) -> Any:
        return (rows + offset) % 7 / 7

    mine = Scoring("mine", lambda request: ColumnFunction(function=values))
    with serving([plugin("p", qfzz_factors=lambda: [mine])]) as engine:
        first = ids(engine)
        assert cached(engine) == 0
        offset = 3
        assert ids(engine) != first


def test_a_table_of_a_plugin_is_compared_by_what_it_holds() -> None:
    values = {"rock": 1.0}  # the plugin's own, which it changes as it likes
    mine = Scoring("mine", lambda request: CategoryTable(column="genre", values=values))
    with serving([plugin("p", qfzz_factors=lambda: [mine])]) as engine:
        engine.recommend("me", limit=10)
        assert engine.plan("me", limit=10).cached > 0
        values["folk"] = 1.0
        assert engine.plan("me", limit=10).cached == 0


def factors(
    weight: float = 0.5,
    *,
    table: tuple[str, dict[str, float], float] = ("genre", {"rock": 1.0}, 0.0),
    distance: tuple[str, float, float, float] = ("energy", 0.5, 1.0, 0.0),
    unknown: float | None = None,
) -> list[tuple[float, Any]]:
    column, values, default = table
    number, target, scale, missing = distance
    return [
        (weight, CategoryTable(column=column, values=values, default=default, missing=unknown)),
        (0.5, NumericDistance(column=number, target=target, scale=scale, missing=missing)),
    ]


def test_no_two_formulas_that_score_otherwise_have_one_digest() -> None:
    changing = Snapshots(Case(Random(1), 8))
    catalogue = changing.changed()
    variants = [
        factors(),
        factors(0.25),
        factors(table=("title", {"title 0": 1.0}, 0.0)),
        factors(table=("genre", {"pop": 1.0}, 0.0)),
        factors(table=("genre", {"rock": 0.5}, 0.0)),
        factors(table=("genre", {"rock": 1.0, "pop": 1.0}, 0.0)),
        factors(table=("genre", {"rock": 1.0}, 0.5)),
        factors(table=("genre", {}, 0.0)),
        factors(unknown=0.5),
        factors(unknown=0.25),
        factors(table=("genre", {"rock": 1.0}, 0.5), unknown=0.0),
        factors(distance=("year", 0.5, 1.0, 0.0)),
        factors(distance=("energy", 0.25, 1.0, 0.0)),
        factors(distance=("energy", 0.5, 2.0, 0.0)),
        factors(distance=("energy", 0.5, 1.0, 0.5)),
        factors()[::-1],
        factors()[:1],
        factors()[1:],
    ]
    digests = [formula(each, catalogue).digest() for each in variants]
    assert None not in digests
    assert len(set(digests)) == len(variants)
    assert [formula(each, catalogue).digest() for each in variants] == digests


def test_a_method_that_is_asked_for_uses_no_cache() -> None:
    case = Case(Random(1), 8)
    changing = Snapshots(case)
    catalogue = changing.changed()
    for _ in range(2):
        plan = Plan()
        planner.ranked(catalogue, formula(factors(), catalogue), wanted=1, method="index", plan=plan).take(1)
        assert plan.cached == 0


@pytest.mark.exhaustive
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**40))
def test_caching_and_scanning_give_the_same_ranking(seed: int) -> None:
    random = Random(seed)
    case = Case(random, random.choice([2, 8, 1000]), random.choice(UNKNOWN))
    with pytest.MonkeyPatch.context() as patch:
        small_limits(patch)
        patch.setattr(planner, "SMALL", -1)
        patch.setattr(planner, "DEEP", 0)
        patch.setattr(result_cache, "MAX_RANKS", random.choice([60, 10_000]))
        patch.setattr(result_cache, "MAX_LENGTH", random.choice([20, 10_000]))
        changing = Snapshots(case)
        requests = [(weighted(case), filters(case)) for _ in range(3)]
        snapshots = []
        for _ in range(4):
            snapshots.append(changing.changed())
            for _ in range(4):
                prepared, active = random.choice(requests)
                tracks_are_fetched = any(isinstance(shape, TrackFunction) for _, shape in prepared)
                catalogue = snapshots[-1] if tracks_are_fetched else random.choice(snapshots[-2:])
                scoring, constraints = formula(prepared, catalogue), constraint(case, catalogue)
                depths = [random.choice([1, 5, 20]), random.choice([7, 50]), random.choice([10, 500])]
                chosen, by_scan = (
                    planner.ranked(catalogue, scoring, active, constraints=constraints, wanted=depths[0], method=method)
                    for method in (None, "scan")
                )
                assert looked_at(chosen, depths) == looked_at(by_scan, depths)


# -- the cache itself


def found(count: int, length: int = 0, deleted: int = 0, *, whole: bool = False) -> CachedResult:
    return CachedResult(count, length, deleted, np.arange(count), np.linspace(1.0, 0.0, count), whole)


def requesting(cache: ResultCache) -> Callable[[str, int], bool]:
    """Return what requests a result, and returns whether that was a hit."""

    def request(key: str, count: int) -> bool:
        known = cache.get(key.encode())
        if known is not None and known.serves(count, 0, 0):
            assert len(known.rows) >= count
            return True
        cache.put(key.encode(), found(count))
        return False

    return request


def test_a_cache_drops_what_was_not_used_for_the_longest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "MAX_RANKS", 3 * (100 + result_cache.RESULT_COST))
    request = requesting(ResultCache())
    assert [request(key, 100) for key in "abc"] == [False, False, False]
    assert request("a", 100)
    assert not request("d", 100)  # in the place of b
    assert [request(key, 100) for key in "acd"] == [True, True, True]
    assert not request("b", 100)


def test_a_longer_result_takes_the_place_of_a_shorter_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "MAX_RANKS", 2 * (100 + result_cache.RESULT_COST))
    request = requesting(ResultCache())
    request("a", 50)
    request("b", 100)
    assert not request("a", 100)
    assert [request(key, 100) for key in "ab"] == [True, True]


def test_a_long_result_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "MAX_LENGTH", 50)
    request = requesting(ResultCache())
    assert [request("a", 51), request("a", 51), request("a", 50), request("a", 50)] == [False, False, False, True]


def test_a_result_serves_as_many_in_later_snapshots() -> None:
    some = found(10, 100, 5)
    assert [some.serves(*wanted) for wanted in ((10, 100, 5), (3, 100, 5), (10, 101, 5), (10, 101, 7))] == [True] * 4
    assert [some.serves(*wanted) for wanted in ((11, 100, 5), (10, 99, 5), (10, 100, 4))] == [False] * 3
    assert found(10, 100, 5, whole=True).serves(1_000, 100, 5)


def test_what_is_cached_cannot_be_changed() -> None:
    for array in (found(3).rows, found(3).scores):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_each_segment_has_a_cache_of_its_own() -> None:
    one, other = Segment(Columns({}, 0)), Segment(Columns({}, 0))
    assert ResultCache.of(one) is ResultCache.of(one)
    assert ResultCache.of(one) is not ResultCache.of(other)


def test_threads_share_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "MAX_RANKS", 500)
    cache = ResultCache()

    def work(seed: int) -> None:
        random, request = Random(seed), requesting(cache)
        for _ in range(500):
            request(random.choice("abcdefgh"), random.choice([1, 10, 100]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    kept = [cache.get(key.encode()) for key in "abcdefgh"]
    assert 0 < sum(len(known.rows) for known in kept if known) <= 500


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    cache = ResultCache()
    cache.put(b"a", found(1))
    with cache._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if cache.get(b"a") is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
