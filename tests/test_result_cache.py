"""What a search found is remembered: the same question gets the same answer, and any other one an answer of its own."""

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
from qfzz_core.catalogue.segment import Segment
from qfzz_core.contracts.columns import Columns
from qfzz_core.contracts.plan import Plan
from qfzz_core.ranking import planner
from qfzz_core.ranking.index import result_cache
from qfzz_core.ranking.index.result_cache import Found, Memory


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


def recalled(engine: Engine, **keywords: Any) -> int:
    return engine.plan("me", TASTE, **{"limit": 10, **keywords}).recalled


def test_the_same_question_is_answered_without_looking_at_a_row(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = engine.plan("me", TASTE, limit=10)
    assert (first.recalled, first.looked_at > 0) == (0, True)
    again = engine.plan("somebody else", TASTE, limit=10)
    assert (again.method, again.recalled, again.looked_at, again.scored) == ("index", 10, 0, 0)
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
def test_another_question_is_not(engine: Engine, monkeypatch: pytest.MonkeyPatch, keywords: dict[str, Any]) -> None:
    asked = {"preferences": TASTE, "limit": 10, **keywords}

    def found() -> list[str]:
        return [one.track["track_id"] for one in engine.recommend("me", **asked)]

    engine.recommend("me", TASTE, limit=10)
    engine.recommend("me", TASTE, limit=10, where={"genre": "folk"})
    assert engine.plan("me", **asked).recalled == 0
    by_index = found()
    monkeypatch.setattr(planner, "SMALL", 10**9)
    assert by_index == found()


def test_fewer_ranks_are_recalled_from_more(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ids(engine, limit=100)
    assert recalled(engine, limit=7) == 100
    assert ids(engine, limit=7) == scanned(engine, monkeypatch, limit=7)


def test_more_ranks_are_looked_for_and_remembered_in_place_of_fewer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids(engine, limit=7)
    assert (recalled(engine, limit=100), recalled(engine, limit=7)) == (0, 100)
    assert ids(engine, limit=100) == scanned(engine, monkeypatch, limit=100)


def test_a_feedback_makes_another_question() -> None:
    with serving() as engine:
        engine.recommend("me", limit=10)
        assert engine.plan("me", limit=10).recalled > 0
        engine.record_feedback("me", "t4", "like")
        assert engine.plan("me", limit=10).recalled == 0


def test_tracks_that_are_added_are_in_the_next_answer_though_the_others_are_recalled(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = engine.recommend("me", TASTE, limit=10)[0].track
    engine.add_content([{**best, "track_id": "new"}])
    assert recalled(engine) == 10
    found = ids(engine)
    assert "new" in found
    assert found == scanned(engine, monkeypatch)
    assert recalled(engine) > 10  # with the new one
    engine.add_content([{**best, "track_id": "newer"}])
    newer = ids(engine)
    assert {"new", "newer"} < set(newer)
    assert newer == scanned(engine, monkeypatch)
    engine.remove_content(["new"])
    assert "new" not in ids(engine)
    assert ids(engine) == scanned(engine, monkeypatch)


def test_what_was_removed_is_not_recalled(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    best = ids(engine, limit=20)
    engine.remove_content([best[0], best[7]])
    assert recalled(engine) == 20  # two of which are deleted
    assert ids(engine) == [one for one in best if one not in (best[0], best[7])][:10]
    assert ids(engine) == scanned(engine, monkeypatch)


def test_when_too_much_was_removed_the_others_are_looked_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.remove_content(ids(engine, limit=20))
    assert len(ids(engine)) == 10
    assert ids(engine) == scanned(engine, monkeypatch)


def test_what_was_replaced_is_not_recalled_as_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    best = engine.recommend("me", TASTE, limit=10)[0].track
    engine.add_content([{**best, "genre": "folk", "artist": "nobody"}])
    found = ids(engine)
    assert found[0] != best["track_id"]
    assert found == scanned(engine, monkeypatch)


def test_a_factor_that_has_to_be_asked_is_asked_every_time() -> None:
    offset = 0

    def asked(columns: Any, rows: Any) -> Any:
        return (rows + offset) % 7 / 7

    stranger = Scoring("mine", lambda request: ColumnFunction(function=asked))
    with serving([plugin("p", qfzz_factors=lambda: [stranger])]) as engine:
        first = ids(engine)
        assert recalled(engine) == 0
        offset = 3
        assert ids(engine) != first


def test_a_table_of_a_stranger_is_compared_by_what_it_holds() -> None:
    values = {"rock": 1.0}  # the stranger's own, which it changes as it likes
    stranger = Scoring("mine", lambda request: CategoryTable(column="genre", values=values))
    with serving([plugin("p", qfzz_factors=lambda: [stranger])]) as engine:
        engine.recommend("me", limit=10)
        assert engine.plan("me", limit=10).recalled > 0
        values["folk"] = 1.0
        assert engine.plan("me", limit=10).recalled == 0


def factors(
    weight: float = 0.5,
    *,
    table: tuple[str, dict[str, float], float] = ("genre", {"rock": 1.0}, 0.0),
    distance: tuple[str, float, float, float] = ("energy", 0.5, 1.0, 0.0),
) -> list[tuple[float, Any]]:
    column, values, default = table
    number, target, scale, missing = distance
    return [
        (weight, CategoryTable(column=column, values=values, default=default)),
        (0.5, NumericDistance(column=number, target=target, scale=scale, missing=missing)),
    ]


def test_no_two_formulas_that_score_otherwise_are_one_question() -> None:
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


def test_a_way_that_is_asked_for_recalls_nothing() -> None:
    case = Case(Random(1), 8)
    changing = Snapshots(case)
    catalogue = changing.changed()
    for _ in range(2):
        plan = Plan()
        planner.ranked(catalogue, formula(factors(), catalogue), wanted=1, method="index", plan=plan).take(1)
        assert plan.recalled == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**40))
def test_recalling_and_scanning_give_the_same_ranking(seed: int) -> None:
    random = Random(seed)
    case = Case(random, random.choice([2, 8, 1000]))
    with pytest.MonkeyPatch.context() as patch:
        small_limits(patch)
        patch.setattr(planner, "SMALL", -1)
        patch.setattr(planner, "DEEP", 0)
        patch.setattr(result_cache, "MOST_RANKS", random.choice([60, 10_000]))
        patch.setattr(result_cache, "LONGEST", random.choice([20, 10_000]))
        changing = Snapshots(case)
        questions = [(weighted(case), filters(case)) for _ in range(3)]
        snapshots = []
        for _ in range(4):
            snapshots.append(changing.changed())
            for _ in range(4):
                prepared, active = random.choice(questions)
                tracks_are_asked = any(isinstance(shape, TrackFunction) for _, shape in prepared)
                catalogue = snapshots[-1] if tracks_are_asked else random.choice(snapshots[-2:])
                scoring, constraints = formula(prepared, catalogue), constraint(case, catalogue)
                depths = [random.choice([1, 5, 20]), random.choice([7, 50]), random.choice([10, 500])]
                chosen, by_scan = (
                    planner.ranked(catalogue, scoring, active, constraints=constraints, wanted=depths[0], method=method)
                    for method in (None, "scan")
                )
                assert looked_at(chosen, depths) == looked_at(by_scan, depths)


# -- the memory itself


def found(count: int, length: int = 0, deleted: int = 0, *, whole: bool = False) -> Found:
    return Found(count, length, deleted, np.arange(count), np.linspace(1.0, 0.0, count), whole)


def asking(memory: Memory) -> Callable[[str, int], bool]:
    """Return what asks a question, and returns whether that was recalled."""

    def ask(question: str, count: int) -> bool:
        known = memory.recalled(question.encode())
        if known is not None and known.answers(count, 0, 0):
            assert len(known.rows) >= count
            return True
        memory.keep(question.encode(), found(count))
        return False

    return ask


def test_a_memory_forgets_what_was_not_asked_about_for_the_longest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "MOST_RANKS", 3 * (100 + result_cache.ALONE))
    ask = asking(Memory())
    assert [ask(question, 100) for question in "abc"] == [False, False, False]
    assert ask("a", 100)
    assert not ask("d", 100)  # in the place of b
    assert [ask(question, 100) for question in "acd"] == [True, True, True]
    assert not ask("b", 100)


def test_a_longer_answer_takes_the_place_of_a_shorter_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "MOST_RANKS", 2 * (100 + result_cache.ALONE))
    ask = asking(Memory())
    ask("a", 50)
    ask("b", 100)
    assert not ask("a", 100)
    assert [ask(question, 100) for question in "ab"] == [True, True]


