"""The planner takes the index where it pays, and says what it did; no way changes a result."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.ranking_cases import FOUR_GENRES, TASTE, serving, tracks
from support.third_party import Letting, Scoring, plugin

from qfzz_core import (
    CategoryFilter,
    CategoryTable,
    Column,
    ColumnFunction,
    Engine,
    IdFilter,
    PluginWarning,
    Predicate,
    TrackFunction,
)
from qfzz_core.ranking import planner
from qfzz_core.ranking.index.build import Index
from qfzz_core.ranking.index.layout import Layout


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "SMALL", 100)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with serving() as made:
        yield made


def ids(engine: Engine, **keywords: Any) -> list[str]:
    return [found.track["track_id"] for found in engine.recommend("me", TASTE, **keywords)]


def scanned(engine: Engine, patch: pytest.MonkeyPatch, **keywords: Any) -> list[str]:
    with patch.context() as small:
        small.setattr(planner, "SMALL", 10**9)
        assert engine.plan("me", TASTE, **keywords).method == "scan"
        return ids(engine, **keywords)


def test_few_of_many_tracks_are_found_by_the_index(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = engine.plan("me", TASTE, limit=10)
    assert (plan.method, plan.tracks) == ("index", 2_000)
    assert 10 <= plan.scored < 500
    assert plan.looked_at < 2_000
    assert set(plan.seconds) == {"prepare", "plan", "rank", "discover", "fetch"}
    assert min(plan.seconds.values()) >= 0.0
    assert ids(engine, limit=10) == scanned(engine, monkeypatch, limit=10)


def test_planning_creates_nobody_and_is_no_request(engine: Engine) -> None:
    engine.plan("nobody", limit=10)
    assert engine.get_profile("nobody") is None
    with serving() as other:
        assert ids(engine, limit=20) == ids(other, limit=20)


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({"limit": None}, "most of the ranking is asked for"),
        ({"limit": 1_000}, "most of the ranking is asked for"),
        ({"limit": 10, "where": {"duration": 107}}, "few tracks pass the filters"),
        ({"limit": 10, "where": {"artist": "artist 7"}}, "few tracks pass the filters"),
    ],
)
def test_the_plan_says_why_all_were_scanned(engine: Engine, keywords: dict[str, Any], reason: str) -> None:
    plan = engine.plan("me", TASTE, **keywords)
    assert (plan.method, plan.reason) == ("scan", reason)


def test_a_small_catalogue_is_scanned(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    monkeypatch.setattr(planner, "SMALL", 2_000)
    assert engine.plan("me", limit=10).reason == "the catalogue is small"


def test_a_filter_that_names_tracks_has_these_scanned(engine: Engine) -> None:
    named = Letting("mine", lambda request, option: IdFilter(track_ids=option))
    with Engine(store=engine.store, seed=1, plugins=[plugin("p", qfzz_filters=lambda: [named])]) as other:
        plan = other.plan("me", limit=2, where={"mine": ["t5", "t700", "nowhere", "t6"]})
        assert (plan.reason, plan.scored) == ("a filter names its tracks", 3)
        assert ids(other, limit=5, where={"mine": ["t6", "t5"]}) == ["t5", "t6"]


@pytest.mark.parametrize(
    "where",
    [{"genre": "rock"}, {"genre": ["rock", "folk"], "mood": "calm"}, {"energy": (0.2, 0.6)}, {"genre": "nothing"}],
)
def test_conditions_give_what_a_filtered_scan_gives(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, where: dict[str, Any]
) -> None:
    assert engine.plan("me", TASTE, limit=10, where=where).method == "index"
    assert ids(engine, limit=10, where=where) == scanned(engine, monkeypatch, limit=10, where=where)


def test_leaving_out_all_liked_genres_looks_at_no_row_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    others = Letting(
        "others", lambda request, option: CategoryFilter(column="genre", names=FOUR_GENRES[:3], exclude=True)
    )
    with serving([plugin("p", qfzz_filters=lambda: [others])]) as engine:
        where = {"others": True}
        plan = engine.plan("me", TASTE, limit=10, where=where)
        assert (plan.method, plan.scored < 200) == ("index", True)
        assert ids(engine, limit=10, where=where) == scanned(engine, monkeypatch, limit=10, where=where)


def test_a_predicate_that_few_tracks_pass_is_evaluated_for_a_sample_and_then_for_all() -> None:
    asked: list[int] = []

    def passes(columns: Any, rows: Any) -> Any:
        asked.extend(rows.tolist())
        return rows % 400 == 3

    rare = Letting("rare", lambda request, option: Predicate(function=passes))
    with serving([plugin("p", qfzz_filters=lambda: [rare])]) as engine:
        plan = engine.plan("me", TASTE, limit=10, where={"rare": True})
        assert (plan.method, plan.reason, plan.scored) == ("scan", "few tracks pass the filters", 5)
        assert sorted(asked[-2_000:]) == list(range(2_000))
        assert len(asked) < 3_000
        assert sorted(ids(engine, limit=10, where={"rare": True})) == sorted(f"t{row}" for row in range(3, 2_000, 400))


def test_all_tracks_are_filtered_when_too_few_of_the_best_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "MIN_CANDIDATE_BUDGET", 100)
    unloved = Letting("unloved", lambda request, option: Predicate(function=lambda columns, rows: rows % 4 != 0))
    with serving([plugin("p", qfzz_filters=lambda: [unloved])]) as engine:  # the genre of every fourth track is liked
        plan = engine.plan("me", TASTE, limit=10, where={"unloved": True})
        assert (plan.method, plan.reason, plan.scored >= 1_500) == ("scan", "few tracks passed the filters", True)
        keywords: dict[str, Any] = {"limit": 10, "where": {"unloved": True}}
        assert ids(engine, **keywords) == scanned(engine, monkeypatch, **keywords)


def test_tracks_that_were_removed_are_not_among_the_sample() -> None:
    asked: set[int] = set()

    def passes(columns: Any, rows: Any) -> Any:
        asked.update(rows.tolist())
        return rows % 2 == 0

    even = Letting("even", lambda request, option: Predicate(function=passes))
    with serving([plugin("p", qfzz_filters=lambda: [even])]) as engine:
        ids(engine, limit=5)
        engine.remove_content([f"t{row}" for row in range(0, 2_000, 3)])
        assert engine.plan("me", TASTE, limit=5, where={"even": True}).method == "index"
        assert asked
        assert not any(row % 3 == 0 for row in asked)


def test_constraints_start_again_when_all_tracks_are_filtered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "MIN_CANDIDATE_BUDGET", 100)
    rare = Letting("rare", lambda request, option: Predicate(function=lambda columns, rows: rows % 100 == 3))
    with serving([plugin("p", qfzz_filters=lambda: [rare])]) as engine:
        keywords: dict[str, Any] = {"limit": 8, "where": {"rare": True}, "max_per_artist": 1}
        assert len(ids(engine, **keywords)) == 2
        assert ids(engine, **keywords) == scanned(engine, monkeypatch, **keywords)


def test_a_hundred_thousand_ties_keep_the_order_of_the_catalogue() -> None:
    with Engine(store="memory:", seed=1) as engine:
        same = {**tracks(2_000)[0], "genre": "unheard of"}
        engine.add_content([{**same, "track_id": f"t{number}"} for number in range(100_000)])
        plan = engine.plan("me", {"discovery_factor": 0.0}, limit=50)
        assert (plan.method, plan.scored < 1_000) == ("index", True)
        assert ids(engine, limit=50) == [f"t{number}" for number in range(50)]


def test_a_function_is_asked_only_about_rows_that_can_still_reach_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[int] = set()

    def values(columns: Any, rows: Any) -> Any:
        asked.update(rows.tolist())
        return (rows % 10) / 10.0

    factor = Scoring("mine", lambda request: ColumnFunction(function=values), 0.05)
    with Engine(store="memory:", seed=1, plugins=[plugin("p", qfzz_factors=lambda: [factor])]) as engine:
        engine.add_content(tracks(4_000))
        assert engine.plan("me", TASTE, limit=5).method == "index"
        assert len(asked) < 2_000
        assert ids(engine, limit=5) == scanned(engine, monkeypatch, limit=5)


def test_a_bound_that_is_not_kept_is_a_fault_and_the_others_rank() -> None:
    factor = Scoring("mine", lambda request: ColumnFunction(function=lambda columns, rows: rows * 0.0 + 0.9, bound=0.5))
    with serving([plugin("p", qfzz_factors=lambda: [factor])]) as engine:
        with pytest.warns(PluginWarning, match=r"factor mine of .*values must lie in \[0, 0.5\], got 0.9"):
            found = engine.recommend("me", TASTE, limit=5)
        assert [fault.component for fault in found[0].explanation.faults] == ["factor mine"]
        with Engine(store=engine.store, seed=1) as plain:
            assert [each.track for each in found] == [each.track for each in plain.recommend("me", TASTE, limit=5)]


def test_tracks_removed_from_the_base_are_never_evaluated() -> None:
    asked: list[str] = []

    def value(track: Any) -> float:
        asked.append(track["track_id"])
        return 0.5

    factor = Scoring("mine", lambda request: TrackFunction(function=value, bound=0.5))
    with serving([plugin("p", qfzz_factors=lambda: [factor])]) as engine:
        best = ids(engine, limit=5)
        engine.remove_content(best)
        asked.clear()
        after = ids(engine, limit=5)
        assert engine.plan("me", TASTE, limit=5).method == "index"
        assert not set(best) & (set(after) | set(asked))
        engine.add_content([{**tracks(2_000)[0], "track_id": after[0], "genre": "jazz", "mood": "calm"}])
        assert len(ids(engine, limit=5)) == 5


def test_the_catalogue_holds_a_few_indexes_and_scans_for_requests_of_yet_another_kind() -> None:
    columns = [Column(name=f"shade {number}", kind="category") for number in range(6)]
    chosen: list[str] = ["shade 0"]

    def prepared(request: Any) -> Any:
        return CategoryTable(column=chosen[0], values={"red": 1.0})

    mine = plugin("p", qfzz_columns=lambda: columns, qfzz_factors=lambda: [Scoring("mine", prepared)])
    with Engine(store="memory:", seed=1, plugins=[mine]) as engine:
        shades = {f"shade {number}": ["red", "blue"][number % 2] for number in range(6)}
        engine.add_content([{**track, **shades} for track in tracks(2_000)])
        methods = []
        for number in range(6):
            chosen[0] = f"shade {number}"
            methods.append(engine.plan("me", TASTE, limit=5).method)
        assert methods == ["index"] * 4 + ["scan"] * 2


def test_an_index_comes_back_from_its_arrays() -> None:
    with Engine(store="memory:", seed=1) as engine:
        engine.add_content(tracks(500))
        columns = engine._library.snapshot().segment.columns
        layout = Layout(("genre", "mood"), "energy", ("artist",))
        made = Index.of(layout, columns)
        again = Index.restored(layout, made.arrays())
        assert again.dims == made.dims
        assert made.nbytes < 500 * 20 + 4_000
        for name, array in made.arrays().items():
            assert np.array_equal(again.arrays()[name], array)
