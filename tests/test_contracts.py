"""What a plugin's objects can do, and what they are given: factors, columns, filters, strategies, and the rest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import attrs
import click
import numpy as np
import pytest
from support.third_party import (
    BUILT_IN_FACTORS,
    ONLY_RANKED,
    Choosing,
    Learning,
    Palette,
    Scoring,
    best,
    choosing,
    dj_with,
    each_track,
    explained,
    factors,
    ids,
    letting,
    plugin,
    scoring,
    track,
    tracks,
    values,
)

from qfzz import PersonalizedDJ
from qfzz_core import (
    CategoryFilter,
    CategoryTable,
    Column,
    ColumnFunction,
    Config,
    Engine,
    FeedbackRecorded,
    IdFilter,
    InteractionType,
    NumericDistance,
    Pick,
    Predicate,
    RangeFilter,
    Ranking,
    Recommended,
    Request,
    StoreScheme,
    TrackFunction,
    factor,
    hookimpl,
)
from qfzz_core.errors import ConfigError, RequestError
from qfzz_plugins.stores.memory import MemoryStore

# How a factor scores


def test_a_table_scores_by_category_and_gives_every_other_name_its_default() -> None:
    content = [track("a", genre="Hip-Hop"), track("b", genre="hip_hop"), track("c", genre="jazz")]
    table = scoring("mine", lambda request: CategoryTable(column="genre", values={"hip hop": 0.9}, default=0.2))
    assert values(dj_with(table, content=content), "mine") == {"a": 0.9, "b": 0.9, "c": 0.2}


def test_a_table_gives_a_missing_category_its_default() -> None:
    content = [track("a", label="Blue Note"), track("b", label=None), track("c")]
    label = {"columns": {"label": {"kind": "category"}}}
    table = scoring("mine", lambda request: CategoryTable(column="label", values={"blue note": 1.0}, default=0.3))
    assert values(dj_with(table, content=content, **label), "mine") == {"a": 1.0, "b": 0.3, "c": 0.3}


def test_a_table_over_track_id_carries_scores_computed_elsewhere() -> None:
    table = scoring("mine", lambda request: CategoryTable(column="track_id", values={"t5": 1.0, "T4": 1.0}), 9.0)
    dj = dj_with(table)
    assert values(dj, "mine") == {"t0": 0, "t1": 0, "t2": 0, "t3": 0, "t4": 0, "t5": 1.0}
    assert ids(dj) == ["t5", "t0", "t1", "t2", "t3", "t4"]


def test_on_tags_the_largest_mapped_value_counts() -> None:
    tagged = {"a": ["live", "loud"], "b": ["LIVE"], "c": ["other", "live"], "d": ["other"], "e": [], "f": None}
    content = [track(track_id, tags=tags) for track_id, tags in tagged.items()]
    table = scoring(
        "mine", lambda request: CategoryTable(column="tags", values={"live": 0.4, "loud": 0.6}, default=0.5)
    )
    dj = dj_with(table, content=content, columns={"tags": {"kind": "tags"}})
    assert values(dj, "mine") == {"a": 0.6, "b": 0.4, "c": 0.5, "d": 0.5, "e": 0.5, "f": 0.5}


def test_a_distance_falls_by_scale_and_has_a_value_for_what_is_missing() -> None:
    content = [track("a", bpm=100), track("b", bpm=110.0), track("c", bpm=300), track("d"), track("e", bpm=95)]
    near = scoring("mine", lambda request: NumericDistance(column="bpm", target=100, scale=20, missing=0.7))
    dj = dj_with(near, content=content, columns={"bpm": {"kind": "number"}})
    assert values(dj, "mine") == {"a": 1.0, "b": 0.5, "c": 0.0, "d": 0.7, "e": 0.75}


def similarity(columns: Any, rows: Any) -> Any:
    return np.nan_to_num(columns["taste"].vectors[rows] @ np.array([0.8, 0.6]))


def test_a_function_of_columns_scores_all_rows_at_once() -> None:
    content = [track("a", taste=[0.8, 0.6]), track("b", taste=[1, 0]), track("c"), track("d", taste=[0.0, 1.0])]
    mine = plugin(
        "mine",
        qfzz_columns=lambda: [Column(name="taste", kind="vector", size=2)],
        qfzz_factors=lambda: [Scoring("mine", lambda request: ColumnFunction(function=similarity))],
    )
    dj = dj_with(mine, content=content)
    assert values(dj, "mine") == pytest.approx({"a": 1.0, "b": 0.8, "c": 0.0, "d": 0.6})


def test_a_function_may_promise_a_bound_below_1() -> None:
    def half(columns: Any, rows: Any) -> Any:
        return columns["energy"].numbers[rows] / 2

    mine = scoring("mine", lambda request: ColumnFunction(function=half, bound=0.5), 5.0)
    assert ids(dj_with(mine)) == ["t5", "t4", "t3", "t2", "t1", "t0"]


def test_ten_lines_make_a_plugin() -> None:
    @factor(weight=2.0, reason=lambda track, value: f"from {track['year']}")
    def recent(track: Mapping[str, Any]) -> float:
        return (track["year"] - 1960) / 10

    dj = dj_with(factors("mine", recent))
    assert ids(dj) == ["t5", "t4", "t3", "t2", "t1", "t0"]
    (part,) = [part for part in dj.explain("u", "t3").factors if part.name == "recent"]
    assert (part.value, part.reason, part.plugin) == (0.3, "from 1963", "mine")
    assert (part.weight, part.contribution) == (pytest.approx(2 / 3), pytest.approx(0.2))


def test_a_decorated_function_may_ask_for_the_request() -> None:
    @factor("at_home", weight=1.0, bound=0.5)
    def anything(track: Mapping[str, Any], request: Request) -> float:
        return 0.5 if request.context.get("place") == "home" else 0.0

    dj = dj_with(factors("mine", anything))
    assert set(values(dj, "at_home").values()) == {0.0}
    assert set(values(dj, "at_home", context={"place": "home"}).values()) == {0.5}


def test_further_factors_join_the_documented_sum() -> None:
    b, a = (
        Scoring(name, each_track(lambda track, value=value: value), 0.5) for name, value in (("b", 0.3), ("a", 0.7))
    )
    explanation = dj_with(factors("mine", b, a)).explain("u", "t2")
    weights = {"genre": 0.30, "artist": 0.25, "energy": 0.20, "tempo": 0.15, "mood": 0.10, "a": 0.5, "b": 0.5}
    assert [part.name for part in explanation.factors] == list(weights)
    assert [part.weight for part in explanation.factors] == pytest.approx([each / 2 for each in weights.values()])
    assert sum(part.contribution for part in explanation.factors) == pytest.approx(explanation.score, abs=1e-9)
    expected = (0.2 * (1 - 1 / 6) + 0.15 + 0.5 * 0.7 + 0.5 * 0.3) / 2
    assert explanation.score == pytest.approx(expected, abs=1e-9)


def test_a_factor_that_abstains_leaves_the_sum() -> None:
    dj, plain = dj_with(scoring("mine", lambda request: None)), dj_with()
    explanation = dj.explain("u", "t0")
    assert explanation.abstained == ("mine",)
    assert explanation.factors == plain.explain("u", "t0").factors
    assert dj.recommend("u") == plain.recommend("u")


def test_if_every_factor_abstains_every_score_is_0() -> None:
    off = {name: {"weight": 0} for name in BUILT_IN_FACTORS}
    dj = dj_with(scoring("mine", lambda request: None), factors=off)
    assert [each.score for each in dj.engine.recommend("u", ONLY_RANKED)] == [0.0] * 6
    assert ids(dj) == ["t0", "t1", "t2", "t3", "t4", "t5"]
    assert (dj.explain("u", "t0").score, dj.explain("u", "t0").factors) == (0.0, ())


def test_a_factor_of_weight_0_is_not_called() -> None:
    def prepare(request: Request) -> None:
        pytest.fail("was called")

    dj = dj_with(scoring("mine", prepare, 0.0), scoring("other", prepare), factors={"other": {"weight": 0}})
    assert explained(dj) == list(BUILT_IN_FACTORS)
    assert len(dj.recommend("u", limit=3)) == 3


def test_prepare_is_called_once_for_a_request() -> None:
    requests = []
    dj = dj_with(scoring("mine", requests.append))
    for limit in (None, 0, 3):
        dj.recommend("u", limit=limit)
        assert len(requests) == 1
        requests.clear()


def test_a_request_has_profile_overrides_limit_context_and_clock() -> None:
    requests: list[Request] = []
    noon = datetime(2024, 2, 29, 12, tzinfo=UTC)
    engine = Engine(plugins=[scoring("mine", requests.append)], clock=lambda: noon)
    engine.recommend("u", {"genres": {"Jazz": 0.9}}, limit=2, context={"device": "car"})
    (request,) = requests
    assert dict(request.profile.genres) == {"Jazz": 0.9}
    assert (request.profile.user_id, request.profile.tempo_preference) == ("u", "medium")
    assert (request.limit, dict(request.context), request.now) == (2, {"device": "car"}, noon)
    assert request.similarity.similar_to("jazz") == {"blues", "soul", "funk", "swing"}


def test_a_request_gives_the_history_on_demand() -> None:
    requests: list[Request] = []
    dj = dj_with(scoring("mine", requests.append))
    for track_id in ("t1", "t2", "t3"):
        dj.record_feedback("u", track_id, "play")
    dj.recommend("u")
    assert [each.track_id for each in requests[0].history()] == ["t1", "t2", "t3"]
    assert [each.track_id for each in requests[0].history(2)] == ["t2", "t3"]
    assert [each.track_id for each in requests[0].interactions()] == ["t3", "t2", "t1"]
    assert requests[0].interaction_types["like"].strength == 0.1


def test_a_learner_keeps_state_that_factors_can_score_by() -> None:
    def by_plays(request: Request) -> CategoryTable:
        seen = request.state("plays")
        return CategoryTable(column="track_id", values={track_id: count / 10 for track_id, count in seen.items()})

    dj = dj_with(
        plugin("mine", qfzz_learners=lambda: [Learning("plays")], qfzz_factors=lambda: [Scoring("mine", by_plays, 9.0)])
    )
    for track_id in ("t5", "t5", "t4"):
        dj.record_feedback("u", track_id, "play")
    assert values(dj, "mine") == {"t0": 0, "t1": 0, "t2": 0, "t3": 0, "t4": 0.1, "t5": 0.2}
    assert ids(dj)[:2] == ["t5", "t4"]
    assert dj.engine.learned("plays", "u", "t5") == 2.0
    assert values(dj, "mine", user_id="other")["t5"] == 0.0


def test_a_learner_that_returns_none_forgets() -> None:
    toggle = Learning("toggle", learn=lambda state, event, key: None if state else True)
    dj = dj_with(plugin("mine", qfzz_learners=lambda: [toggle]))
    dj.record_feedback("u", "t1", "play")
    assert dict(dj.engine.store.states("u", "toggle")) == {"t1": True}
    dj.record_feedback("u", "t1", "play")
    assert dict(dj.engine.store.states("u", "toggle")) == {}


# Columns


def seen(dj: PersonalizedDJ, read: Callable[[Any, Any], Any]) -> Any:
    """What a factor that is a function of columns reads there, in the order of the catalogue."""
    (found,) = [each for each in dj.engine.registry.factors.values() if each.value.name == "reader"]
    found.value.seen.clear()
    dj.recommend("u", ONLY_RANKED)
    columns, rows = found.value.seen[-1]
    return read(columns, np.sort(rows))


@attrs.frozen
class Reader:
    name: str = "reader"
    weight: float = 1e-9
    seen: list[Any] = attrs.field(factory=list)

    def prepare(self, request: Request) -> ColumnFunction:
        def remember(columns: Any, rows: Any) -> Any:
            self.seen.append((columns, rows))
            return np.zeros(len(rows))

        return ColumnFunction(function=remember)


def dj_of_columns(content: Sequence[dict[str, Any]], *columns: Column, **tables: Any) -> PersonalizedDJ:
    mine = plugin("mine", qfzz_columns=lambda: columns, qfzz_factors=lambda: [Reader()])
    return dj_with(mine, content=content, **tables)


def test_a_number_column_holds_doubles() -> None:
    content = [track("a", bpm=1), track("b", bpm=0.1), track("c"), track("d", bpm=2**53 + 1), track("e", bpm="fast")]
    dj = dj_of_columns(content, Column(name="bpm", kind="number"))
    numbers = seen(dj, lambda columns, rows: columns["bpm"].numbers[rows])
    assert numbers.dtype == np.float64
    assert numbers.tolist()[:2] == [1.0, 0.1]
    assert numbers.tolist()[3] == float(2**53 + 1)
    assert np.isnan(numbers[[2, 4]]).all()


def test_a_flag_column_keeps_true_false_and_missing_apart() -> None:
    content = [track("a", live=True), track("b", live=False), track("c"), track("d", live=1)]
    dj = dj_of_columns(content, Column(name="live", kind="flag"))
    assert seen(dj, lambda columns, rows: columns["live"].flags[rows].tolist()) == [1, 0, -1, -1]


def test_a_source_is_a_key_or_a_function_of_the_track() -> None:
    content = [track("a", **{"Release Year": 1975}), track("b", **{"Release Year": 1982})]
    dj = dj_of_columns(
        content,
        Column(name="year", kind="number", source="Release Year"),
        Column(name="decade", kind="category", source=lambda track: f"{track['Release Year'] // 10}0s"),
    )
    assert ids(dj, where={"year": 1975}) == ["a"]
    assert ids(dj, where={"decade": "1980S"}) == ["b"]


def test_a_provider_gives_the_values_of_a_batch_of_tracks() -> None:
    looked_up = []

    def plays(track_ids: Sequence[str]) -> list[int | None]:
        looked_up.append(list(track_ids))
        return [{"t1": 3, "t4": 7}.get(track_id) for track_id in track_ids]

    dj = dj_of_columns(tracks(), Column(name="plays", kind="number", provider=plays, missing=0.0))
    assert seen(dj, lambda columns, rows: columns["plays"].numbers[rows].tolist()) == [0, 3, 0, 0, 7, 0]
    assert looked_up == [["t0", "t1", "t2", "t3", "t4", "t5"]]
    dj.add_content([track("t6")])
    assert ids(dj, where={"plays": (1, None)}) == ["t1", "t4"]
    assert looked_up[1:] == [["t6"]]


def test_what_is_missing_has_the_declared_value() -> None:
    content = [track("a", bpm=90, label="Motown", tags=["soul"], live=True, taste=[1, 0]), track("b")]
    dj = dj_of_columns(
        content,
        Column(name="bpm", kind="number", missing=120.0),
        Column(name="label", kind="category", missing="none"),
        Column(name="tags", kind="tags", missing=["untagged"]),
        Column(name="live", kind="flag", missing=False),
        Column(name="taste", kind="vector", size=2, missing=[0.5, 0.5]),
    )
    for condition in ({"bpm": 120}, {"label": "None"}, {"tags": "untagged"}, {"live": False}):
        assert ids(dj, where=condition) == ["b"]
    assert seen(dj, lambda columns, rows: columns["taste"].vectors[rows].tolist()) == [[1, 0], [0.5, 0.5]]


UNUSABLE: dict[str, tuple[Column, list[Any]]] = {
    "category": (Column(name="x", kind="category"), [3, True, ["a"], {}]),
    "number": (Column(name="x", kind="number"), ["3", True, [1], 10**400]),
    "flag": (Column(name="x", kind="flag"), [0, 1, "true", []]),
    "tags": (Column(name="x", kind="tags"), ["live", [1], ["a", None], {"a": 1}]),
    "vector": (Column(name="x", kind="vector", size=2), [[1], [1, 2, 3], [1, "2"], [1, None]]),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_unusable_values_count_as_missing_and_are_counted(kind: str) -> None:
    column, wrong = UNUSABLE[kind]
    content = [*(track(f"t{n}", x=value) for n, value in enumerate(wrong)), track("none"), track("null", x=None)]
    dj = dj_of_columns(content, column)
    assert len(dj.recommend("u")) == len(dj_with(content=content).recommend("u"))
    assert dj.engine.unusable_values() == {"x": len(wrong)}


def test_a_column_of_the_configuration_needs_no_plugin() -> None:
    content = [track("a", label="Blue_Note"), track("b", label="blue note"), track("c", label="BLUE NOTE")]
    dj = dj_with(content=content, columns={"label": {"kind": "category", "compare": "exact"}})
    assert ids(dj, where={"label": "blue note"}) == ["b"]
    dj = dj_with(content=content, columns={"house": {"kind": "category", "source": "label", "compare": "genre"}})
    assert ids(dj, where={"house": "blue-note"}) == ["a", "b", "c"]


# Conditions on columns


CONDITIONS: dict[str, tuple[str, Any, list[str]]] = {
    "a name": ("label", "blue NOTE", ["a", "b"]),
    "names": ("label", ["Motown", "none"], ["c"]),
    "no names": ("label", [], []),
    "a tag": ("tags", "LIVE", ["a", "c"]),
    "tags": ("tags", {"live", "loud"}, ["a", "b", "c"]),
    "a number": ("year", 1971.0, ["b"]),
    "numbers": ("year", [1970, 1972.0, 5], ["a", "c"]),
    "a range": ("year", (1971, 1972), ["b", "c"]),
    "a range open below": ("year", (None, 1971), ["a", "b"]),
    "a range open above": ("year", (1972, None), ["c"]),
    "a range open at both ends": ("year", (None, None), ["a", "b", "c"]),
    "true": ("loved", True, ["a"]),
    "false": ("loved", False, ["b"]),
}

CONDITIONED = {
    "label": {"kind": "category"},
    "tags": {"kind": "tags"},
    "year": {"kind": "number"},
    "loved": {"kind": "flag"},
    "taste": {"kind": "vector", "size": 2},
}


def conditioned() -> PersonalizedDJ:
    content = [
        track("a", label="Blue Note", tags=["live"], year=1970, loved=True),
        track("b", label="BLUE note ", tags=["loud", "rare"], year=1971, loved=False),
        track("c", label="motown", tags=["Live", "loud"], year=1972, loved=None),
        track("d"),
    ]
    return dj_with(content=content, columns=CONDITIONED)


@pytest.mark.parametrize("what", CONDITIONS)
def test_where_asks_for_a_value_several_or_a_range(what: str) -> None:
    column, option, expected = CONDITIONS[what]
    assert ids(conditioned(), where={column: option}) == expected


@pytest.mark.parametrize(
    ("column", "option"),
    [
        ("label", None),
        ("label", 3),
        ("label", ("a", "b")),
        ("label", ["a", 3]),
        ("tags", {"live": True}),
        ("year", "1970"),
        ("year", True),
        ("year", float("nan")),
        pytest.param("year", 10**400, id="year-huge"),
        ("year", [1970, None]),
        ("year", (1970,)),
        ("year", (1970, 1971, 1972)),
        ("year", (1972, 1970)),
        ("year", ("1970", None)),
        ("loved", 1),
        ("loved", None),
        ("taste", [1, 0]),
    ],
)
def test_a_condition_that_cannot_be_is_refused_by_the_name_of_its_column(column: str, option: Any) -> None:
    dj = conditioned()
    with pytest.raises(RequestError, match=f"where: .*{column}"):
        dj.recommend("new", where={column: option})
    assert dj.get_profile("new") is None


def test_constraints_need_the_columns_they_are_about() -> None:
    dj = dj_with(plugins={"disable": ["columns", *BUILT_IN_FACTORS]})
    for constraint in ({"max_per_artist": 1}, {"distinct": True}):
        with pytest.raises(RequestError, match='needs the column "artist"'):
            dj.recommend("u", **constraint)  # type: ignore[arg-type]
        assert dj.get_profile("u") is None


# Filters


LETTING: dict[str, Any] = {
    "categories": lambda request, option: CategoryFilter(column="artist", names=["ARTIST 1", "artist 4"]),
    "not categories": lambda request, option: CategoryFilter(
        column="artist", names=["Artist 0", "Artist 2", "Artist 3", "Artist 5"], exclude=True
    ),
    "range": lambda request, option: RangeFilter(column="year", low=1961, high=1961),
    "ids": lambda request, option: IdFilter(track_ids=(each for each in ("t4", "t1", "unknown"))),
    "not ids": lambda request, option: IdFilter(track_ids=["t0", "t2", "t3", "t5", "unknown"], exclude=True),
    "predicate": lambda request, option: Predicate(
        function=lambda columns, rows: np.isin(columns["year"].numbers[rows], [1961, 1964])
    ),
    "nothing": lambda request, option: None,
}


@pytest.mark.parametrize("shape", LETTING)
def test_a_filter_is_a_set_a_range_or_a_predicate(shape: str) -> None:
    dj = dj_with(letting("mine", LETTING[shape]), columns={"year": {"kind": "number"}})
    passing = {"range": ["t1"], "nothing": [f"t{n}" for n in range(6)]}.get(shape, ["t1", "t4"])
    assert ids(dj, where={"mine": 1}) == passing
    assert ids(dj, where={"mine": 1}, limit=1) == passing[:1]
    assert ids(dj, where={"mine": 1}, exclude=["t1"]) == [track_id for track_id in passing if track_id != "t1"]


def test_a_filter_checks_its_option_before_anything_happens() -> None:
    def check(option: Any) -> None:
        if option != "yes":
            raise ValueError(f"give yes, got {option!r}")

    dj = dj_with(letting("mine", lambda request, option: None, check=check))
    with pytest.raises(ValueError, match="where: mine: give yes, got 'no'"):
        dj.recommend("new", where={"mine": "no"})
    assert dj.get_profile("new") is None
    assert len(ids(dj, where={"mine": "yes"})) == 6


def test_a_predicate_is_evaluated_for_blocks_of_candidates_not_for_the_whole_catalogue() -> None:
    evaluated = []

    def passes(columns: Any, rows: Any) -> Any:
        evaluated.extend(rows.tolist())
        return np.ones(len(rows), dtype=bool)

    dj = dj_with(letting("mine", lambda request, option: Predicate(function=passes)), content=tracks(3_000))
    assert len(ids(dj, where={"mine": 1}, limit=5)) == 5
    assert 5 <= len(evaluated) < 3_000


# Discovery strategies


def test_a_strategy_is_chosen_by_the_configuration_and_says_why_it_picked() -> None:
    def backwards(request: Request, ranking: Ranking) -> list[Pick]:
        return [Pick(rank, "because", 0.25) for rank in range(request.limit or 0, 0, -1)]

    dj = dj_with(choosing("mine", backwards), discovery={"strategy": "mine"})
    found = dj.engine.recommend("u", limit=3)
    assert [(each.track["track_id"], each.rank) for each in found] == [("t2", 3), ("t1", 2), ("t0", 1)]
    assert {(each.reason, each.propensity) for each in found} == {("because", 0.25)}


def test_a_strategy_is_not_used_unless_it_is_chosen() -> None:
    dj = dj_with(choosing("mine", lambda request, ranking: pytest.fail("was called")))
    assert dj.recommend("u") == dj_with().recommend("u")


@attrs.frozen
class Deep:
    Options = Palette
    name: str = "mine"

    def pick(self, request: Request, ranking: Ranking) -> list[Pick]:
        return [Pick(rank + request.options.depth) for rank in range(1, request.limit + 1)]


def test_a_strategy_has_its_options_from_the_table_discovery() -> None:
    mine = plugin("mine", qfzz_strategies=lambda: [Deep()])
    assert ids(dj_with(mine, discovery={"strategy": "mine"}), limit=2) == ["t3", "t4"]
    assert ids(dj_with(mine, discovery={"strategy": "mine", "depth": 1}), limit=2) == ["t1", "t2"]


def test_a_strategy_sees_ranks_scores_rows_and_columns_lazily() -> None:
    looked: dict[str, Any] = {}

    def look(request: Request, ranking: Ranking) -> list[Pick]:
        looked["scores"] = ranking.scores([1, 6]).tolist()
        looked["at"] = ranking.columns["artist"].names(ranking.at([2, 5]))
        looked["take"] = [len(ranking.take(2)), len(ranking.take(None)), len(ranking.take(99))]
        with pytest.raises(IndexError):
            ranking.at([7])
        with pytest.raises(IndexError):
            ranking.scores([0])
        return best(request, ranking)

    dj = dj_with(choosing("mine", look), discovery={"strategy": "mine"})
    found = dj.engine.recommend("u")
    assert looked["scores"] == [found[0].score, found[-1].score]
    assert looked["at"] == ["artist 1", "artist 4"]
    assert looked["take"] == [2, 6, 6]


def test_strategies_can_wrap_one_another() -> None:
    def reversed_split(request: Request, ranking: Ranking) -> list[Pick]:
        wrapped, split_request = request.strategy("split")
        return list(reversed(wrapped.pick(split_request, ranking)))

    def twice(request: Request, ranking: Ranking) -> list[Pick]:
        wrapped, inner_request = request.strategy("inner")
        return list(reversed(wrapped.pick(inner_request, ranking)))

    given = [choosing("inner", reversed_split), choosing("outer", twice)]
    inner, outer = (dj_with(*given, discovery={"strategy": name}) for name in ("inner", "outer"))
    one, two = ids(inner), ids(outer)
    assert one == ["t5", "t4", "t3", "t2", "t1", "t0"]
    assert two == one[::-1]
    assert len(ids(outer, limit=4, preferences={"discovery_factor": 0.5})) == 4


WRAPPING = {"strategy": "outer", "inner": {"depth": 1}}


def wrapping(inner: Any, pick: Callable[[Request, Ranking], Any]) -> Any:
    """A plugin with a strategy "outer", whose `pick` is given, and one to be wrapped."""
    return plugin("mine", qfzz_strategies=lambda: [inner, Choosing("outer", pick)])


def test_a_wrapped_strategy_has_a_table_of_its_own() -> None:
    def call_inner(request: Request, ranking: Ranking) -> Any:
        assert request.options is None
        wrapped, inner_request = request.strategy("inner")
        return wrapped.pick(inner_request, ranking)

    mine = wrapping(Deep("inner"), call_inner)
    assert ids(dj_with(mine, discovery=WRAPPING), limit=2) == ["t1", "t2"]
    assert ids(dj_with(mine, discovery={"strategy": "outer"}), limit=2) == ["t3", "t4"]


def test_a_wrapped_strategy_can_have_another_limit() -> None:
    seen: list[int | None] = []

    def pick(request: Request, ranking: Ranking) -> Any:
        for limit in (5, None, 0):
            wrapped, inner_request = request.strategy("split", limit=limit)
            seen.extend([inner_request.limit, len(wrapped.pick(inner_request, ranking))])
        wrapped, inner_request = request.strategy("split", limit=5)
        seen.append(request.strategy("split")[1].limit)
        return wrapped.pick(inner_request, ranking)[-2:]

    dj = dj_with(choosing("mine", pick), discovery={"strategy": "mine"}, content=tracks(50))
    assert ids(dj, limit=2) == ["t3", "t4"]
    assert seen == [5, 5, None, 50, 0, 0, 2]


@pytest.mark.parametrize("limit", [-1, 2.0, True, "3"])
def test_a_limit_of_a_wrapped_strategy_that_cannot_be_used_is_refused(limit: Any) -> None:
    def pick(request: Request, ranking: Ranking) -> Any:
        with pytest.raises(ValueError, match="limit must be a whole number, 0 or more, or None"):
            request.strategy("split", limit=limit)
        return best(request, ranking)

    assert len(ids(dj_with(choosing("mine", pick), discovery={"strategy": "mine"}))) == 6


@attrs.frozen
class Needs:
    depth: int


class Demanding(Deep):
    Options = Needs  # type: ignore[assignment]


def test_only_a_strategy_that_is_used_needs_its_options() -> None:
    def pick(request: Request, ranking: Ranking) -> Any:
        with pytest.raises(KeyError, match=r'"inner" needs options, in a table \[discovery\.inner\]'):
            request.strategy("inner")
        return best(request, ranking)

    inner = Demanding("inner")
    assert len(ids(dj_with(wrapping(inner, pick), discovery={"strategy": "outer"}))) == 6
    with pytest.raises(ConfigError, match=r"\[discovery\] depth is missing; it must be a whole number"):
        dj_with(wrapping(inner, pick), discovery={"strategy": "inner"})


def test_wrapping_an_unknown_strategy_is_a_key_error() -> None:
    def pick(request: Request, ranking: Ranking) -> list[Pick]:
        with pytest.raises(KeyError):
            request.strategy("unknown")
        return list(best(request, ranking))

    assert len(ids(dj_with(choosing("mine", pick), discovery={"strategy": "mine"}))) == 6


# Everything else that registers


def test_profiles_learn_from_interaction_types_of_plugins_by_their_strength() -> None:
    love = plugin("mine", qfzz_interaction_types=lambda: [InteractionType("love", 0.4, judgement="like", heard=True)])
    dj = dj_with(love)
    dj.record_feedback("u", "t1", "love")
    profile = dj.get_profile("u")
    assert profile is not None
    assert (profile.genres, profile.artists, profile.moods) == ({"pop": 0.4}, {"Artist 1": 0.4}, {"calm": 0.4})
    assert "t1" not in ids(dj, where={"heard_within_plays": 1})
    with pytest.raises(ValueError, match="love"):
        dj.record_feedback("u", "t1", "lovee")


def test_plugins_and_configuration_add_pairs_of_similar_genres() -> None:
    mine = plugin("mine", qfzz_genre_similarity=lambda: {"Hip Hop": ["pop"]})
    dj = dj_with(mine, similarity={"pop": ["polka"]}, content=[track("a", genre="hip-hop"), track("b", genre="Polka")])
    assert values(dj, "genre") == {"a": 0.0, "b": 0.0}
    dj.get_or_create_profile("u").update_genre_preference("POP", 0.1)
    assert values(dj, "genre") == {"a": 0.5, "b": 0.5}


def test_a_store_is_chosen_by_the_scheme_that_a_plugin_registered() -> None:
    opened = []

    def open_cellar(url: str, options: Palette) -> MemoryStore:
        opened.append((url, options))
        return MemoryStore()

    mine = plugin("mine", qfzz_stores=lambda: [StoreScheme("cellar", open_cellar, Palette)])
    with PersonalizedDJ(store="cellar://upstairs", plugins=[mine]) as dj:
        assert len(dj.recommend("u", limit=3)) == 3
    with PersonalizedDJ(plugins=[mine], config=Config.from_dict({"store": {"url": "cellar:", "depth": 5}})):
        pass
    assert opened == [("cellar://upstairs", Palette()), ("cellar:", Palette(depth=5))]


def test_a_scheme_that_nobody_registered_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ValueError, match='did you mean "sqlite"'):
        PersonalizedDJ(store="sqlit:///music.db")


class Diary:
    """An observer that writes down what it is notified of."""

    def __init__(self) -> None:
        self.feedback: list[FeedbackRecorded] = []
        self.recommended: list[Recommended] = []

    @hookimpl
    def qfzz_feedback_recorded(self, feedback: FeedbackRecorded) -> None:
        self.feedback.append(feedback)

    @hookimpl
    def qfzz_recommended(self, recommended: Recommended) -> None:
        self.recommended.append(recommended)


def test_observers_are_notified_of_feedback_once_it_is_stored() -> None:
    diary = Diary()
    dj = dj_with(diary)
    for _ in range(2):
        dj.record_feedback("u", "t1", "like", rating=0.75, event_id="e1", timestamp="2026-01-31T10:30:00+01:00")
    with pytest.raises(ValueError, match="lick"):
        dj.record_feedback("u", "t1", "lick")
    assert diary.feedback == [
        FeedbackRecorded(
            user_id="u",
            track_id="t1",
            interaction_type="like",
            rating=0.75,
            strength=0.05,
            event_id="e1",
            timestamp="2026-01-31T09:30:00.000000+00:00",
        )
    ]


def test_observers_are_notified_of_results() -> None:
    diary = Diary()
    found = dj_with(diary).recommend("u", limit=2, context={"device": "car"})
    (result,) = diary.recommended
    assert [each.track for each in result.recommendations] == found
    assert (result.request.profile.user_id, dict(result.request.context)) == ("u", {"device": "car"})
    assert result.recommendations[0].explanation.score == result.recommendations[0].score


def test_plugins_add_commands() -> None:
    hello = click.Command("hello", callback=lambda: None)
    dj = dj_with(plugin("mine", qfzz_commands=lambda setup: [hello]))
    assert dj.engine.commands() == {"hello": hello}


# Randomness


def drawing(name: str, draws: int, drawn: list[float]) -> ModuleType:
    def prepare(request: Request) -> TrackFunction:
        drawn.extend(request.random.random() for _ in range(draws))
        return TrackFunction(function=lambda track: 0.5)

    return scoring(name, prepare)


def test_a_plugin_that_draws_once_more_disturbs_nobody() -> None:
    lists = []
    others = []
    for draws in (0, 1, 5):
        drawn: list[float] = []
        dj = dj_with(drawing("greedy", draws, []), drawing("other", 2, drawn), content=tracks(40), seed=7)
        lists.append([dj.recommend("u", {"discovery_factor": 0.5}, limit=10) for _ in range(3)])
        others.append(drawn)
    assert lists[0] == lists[1] == lists[2]
    assert others[0] == others[1] == others[2]


def test_every_component_and_every_request_has_a_stream_of_its_own() -> None:
    drawn: list[float] = []
    dj = dj_with(drawing("one", 2, drawn), drawing("two", 2, drawn))
    for _ in range(3):
        dj.recommend("u")
    assert len(set(drawn)) == len(drawn) == 12


def test_the_same_seed_gives_a_plugin_the_same_numbers_and_another_seed_others() -> None:
    def numbers(seed: int) -> list[float]:
        drawn: list[float] = []
        dj = dj_with(drawing("one", 3, drawn), seed=seed)
        dj.recommend("u")
        dj.recommend("u")
        return drawn

    assert numbers(1) == numbers(1)
    assert not set(numbers(1)) & set(numbers(2))


# What plugins are given


CONTEXT = {"place": {"name": "home"}, "people": ["ann"]}

Tamper = Callable[[Request, Any, Any, Any], Any]

TAMPERING: dict[str, Tamper] = {
    "genres": lambda request, columns, rows, track: request.profile.genres.update({"pop": 1.0}),
    "a genre": lambda request, columns, rows, track: request.profile.genres.__setitem__("pop", 1.0),
    "energy_level": lambda request, columns, rows, track: setattr(request.profile, "energy_level", 1.0),
    "limit": lambda request, columns, rows, track: setattr(request, "limit", 1),
    "context": lambda request, columns, rows, track: request.context.__setitem__("place", "car"),
    "what is in the context": lambda request, columns, rows, track: request.context["place"].clear(),
    "a list in the context": lambda request, columns, rows, track: request.context["people"].append("bob"),
    "interaction types": lambda request, columns, rows, track: request.interaction_types.pop("like"),
    "state": lambda request, columns, rows, track: request.state("trust").clear(),
    "what is in the state": lambda request, columns, rows, track: [s.clear() for s in request.state("trust").values()],
    "history": lambda request, columns, rows, track: request.history().clear(),
    "codes": lambda request, columns, rows, track: columns["genre"].codes.fill(0),
    "numbers": lambda request, columns, rows, track: columns["energy"].numbers.fill(0.5),
    "vocabulary": lambda request, columns, rows, track: columns["artist"].vocabulary.names.clear(),
    "columns": lambda request, columns, rows, track: columns.__delitem__("genre"),
    "rows": lambda request, columns, rows, track: rows.fill(0),
    "track": lambda request, columns, rows, track: track.clear(),
}


def tampering(tamper: Tamper) -> ModuleType:
    """A plugin that tampers with all it is given, and hides that it could not."""

    def attempt(*given: Any) -> None:
        try:
            tamper(*given)
        except Exception:  # noqa: BLE001 - whichever way it is refused
            return

    def prepare_columns(request: Request) -> ColumnFunction:
        def function(columns: Any, rows: Any) -> Any:
            attempt(request, columns, rows, {})
            return np.zeros(len(columns["energy"].numbers))[: len(rows)]

        return ColumnFunction(function=function)

    def prepare_tracks(request: Request) -> TrackFunction:
        def function(track: Any) -> float:
            attempt(request, {}, np.zeros(0), track)
            return 0.0

        return TrackFunction(function=function, reason=lambda track, value: str(attempt(request, {}, [], track)))

    return factors("mine", Scoring("a", prepare_columns), Scoring("b", prepare_tracks))


@pytest.mark.parametrize("what", TAMPERING)
def test_plugins_cannot_change_what_they_were_given(what: str) -> None:
    def results(given: ModuleType) -> list[Any]:
        dj = dj_with(given, content=tracks(12))
        dj.get_or_create_profile("u", {"genres": {"rock": 0.5}, "artists": {"Artist 3": 0.9}})
        dj.record_feedback("u", "t4", "like")
        context = {"place": {"name": "home"}, "people": ["ann"]}
        found = [dj.engine.recommend("u", limit=limit, context=context) for limit in (5, 5, None)]
        explained = [[{**each.explanation.to_dict(), "factors": None} for each in answer] for answer in found]
        dj.record_feedback("u", "t4", "like")
        profile = dj.get_profile("u")
        assert profile is not None
        kept = {key: value for key, value in profile.to_dict().items() if not key.endswith("_at")}
        kept["interaction_history"] = len(kept["interaction_history"])
        tracks_given = [each.track for answer in found for each in answer]
        return [explained, tracks_given, context, kept, dj.get_trust_score("u", artist="Artist 4")]

    assert results(tampering(TAMPERING[what])) == results(tampering(lambda *given: None))


def test_observers_cannot_change_a_result() -> None:
    def spoil(recommended: Recommended) -> None:
        for each in recommended.recommendations:
            each.track.clear()

    assert dj_with(plugin("mine", qfzz_recommended=spoil)).recommend("u") == dj_with().recommend("u")


def test_strategies_cannot_change_the_ranking() -> None:
    def spoil(request: Request, ranking: Ranking) -> Sequence[Pick]:
        for array in (ranking.take(3), ranking.at([1, 2]), ranking.scores([1, 2])):
            if array.flags.writeable:
                array[:] = 0
        return best(request, ranking)

    spoilt, plain = (dj_with(choosing("mine", pick), discovery={"strategy": "mine"}) for pick in (spoil, best))
    assert [(each.track, each.score) for each in spoilt.engine.recommend("u", limit=3)] == [
        (each.track, each.score) for each in plain.engine.recommend("u", limit=3)
    ]


def test_what_the_caller_does_to_a_result_changes_no_explanation() -> None:
    found = dj_with().engine.recommend("u", limit=1)[0]
    before = found.explanation
    found.track.clear()
    assert found.explanation == before


# A catalogue that changes meanwhile


def test_a_track_removed_while_a_request_is_answered_is_not_in_the_answer() -> None:
    removed: list[str] = []

    def prepare(request: Request) -> TrackFunction:
        if not removed:
            removed.append("t1")
            dj.remove_content(removed)
        return TrackFunction(function=lambda track: 0.5)

    dj = dj_with(scoring("mine", prepare))
    assert ids(dj) == ["t0", "t2", "t3", "t4", "t5"]


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_an_explanation_is_of_the_request_whatever_became_of_the_track(what: str) -> None:
    dj = dj_with(scoring("mine", each_track(lambda track: track["energy"])))
    found = dj.engine.recommend("u", ONLY_RANKED)[2]
    if what == "removed":
        dj.remove_content([found.track["track_id"]])
    else:
        dj.add_content([{**found.track, "energy": 0.0, "genre": "jazz"}])
    explanation = found.explanation
    assert explanation.score == found.score
    assert sum(part.contribution for part in explanation.factors) == pytest.approx(found.score, abs=1e-9)