def test_a_long_answer_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "LONGEST", 50)
    ask = asking(Memory())
    assert [ask("a", 51), ask("a", 51), ask("a", 50), ask("a", 50)] == [False, False, False, True]


def test_what_was_found_answers_for_as_many_in_later_snapshots() -> None:
    some = found(10, 100, 5)
    assert [some.answers(*asked) for asked in ((10, 100, 5), (3, 100, 5), (10, 101, 5), (10, 101, 7))] == [True] * 4
    assert [some.answers(*asked) for asked in ((11, 100, 5), (10, 99, 5), (10, 100, 4))] == [False] * 3
    assert found(10, 100, 5, whole=True).answers(1_000, 100, 5)


def test_what_is_remembered_cannot_be_changed() -> None:
    for array in (found(3).rows, found(3).scores):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_each_segment_has_a_memory_of_its_own() -> None:
    one, other = Segment(Columns({}, 0)), Segment(Columns({}, 0))
    assert Memory.of(one) is Memory.of(one)
    assert Memory.of(one) is not Memory.of(other)


def test_threads_share_a_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "MOST_RANKS", 500)
    memory = Memory()

    def work(seed: int) -> None:
        random, ask = Random(seed), asking(memory)
        for _ in range(500):
            ask(random.choice("abcdefgh"), random.choice([1, 10, 100]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    kept = [memory.recalled(question.encode()) for question in "abcdefgh"]
    assert 0 < sum(len(known.rows) for known in kept if known) <= 500


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    memory = Memory()
    memory.keep(b"a", found(1))
    with memory._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if memory.recalled(b"a") is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
