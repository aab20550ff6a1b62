"""No plugin takes a call down: what fails is reported once, left out of the whole request, and said."""

import inspect
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import attrs
import numpy as np
import pytest
from support.third_party import (
    BUILT_IN_FACTORS,
    ONLY_RANKED,
    Choosing,
    Learning,
    Letting,
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
    record,
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
    IdFilter,
    InteractionType,
    NumericDistance,
    Pick,
    PluginWarning,
    Predicate,
    RangeFilter,
    Ranking,
    Request,
    StoreScheme,
    TrackFunction,
    hookimpl,
)
from qfzz_core.errors import PluginError


class BoomError(Exception):
    """What the broken plugins of this file raise."""


def boom(*given: Any, **named: Any) -> Any:
    raise BoomError("the plugin broke")


COROUTINES: list[Coroutine[Any, Any, None]] = []


async def nothing() -> None:
    """What a coroutine of this file would do if it were awaited."""


def later(*given: Any, **named: Any) -> Any:
    """What a plugin must not be: async."""
    COROUTINES.append(nothing())
    return COROUTINES[-1]


@pytest.fixture(autouse=True)
def no_coroutine_is_left_open() -> Iterator[None]:
    """Expect that every coroutine was closed; else Python warns, at some later time, that nobody awaited it."""
    COROUTINES.clear()
    yield
    left = [each for each in COROUTINES if inspect.getcoroutinestate(each) != inspect.CORO_CLOSED]
    for each in left:
        each.close()
    assert left == []


@contextmanager
def one_report(caplog: pytest.LogCaptureFixture, component: str, said: str = "") -> Iterator[None]:
    """Expect one warning and one log record, of this component of the plugin "mine", with these words."""
    caplog.clear()
    with pytest.warns(PluginWarning) as warned:
        yield
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    (message,) = [str(each.message) for each in warned]
    assert logged == [message]
    assert component in message
    assert 'plugin "mine" (passed in code)' in message
    assert said in message


def scored(dj: PersonalizedDJ, **arguments: Any) -> list[Any]:
    """All that a result says, but for faults."""
    found = dj.engine.recommend("u", ONLY_RANKED, **arguments)
    return [(each.track, each.score, each.rank, each.explanation.factors) for each in found]


# Registering


def wrapping(**marks: bool) -> ModuleType:
    def qfzz_factors(setup: Any) -> Any:
        return (yield)

    module = ModuleType("mine")
    module.qfzz_factors = hookimpl(**marks)(qfzz_factors)  # type: ignore[attr-defined]
    return module


@attrs.frozen
class Odd:
    """An object with whatever attributes a factor, filter, strategy or learner should not have."""

    name: Any = "odd"
    weight: Any = 1.0
    order: Any = 9
    Options: Any = None
    prepare: Any = lambda request: None
    check: Any = lambda option: None
    pick: Any = lambda request, ranking: []
    keys: Any = lambda event: []
    learn: Any = lambda state, event, key: None
    read: Any = lambda state: 0.0


def registering(hook: str, *objects: Any) -> ModuleType:
    return plugin("mine", **{hook: lambda: objects})


def making(hook: str, make: Callable[[], Any]) -> ModuleType:
    """A plugin whose object refuses to be made."""
    return plugin("mine", **{hook: lambda: [make()]})


REGISTERING = [
    "qfzz_factors",
    "qfzz_columns",
    "qfzz_filters",
    "qfzz_strategies",
    "qfzz_interaction_types",
    "qfzz_genre_similarity",
    "qfzz_genre_aliases",
    "qfzz_analysers",
    "qfzz_learners",
    "qfzz_stores",
]

UNREGISTERABLE: dict[str, tuple[Any, str]] = {
    "an unknown argument": (plugin("mine", qfzz_factors=lambda setup, request: []), "request"),
    "an unknown hook": (plugin("mine", qfzz_factor=boom), 'no hook "qfzz_factor", did you mean "qfzz_factors"?'),
    "a hook wrapper": (wrapping(wrapper=True), "hook wrapper"),
    "an old hook wrapper": (wrapping(hookwrapper=True), "hook wrapper"),
    "options that raise": (plugin("mine", qfzz_options=boom), "the plugin broke"),
    "async options": (plugin("mine", qfzz_options=later), ""),
    "options that are no class": (plugin("mine", qfzz_options=lambda: 5), ""),
    **{f"{hook} raises": (plugin("mine", **{hook: boom}), "BoomError: the plugin broke") for hook in REGISTERING},
    **{f"{hook} is async": (plugin("mine", **{hook: later}), "") for hook in REGISTERING},
    **{f"{hook} gives a number": (plugin("mine", **{hook: lambda: 5}), "") for hook in REGISTERING},
    **{f"{hook} gives strings": (plugin("mine", **{hook: lambda: ["x"]}), "") for hook in REGISTERING},
    "similarity of no names": (plugin("mine", qfzz_genre_similarity=lambda: {"rock": [1]}), ""),
    "similarity to a text": (plugin("mine", qfzz_genre_similarity=lambda: {"rock": "metal"}), "must be several"),
    "an alias of no genre": (plugin("mine", qfzz_genre_aliases=lambda: {"rock": 1}), "must be names"),
    "a factor without a name": (registering("qfzz_factors", Odd(name=None)), "needs a name"),
    "a factor of a blank name": (registering("qfzz_factors", Odd(name=" ")), "needs a name"),
    "a factor of no weight": (registering("qfzz_factors", Odd(weight=None)), "weight must be finite and 0 or more"),
    "a factor of negative weight": (registering("qfzz_factors", Odd(weight=-1)), "weight must be finite"),
    "a factor of infinite weight": (registering("qfzz_factors", Odd(weight=float("inf"))), "weight must be finite"),
    "a factor whose weight is NaN": (registering("qfzz_factors", Odd(weight=float("nan"))), "weight must be finite"),
    "a factor whose weight is True": (registering("qfzz_factors", Odd(weight=True)), "weight must be finite"),
    "a factor without prepare": (registering("qfzz_factors", Odd(prepare=None)), "has no method prepare"),
    "a factor of no order": (registering("qfzz_factors", Odd(order="first")), "order"),
    "a factor whose options are no class": (registering("qfzz_factors", Odd(Options=5)), "Options"),
    "a filter without a name": (registering("qfzz_filters", Odd(name=3)), "needs a name"),
    "a filter without check": (registering("qfzz_filters", Odd(check=None)), "has no method check"),
    "a filter without prepare": (registering("qfzz_filters", Odd(prepare=None)), "has no method prepare"),
    "a strategy without pick": (registering("qfzz_strategies", Odd(pick=None)), "has no method pick"),
    "a strategy whose options are no class": (registering("qfzz_strategies", Odd(Options=5)), "Options"),
    "a learner without keys": (registering("qfzz_learners", Odd(keys=None)), "has no method keys"),
    "a learner without learn": (registering("qfzz_learners", Odd(learn=None)), "has no method learn"),
    "a learner without read": (registering("qfzz_learners", Odd(read=None)), "has no method read"),
    "a column without a name": (making("qfzz_columns", lambda: Column(name="", kind="number")), "name"),
    "a column whose name is no text": (making("qfzz_columns", lambda: Column(name=["x"], kind="number")), "name"),
    "a column of no kind": (making("qfzz_columns", lambda: Column(name="x", kind="colour")), "kind"),
    "a column compared by nothing": (
        making("qfzz_columns", lambda: Column(name="x", kind="tags", compare="x")),
        "compare",
    ),
    "a vector without a size": (making("qfzz_columns", lambda: Column(name="x", kind="vector")), "size"),
    "a vector of a textual size": (making("qfzz_columns", lambda: Column(name="x", kind="vector", size="3")), "size"),
    "an interaction type without a name": (
        making("qfzz_interaction_types", lambda: InteractionType(None, 0.1)),
        "name",
    ),
    "a strength that is no number": (making("qfzz_interaction_types", lambda: InteractionType("x", "y")), "strength"),
    "a strength that is NaN": (
        making("qfzz_interaction_types", lambda: InteractionType("x", float("nan"))),
        "strength",
    ),
    "a strength above 1": (making("qfzz_interaction_types", lambda: InteractionType("x", 1.5)), "strength"),
    "a store without a scheme": (making("qfzz_stores", lambda: StoreScheme(None, boom)), "scheme"),
}


@pytest.mark.parametrize("what", UNREGISTERABLE)
def test_a_plugin_that_cannot_be_registered_is_left_out(what: str, caplog: pytest.LogCaptureFixture) -> None:
    given, said = UNREGISTERABLE[what]
    with one_report(caplog, "failed to register", said):
        dj = dj_with(given)
    found = record(dj, "mine")
    assert (found.status, found.hooks, found.objects) == ("failed to register", [], [])
    assert said in found.reason
    assert scored(dj) == scored(dj_with())
    assert sum(dj.engine.faults.of("mine").values()) == 1


@pytest.mark.parametrize("what", UNREGISTERABLE)
def test_a_strict_engine_raises_what_cannot_be_registered(what: str) -> None:
    given, said = UNREGISTERABLE[what]
    with pytest.raises(PluginError) as raised:
        dj_with(given, strict=True)
    assert 'plugin "mine" (passed in code)' in str(raised.value)
    assert said in str(raised.value)


def test_of_a_plugin_that_fails_to_register_nothing_is_registered(caplog: pytest.LogCaptureFixture) -> None:
    half_good = plugin(
        "mine",
        qfzz_factors=lambda: [Scoring("good", each_track(lambda track: 1.0))],
        qfzz_genre_similarity=lambda: {"pop": ["polka"]},
        qfzz_filters=boom,
    )
    with one_report(caplog, "failed to register", "BoomError"):
        dj = dj_with(half_good)
    assert explained(dj) == list(BUILT_IN_FACTORS)
    assert dj.engine.registry.similarity.similar_to("polka") == frozenset()


def test_weights_too_large_to_add_up_are_a_fault_of_the_plugin_that_brought_them() -> None:
    huge = factors("mine", *(Scoring(name, each_track(lambda track: 1.0), 1e308) for name in ("a", "b")))
    with pytest.warns(PluginWarning, match='"mine"'):
        dj = dj_with(huge)
    assert len(dj.recommend("u", limit=3)) == 3


def test_a_strategy_that_is_configured_and_does_not_register_is_replaced_options_and_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with one_report(caplog, "failed to register", "BoomError"):
        dj = dj_with(plugin("mine", qfzz_strategies=boom), discovery={"strategy": "deep", "depth": 3})
    assert len(dj.recommend("u", limit=3)) == 3


@attrs.frozen
class Unmakeable:
    """Options that look like options until they are made."""

    depth: int = 3

    def __attrs_post_init__(self) -> None:
        boom()


def test_a_factor_whose_options_cannot_be_made_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with one_report(caplog, "factor odd", "BoomError"):
        dj = dj_with(registering("qfzz_factors", Odd(Options=Unmakeable)))
    assert scored(dj) == scored(dj_with())


def test_a_strategy_whose_options_cannot_be_made_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    mine = registering("qfzz_strategies", Odd(Options=Unmakeable))
    with one_report(caplog, "strategy odd", "BoomError"):
        dj = dj_with(mine, discovery={"strategy": "odd"})
    assert ids(dj, limit=3) == ["t0", "t1", "t2"]


# Factors


def table(**wrong: Any) -> Callable[[Request], CategoryTable]:
    return lambda request: CategoryTable(**{"column": "genre", "values": {"pop": 0.5}, **wrong})


def distance(**wrong: Any) -> Callable[[Request], NumericDistance]:
    return lambda request: NumericDistance(**{"column": "energy", "target": 0.5, **wrong})


def function(made: Callable[[Any, Any], Any], bound: Any = 1.0) -> Callable[[Request], ColumnFunction]:
    return lambda request: ColumnFunction(function=made, bound=bound)


def filled(value: Any) -> Callable[[Request], ColumnFunction]:
    return function(lambda columns, rows: np.full(len(rows), value))


def one_wrong(columns: Any, rows: Any) -> Any:
    """Values that are right but for the last track's."""
    return np.where(columns["energy"].numbers[rows] > 0.9, np.nan, 0.5)


def judged(value: Any) -> Callable[[Request], TrackFunction]:
    return each_track(lambda track: value)


BROKEN: dict[str, tuple[Callable[[Request], Any], str]] = {
    "prepare raises": (boom, "BoomError: the plugin broke"),
    "prepare is async": (later, "coroutine"),
    "prepare gives a number": (lambda request: 0.5, "got float"),
    "prepare gives a class": (lambda request: CategoryTable, "got type"),
    "an unknown column": (table(column="colour"), 'no column "colour"'),
    "a table on numbers": (table(column="energy"), '"energy"'),
    "a distance on names": (distance(column="genre"), '"genre"'),
    "a table value above 1": (table(values={"pop": 1.5}), "'pop' must be from 0 to 1, got 1.5"),
    "a table value of a genre that no track has": (table(values={"polka": -0.5}), "must be from 0 to 1"),
    "a table value that is NaN": (table(values={"pop": float("nan")}), "must be from 0 to 1, got nan"),
    "a table value that is text": (table(values={"pop": "high"}), "must be a number"),
    "a table value that is True": (table(values={"pop": True}), "must be a number"),
    "a table default below 0": (table(default=-0.1), "default must be from 0 to 1"),
    "a table that is no mapping": (table(values=["pop"]), "list"),
    "a table of no names": (table(values={3: 0.5}), ""),
    "a target that is NaN": (distance(target=float("nan")), "target must be finite"),
    "a target that is text": (distance(target="high"), ""),
    "a scale of 0": (distance(scale=0), "scale finite and above 0"),
    "a missing above 1": (distance(missing=1.5), "missing numbers must be from 0 to 1"),
    "a bound above 1": (function(lambda columns, rows: np.zeros(len(rows)), bound=2), "bound must be from 0 to 1"),
    "a bound that is no number": (function(lambda columns, rows: np.zeros(len(rows)), bound=None), "bound"),
    "a function that raises": (function(boom), "BoomError: the plugin broke"),
    "an async function": (function(later), "coroutine"),
    "a single value": (function(lambda columns, rows: 0.5), "shape"),
    "too few values": (function(lambda columns, rows: np.zeros(len(rows) - 1)), "shape"),
    "a column of values": (function(lambda columns, rows: np.zeros((len(rows), 1))), "shape"),
    "no values": (function(lambda columns, rows: None), ""),
    "values that are text": (function(lambda columns, rows: ["high"] * len(rows)), "must be numbers"),
    "values that are NaN": (filled(np.nan), "must lie in [0, 1], got nan"),
    "values that are infinite": (filled(np.inf), "must lie in [0, 1]"),
    "values below 0": (filled(-1e-9), "must lie in [0, 1]"),
    "values above 1": (filled(1 + 1e-9), "must lie in [0, 1]"),
    "values above their bound": (function(lambda columns, rows: np.full(len(rows), 0.6), bound=0.5), "[0, 0.5]"),
    "one wrong value": (function(one_wrong), "got nan"),
    "a track function that raises": (each_track(boom), "BoomError: the plugin broke"),
    "an async track function": (each_track(later), "coroutine"),
    "a track value above 1": (judged(1.5), "must be from 0 to 1, got 1.5"),
    "a track value below 0": (judged(-0.5), "must be from 0 to 1"),
    "a track value that is NaN": (judged(float("nan")), "must be from 0 to 1, got nan"),
    "a track value that is text": (judged("0.5"), "must be a number"),
    "no track value": (judged(None), "must be a number"),
    "a track value above its bound": (
        lambda request: TrackFunction(function=lambda track: 0.6, bound=0.5),
        "must be from 0 to 0.5",
    ),
    "a key that a track lacks": (each_track(lambda track: track["colour"]), "KeyError: 'colour'"),
}


def good() -> ModuleType:
    return scoring("good", each_track(lambda track: track["energy"]), 2.0)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_factor_is_left_out_of_the_whole_request(what: str, caplog: pytest.LogCaptureFixture) -> None:
    prepare, said = BROKEN[what]
    dj, plain = dj_with(scoring("mine", prepare), good()), dj_with(good())
    with one_report(caplog, "factor mine", said):
        found = dj.engine.recommend("u")
    assert [each.track for each in found] == plain.recommend("u")
    explanation = found[0].explanation
    assert [part.name for part in explanation.factors] == [*BUILT_IN_FACTORS, "good"]
    assert sum(part.weight for part in explanation.factors) == pytest.approx(1.0)
    assert sum(part.contribution for part in explanation.factors) == pytest.approx(found[0].score, abs=1e-9)
    (note,) = explanation.faults
    assert (note.component, note.plugin, note.distribution, note.version) == ("factor mine", "mine", None, None)
    assert said in note.message


@pytest.mark.parametrize("what", [what for what in BROKEN if what != "one wrong value"])
def test_an_explanation_leaves_a_broken_factor_out_and_says_so(what: str, caplog: pytest.LogCaptureFixture) -> None:
    prepare, said = BROKEN[what]
    with one_report(caplog, "factor mine", said):
        explanation = dj_with(scoring("mine", prepare)).explain("u", "t0")
    assert explanation.factors == dj_with().explain("u", "t0").factors
    assert [(note.component, note.plugin) for note in explanation.faults] == [("factor mine", "mine")]


@pytest.mark.parametrize("what", BROKEN)
def test_a_strict_engine_raises_what_a_factor_does_wrong(what: str) -> None:
    prepare, said = BROKEN[what]
    dj = dj_with(scoring("mine", prepare), strict=True)
    with pytest.raises(PluginError) as raised:
        dj.recommend("u")
    assert str(raised.value).startswith('factor mine of plugin "mine" (passed in code): ')
    assert said in str(raised.value)


def test_a_fault_is_reported_once_and_counted_every_time(caplog: pytest.LogCaptureFixture) -> None:
    dj = dj_with(scoring("mine", boom))
    with one_report(caplog, "factor mine"):
        for _ in range(3):
            dj.recommend("u")
    assert dj.engine.faults.of("mine") == {"factor mine": 3}
    assert dj.engine.faults.counts == {("mine", "factor mine"): 3}


def test_a_log_record_carries_the_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.warns(PluginWarning):
        dj_with(scoring("mine", boom)).recommend("u")
    (logged,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert logged.name == "qfzz.plugins"
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], BoomError)


def test_two_broken_factors_are_left_out_together() -> None:
    dj = dj_with(factors("mine", Scoring("a", boom), Scoring("b", each_track(boom))), good())
    with pytest.warns(PluginWarning) as warned:
        explanation = dj.engine.recommend("u")[0].explanation
    assert len(warned) == 2
    assert [note.component for note in explanation.faults] == ["factor a", "factor b"]
    assert [part.name for part in explanation.factors] == [*BUILT_IN_FACTORS, "good"]


def test_a_factor_that_recovers_is_back_in_the_next_request() -> None:
    broken = [True]
    dj = dj_with(scoring("mine", lambda request: boom() if broken[0] else TrackFunction(function=lambda track: 0.5)))
    with pytest.warns(PluginWarning):
        assert explained(dj) == list(BUILT_IN_FACTORS)
    broken.clear()
    broken.append(False)
    assert explained(dj) == [*BUILT_IN_FACTORS, "mine"]
    assert dj.explain("u", "t0").faults == ()


def test_the_fault_of_one_engine_is_no_fault_of_another(caplog: pytest.LogCaptureFixture) -> None:
    broken, other = dj_with(scoring("mine", boom)), dj_with(scoring("mine", boom))
    with one_report(caplog, "factor mine"):
        broken.recommend("u")
    assert other.engine.faults.of("mine") == {}
    with one_report(caplog, "factor mine"):
        other.recommend("u")


def test_a_built_in_that_fails_is_left_out_like_one_of_a_third_party() -> None:
    dj = dj_with(columns={"genre_of_house": {"kind": "category"}}, plugins={"disable": ["columns"]})
    with pytest.warns(PluginWarning) as warned:
        explanation = dj.explain("u", "t0")
    assert {note.plugin for note in explanation.faults} == set(BUILT_IN_FACTORS)
    assert {note.distribution for note in explanation.faults} == {"qfzz"}
    assert all("distribution qfzz" in str(each.message) for each in warned)
    assert explanation.score == 0.0


def test_a_broken_reason_is_replaced_and_nothing_else_changes(caplog: pytest.LogCaptureFixture) -> None:
    for reason in (boom, lambda track, value: 5, "because", later):
        spoilt = scoring("mine", lambda request, said=reason: TrackFunction(function=lambda track: 0.25, reason=said))
        dj = dj_with(spoilt)
        with one_report(caplog, "reason of factor mine"):
            (part,) = [part for part in dj.explain("u", "t0").factors if part.name == "mine"]
        assert (part.value, part.reason) == (0.25, "mine 0.25")
        assert dj.explain("u", "t0").score == dj.engine.recommend("u", ONLY_RANKED)[0].score


# Filters


def passing(function: Callable[[Any, Any], Any]) -> Callable[[Request, Any], Predicate]:
    return lambda request, option: Predicate(function=function)


BROKEN_FILTERS: dict[str, tuple[Callable[[Request, Any], Any], str]] = {
    "prepare raises": (boom, "BoomError: the plugin broke"),
    "prepare is async": (later, "coroutine"),
    "prepare gives a list": (lambda request, option: ["t0"], "got list"),
    "an unknown column": (lambda request, option: CategoryFilter(column="colour", names=["red"]), "colour"),
    "categories of numbers": (lambda request, option: CategoryFilter(column="energy", names=["red"]), ""),
    "a range of names": (lambda request, option: RangeFilter(column="genre", low=1), ""),
    "a range of strings": (lambda request, option: RangeFilter(column="energy", low="a"), ""),
    "ids that are none": (lambda request, option: IdFilter(track_ids=[["t0"]]), ""),
    "a predicate that raises": (passing(boom), "BoomError: the plugin broke"),
    "an async predicate": (passing(later), ""),
    "too few booleans": (passing(lambda columns, rows: np.ones(len(rows) - 1, dtype=bool)), "booleans"),
    "numbers for booleans": (passing(lambda columns, rows: np.ones(len(rows))), "booleans"),
    "one boolean": (passing(lambda columns, rows: True), "booleans"),
}


@pytest.mark.parametrize("what", BROKEN_FILTERS)
def test_a_broken_filter_is_left_out_of_the_whole_request(what: str, caplog: pytest.LogCaptureFixture) -> None:
    prepare, said = BROKEN_FILTERS[what]
    dj = dj_with(letting("mine", prepare))
    with one_report(caplog, "filter mine", said):
        found = dj.engine.recommend("u", ONLY_RANKED, where={"mine": 1, "energy": (0, 0.7)}, limit=9)
    assert [each.track["track_id"] for each in found] == ["t0", "t1", "t2"]
    assert [(note.component, note.plugin) for note in found[0].explanation.faults] == [("filter mine", "mine")]
    assert dj.engine.faults.of("mine") == {"filter mine": 1}
    assert len(dj.recommend("u", ONLY_RANKED)) == 6


@pytest.mark.parametrize("what", BROKEN_FILTERS)
def test_a_strict_engine_raises_what_a_filter_does_wrong(what: str) -> None:
    prepare, said = BROKEN_FILTERS[what]
    with pytest.raises(PluginError, match=r'^filter mine of plugin "mine"') as raised:
        dj_with(letting("mine", prepare), strict=True).recommend("u", where={"mine": 1})
    assert said in str(raised.value)


@pytest.mark.parametrize("check", [boom, later])
def test_a_filter_that_cannot_check_its_option_is_left_out(check: Any, caplog: pytest.LogCaptureFixture) -> None:
    dj = dj_with(letting("mine", lambda request, option: IdFilter(track_ids=[]), check=check))
    with one_report(caplog, "filter mine"):
        found = dj.engine.recommend("u", ONLY_RANKED, where={"mine": 1})
    assert len(found) == 6
    assert [note.component for note in found[0].explanation.faults] == ["filter mine"]


# Strategies


def picking(*picks: Any) -> Callable[[Request, Ranking], Any]:
    return lambda request, ranking: picks


BROKEN_STRATEGIES: dict[str, tuple[Callable[[Request, Ranking], Any], str]] = {
    "raises": (boom, "BoomError: the plugin broke"),
    "is async": (later, "async"),
    "gives nothing": (lambda request, ranking: None, ""),
    "gives ranks": (picking(1, 2, 3), "Pick objects"),
    "a rank twice": (picking(Pick(1), Pick(2), Pick(1)), "a rank twice"),
    "too few": (picking(Pick(1), Pick(2)), "returned 2 picks, 3 were asked for"),
    "too many": (picking(*map(Pick, range(1, 6))), "returned 5 picks, 3 were asked for"),
    "rank 0": (picking(Pick(0), Pick(1), Pick(2)), "ranks go from 1"),
    "a rank that is not there": (picking(Pick(1), Pick(2), Pick(7)), "ranks go from 1 to 6"),
    "ranks that are strings": (picking(Pick("a"), Pick("b"), Pick("c")), ""),
    "ranks that are fractions": (picking(Pick(1), Pick(1.5), Pick(2)), "rank"),
    "a reason that is none": (picking(Pick(1), Pick(2), Pick(3, reason=None)), "Pick objects"),
    "looks too far": (lambda request, ranking: [ranking.at([99])], "ranks go from 1 to 6"),
    "wraps an unknown one": (lambda request, ranking: request.strategy("none"), "KeyError"),
}


@pytest.mark.parametrize("what", BROKEN_STRATEGIES)
def test_instead_of_a_broken_strategy_the_best_ranked_are_given(what: str, caplog: pytest.LogCaptureFixture) -> None:
    pick, said = BROKEN_STRATEGIES[what]
    dj = dj_with(choosing("mine", pick), discovery={"strategy": "mine"})
    with one_report(caplog, "strategy mine", said):
        found = dj.engine.recommend("u", limit=3)
    assert [(each.track["track_id"], each.rank) for each in found] == [("t0", 1), ("t1", 2), ("t2", 3)]
    assert [(note.component, note.plugin) for note in found[0].explanation.faults] == [("strategy mine", "mine")]
    assert [part.name for part in found[0].explanation.factors] == list(BUILT_IN_FACTORS)
    assert dj.engine.faults.of("mine") == {"strategy mine": 1}


@pytest.mark.parametrize("what", BROKEN_STRATEGIES)
def test_a_strict_engine_raises_what_a_strategy_does_wrong(what: str) -> None:
    pick, said = BROKEN_STRATEGIES[what]
    dj = dj_with(choosing("mine", pick), discovery={"strategy": "mine"}, strict=True)
    with pytest.raises(PluginError, match=r'^strategy mine of plugin "mine"') as raised:
        dj.recommend("u", limit=3)
    assert said in str(raised.value)


def test_without_a_limit_a_strategy_may_leave_tracks_out_but_repeat_none(caplog: pytest.LogCaptureFixture) -> None:
    dj = dj_with(choosing("mine", picking(Pick(6), Pick(2))), discovery={"strategy": "mine"})
    assert ids(dj) == ["t5", "t1"]
    dj = dj_with(choosing("mine", picking(Pick(6), Pick(6))), discovery={"strategy": "mine"})
    with one_report(caplog, "strategy mine", "a rank twice"):
        assert len(ids(dj)) == 6


def test_a_broken_factor_inside_a_strategys_request_is_the_factors_fault(caplog: pytest.LogCaptureFixture) -> None:
    dj = dj_with(scoring("mine", each_track(boom)), choosing("plain", best), discovery={"strategy": "plain"})
    with one_report(caplog, "factor mine"):
        assert len(ids(dj, limit=3)) == 3
    assert dj.engine.faults.of("plain") == {}


def test_a_strategy_that_swallows_errors_hides_no_fault_of_a_filter(caplog: pytest.LogCaptureFixture) -> None:
    def careful(request: Request, ranking: Ranking) -> Sequence[Pick]:
        try:
            return best(request, ranking)
        except Exception:  # noqa: BLE001 - what some people write
            return []

    dj = dj_with(choosing("careful", careful), letting("mine", passing(boom)), discovery={"strategy": "careful"})
    with one_report(caplog, "filter mine"):
        assert ids(dj, limit=3, where={"mine": 1}) == ["t0", "t1", "t2"]


# Learners


BROKEN_LEARNERS: dict[str, tuple[dict[str, Any], str]] = {
    "keys raises": ({"keys": boom}, "BoomError: the plugin broke"),
    "keys is async": ({"keys": later}, ""),
    "keys gives nothing": ({"keys": lambda event: None}, ""),
    "keys gives no strings": ({"keys": lambda event: [3]}, ""),
    "learn raises": ({"learn": boom}, "BoomError: the plugin broke"),
    "learn is async": ({"learn": later}, ""),
    "learn gives an object": ({"learn": lambda state, event, key: object()}, ""),
    "learn gives NaN": ({"learn": lambda state, event, key: float("nan")}, "nan"),
}


@pytest.mark.parametrize("what", BROKEN_LEARNERS)
def test_a_broken_learner_learns_nothing_and_the_feedback_is_recorded(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong, said = BROKEN_LEARNERS[what]
    mine = plugin("mine", qfzz_learners=lambda: [Learning("broken", **wrong)])
    dj = dj_with(mine, plugin("other", qfzz_learners=lambda: [Learning("counts")]))
    with one_report(caplog, "learner broken", said):
        for _ in range(2):
            dj.record_feedback("u", "t1", "like")
    profile = dj.get_profile("u")
    assert profile is not None
    assert profile.artists == {"Artist 1": 0.2}
    assert len(profile.interaction_history) == 2
    assert dj.get_trust_score("u", artist="Artist 1") == 0.75
    assert dj.engine.learned("counts", "u", "t1") == 2.0
    assert dict(dj.engine.store.states("u", "broken")) == {}


@pytest.mark.parametrize("what", BROKEN_LEARNERS)
def test_in_a_strict_engine_a_broken_learner_leaves_nothing_recorded(what: str) -> None:
    wrong, said = BROKEN_LEARNERS[what]
    dj = dj_with(plugin("mine", qfzz_learners=lambda: [Learning("broken", **wrong)]), strict=True)
    with pytest.raises(PluginError, match=r'^learner broken of plugin "mine"') as raised:
        dj.record_feedback("u", "t1", "like")
    assert said in str(raised.value)
    assert dj.get_profile("u") is None


def test_a_learner_cannot_change_the_state_it_is_given() -> None:
    def learn(state: Any, event: Any, key: str) -> Any:
        if state is not None:
            state.append("spoilt")
            raise BoomError
        return []

    dj = dj_with(plugin("mine", qfzz_learners=lambda: [Learning("list", learn=learn)]))
    dj.record_feedback("u", "t1", "like")
    with pytest.warns(PluginWarning):
        dj.record_feedback("u", "t1", "like")
    assert dict(dj.engine.store.states("u", "list")) == {"t1": []}


# Observers and commands


@pytest.mark.parametrize("broken", [boom, later])
def test_an_observer_of_feedback_cannot_undo_it(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    notified: list[Any] = []

    def notified_too(feedback: Any) -> None:
        notified.append(feedback)

    def observe(feedback: Any) -> Any:
        return broken()

    dj = dj_with(plugin("mine", qfzz_feedback_recorded=observe), plugin("too", qfzz_feedback_recorded=notified_too))
    with one_report(caplog, "hook qfzz_feedback_recorded"):
        dj.record_feedback("u", "t1", "like")
    profile = dj.get_profile("u")
    assert profile is not None
    assert profile.genres == {"pop": 0.1}
    assert len(notified) == 1


@pytest.mark.parametrize("broken", [boom, later])
def test_an_observer_of_results_cannot_take_them_away(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    def observe(recommended: Any) -> Any:
        return broken()

    dj = dj_with(plugin("mine", qfzz_recommended=observe))
    with one_report(caplog, "hook qfzz_recommended"):
        assert dj.recommend("u") == dj_with().recommend("u")


def test_a_strict_engine_raises_what_observers_raise() -> None:
    dj = dj_with(
        plugin("mine", qfzz_feedback_recorded=lambda feedback: boom(), qfzz_recommended=lambda recommended: boom()),
        strict=True,
    )
    with pytest.raises(PluginError, match=r'^hook qfzz_recommended of plugin "mine"'):
        dj.recommend("u")
    with pytest.raises(PluginError, match=r'^hook qfzz_feedback_recorded of plugin "mine"'):
        dj.record_feedback("u", "t1", "like")


@pytest.mark.parametrize(
    "given", [boom, later, lambda: 5, lambda: [5]], ids=["raises", "async", "number", "no command"]
)
def test_broken_commands_are_left_out(given: Any, caplog: pytest.LogCaptureFixture) -> None:
    def commands(setup: Any) -> Any:
        return given()

    dj = dj_with(plugin("mine", qfzz_commands=commands))
    with one_report(caplog, "hook qfzz_commands"):
        assert dj.engine.commands() == {}


# Columns


BROKEN_COLUMNS: dict[str, Column] = {
    "a source that raises": Column(name="x", kind="number", source=boom),
    "a key that tracks lack": Column(name="x", kind="number", source=lambda track: track["colour"]),
    "a provider that raises": Column(name="x", kind="number", provider=boom),
    "a provider that gives too few": Column(name="x", kind="number", provider=lambda track_ids: [1.0]),
    "a provider that gives nothing": Column(name="x", kind="number", provider=lambda track_ids: None),
    "a missing that is no number": Column(name="x", kind="number", source="none", missing="high"),
}


@pytest.mark.parametrize("what", BROKEN_COLUMNS)
def test_a_broken_column_is_empty_and_everything_else_goes_on(what: str, caplog: pytest.LogCaptureFixture) -> None:
    near = Scoring("near", lambda request: NumericDistance(column="x", target=1.0, missing=0.5))
    mine = plugin("mine", qfzz_columns=lambda: [BROKEN_COLUMNS[what]], qfzz_factors=lambda: [near])
    dj = dj_with(mine)
    with one_report(caplog, "column x"):
        assert set(values(dj, "near").values()) == {0.5} or "missing" in what
    assert ids(dj) == ["t0", "t1", "t2", "t3", "t4", "t5"]
    assert ids(dj, where={"energy": (0.9, None)}) == ["t5"]


@pytest.mark.parametrize("what", BROKEN_COLUMNS)
def test_a_strict_engine_raises_what_a_column_does_wrong(what: str) -> None:
    dj = dj_with(plugin("mine", qfzz_columns=lambda: [BROKEN_COLUMNS[what]]), strict=True)
    with pytest.raises(PluginError, match=r'^column x of plugin "mine"'):
        dj.recommend("u")


def test_an_async_provider_is_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    mine = plugin("mine", qfzz_columns=lambda: [Column(name="x", kind="number", provider=later)])
    with one_report(caplog, "column x"):
        assert len(ids(dj_with(mine))) == 6


# All at once


def test_with_every_component_broken_at_once_the_call_still_answers() -> None:
    wreck = plugin(
        "mine",
        qfzz_factors=lambda: [Scoring("a", boom), Scoring("b", each_track(boom)), Scoring("c", filled(np.nan))],
        qfzz_columns=lambda: [Column(name="x", kind="number", provider=boom)],
        qfzz_filters=lambda: [Letting("f", boom), Letting("g", passing(boom))],
        qfzz_strategies=lambda: [Choosing("s", boom)],
        qfzz_learners=lambda: [Learning("l", learn=boom)],
        qfzz_feedback_recorded=lambda feedback: boom(),
        qfzz_recommended=lambda recommended: boom(),
    )
    dj = dj_with(wreck, discovery={"strategy": "s"}, content=[*tracks(), track("t6", energy=1.0)])
    with pytest.warns(PluginWarning) as warned:
        dj.record_feedback("u", "t1", "like")
    with pytest.warns(PluginWarning) as warned_again:
        found = dj.engine.recommend("u", limit=4, where={"f": 1, "g": 2, "energy": (0, 0.95)})
    assert [each.track["track_id"] for each in found] == ["t1", "t0", "t2", "t3"]
    noted: Sequence[str] = sorted(note.component for note in found[0].explanation.faults)
    assert noted == ["factor a", "factor b", "factor c", "filter f", "filter g", "strategy s"]
    assert [part.name for part in found[0].explanation.factors] == list(BUILT_IN_FACTORS)
    reported = sorted(str(each.message).partition(" of plugin")[0] for each in [*warned, *warned_again])
    assert reported == sorted([*noted, "column x", "learner l", "hook qfzz_feedback_recorded", "hook qfzz_recommended"])


# Attempts that are no ordinary exceptions


def leave(*_: Any) -> None:
    raise SystemExit(3)


@pytest.mark.parametrize(
    "prepare",
    [
        leave,
        lambda request: TrackFunction(function=leave),
        lambda request: ColumnFunction(function=leave),
    ],
    ids=["prepare", "track", "columns"],
)
def test_a_factor_cannot_end_the_program(prepare: Any, caplog: pytest.LogCaptureFixture) -> None:
    dj = dj_with(factors("mine", Scoring("mine", prepare)))
    with one_report(caplog, "factor mine", "must not end the program"):
        assert len(ids(dj)) == 6


def test_a_hook_that_is_implemented_twice_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    def none_yet() -> list[Any]:
        return []

    def none_either() -> list[Any]:
        return []

    given = plugin("mine", qfzz_factors=none_yet)
    given.other = hookimpl(specname="qfzz_factors")(none_either)  # type: ignore[attr-defined]
    with one_report(caplog, "failed to register", "implemented 2 times"):
        dj_with(given)


def test_a_learner_that_cannot_be_read_is_named() -> None:
    dj = dj_with(plugin("mine", qfzz_learners=lambda: [Learning("mine", read=boom)]))
    with pytest.raises(PluginError, match='learner mine of plugin "mine"'):
        dj.engine.learned("mine", "u", "key")


def test_numbers_too_large_for_any_catalogue_mean_everything() -> None:
    dj = dj_with()
    dj.record_feedback("u", "t0", "play")
    assert len(dj.recommend("u", limit=10**400)) == 6
    assert "t0" not in ids(dj, where={"heard_within_plays": 2**70})
    with pytest.raises(ValueError, match="heard_within_days"):
        dj.recommend("u", where={"heard_within_days": 10**400})


@pytest.mark.parametrize("propensity", [float("nan"), "high", 1.5, True])
def test_a_propensity_is_a_share(propensity: Any, caplog: pytest.LogCaptureFixture) -> None:
    dj = dj_with(
        choosing("mine", picking(Pick(1, "ranked", propensity))),
        discovery={"strategy": "mine"},
    )
    with one_report(caplog, "strategy mine", "propensity"):
        assert len(ids(dj, limit=1)) == 1


# Failing again and again


def counting(calls: list[str], fails: Callable[[], bool]) -> Callable[[Request], Any]:
    """The `prepare` of a factor that counts its calls, and fails when it is to."""

    def prepare(request: Request) -> Any:
        calls.append(request.profile.user_id)
        return boom() if fails() else CategoryTable(column="genre", values={}, default=0.5)

    return prepare


def ask(dj: PersonalizedDJ, times: int, **arguments: Any) -> None:
    """Ask for recommendations again and again."""
    for _ in range(times):
        dj.recommend("u", limit=1, **arguments)


def test_a_record_counts_what_failed_at_run_time() -> None:
    dj = dj_with(scoring("mine", boom))
    assert (record(dj, "mine").status, record(dj, "mine").failures) == ("active", {})
    with pytest.warns(PluginWarning):
        dj.recommend("u")
    dj.recommend("u")
    found = record(dj, "mine")
    assert (found.status, found.failures) == ("failed at run time", {"factor mine": 2})
    assert found.reason == "factor mine: BoomError: the plugin broke"


def test_a_plugin_is_switched_off_after_some_failing_requests_in_a_row() -> None:
    calls: list[str] = []
    other = Letting("other", lambda request, option: IdFilter(track_ids=["t1"]))
    mine = plugin(
        "mine",
        qfzz_factors=lambda: [Scoring("mine", counting(calls, lambda: True))],
        qfzz_filters=lambda: [other],
    )
    dj = dj_with(mine, plugins={"give_up_after": 3})
    with pytest.warns(PluginWarning) as warned:
        ask(dj, 5)
    assert len(calls) == 3
    assert len(warned) == 2
    assert "is switched off: it failed 3 requests in a row: BoomError" in str(warned[1].message)
    assert record(dj, "mine").status == "switched off"
    notes = dj.engine.recommend("u", where={"other": 1})[0].explanation.faults
    assert [(note.component, note.plugin) for note in notes] == [("factor mine", "mine"), ("filter other", "mine")]
    assert notes[0].message == "switched off: it failed 3 requests in a row: BoomError: the plugin broke"
    assert len(dj.recommend("u", where={"other": 1})) > 1


def test_a_request_that_succeeds_begins_the_count_again() -> None:
    calls: list[str] = []
    dj = dj_with(scoring("mine", counting(calls, lambda: len(calls) % 3 != 0)), plugins={"give_up_after": 3})
    with pytest.warns(PluginWarning):
        ask(dj, 9)
    assert len(calls) == 9
    assert record(dj, "mine").status == "failed at run time"


def test_requests_that_do_not_use_a_filter_say_nothing_of_it() -> None:
    dj = dj_with(letting("mine", boom), plugins={"give_up_after": 2})
    with pytest.warns(PluginWarning):
        ask(dj, 1, where={"mine": 1})
    ask(dj, 1)
    with pytest.warns(PluginWarning):
        ask(dj, 1, where={"mine": 1})
    assert record(dj, "mine").status == "switched off"


def test_nobody_is_switched_off_if_the_configuration_says_so() -> None:
    calls: list[str] = []
    dj = dj_with(scoring("mine", counting(calls, lambda: True)), plugins={"give_up_after": 0})
    with pytest.warns(PluginWarning):
        ask(dj, 30)
    assert len(calls) == 30


def test_an_observer_is_switched_off_too() -> None:
    notified: list[Any] = []

    def observe(feedback: Any) -> None:
        notified.append(feedback)
        boom()

    dj = dj_with(plugin("mine", qfzz_feedback_recorded=observe), plugins={"give_up_after": 2})
    with pytest.warns(PluginWarning):
        dj.engine.record_many([{"user_id": "u", "track_id": "t0", "interaction_type": "like"}] * 4)
    assert len(notified) == 2
    assert len(dj.get_profile("u").interaction_history) == 4
    assert record(dj, "mine").status == "switched off"


@pytest.mark.parametrize("sleepy", ["prepare", "function"])
def test_a_slow_factor_is_reported_once_and_still_scores(sleepy: str) -> None:
    def prepare(request: Request) -> Any:
        if sleepy == "prepare":
            time.sleep(0.3)
        return TrackFunction(function=lambda track: time.sleep(0.1 * (sleepy == "function")) or 0.5)

    dj = dj_with(scoring("mine", prepare), plugins={"factor_seconds": 0.25})
    with pytest.warns(PluginWarning, match="factor mine of plugin .* took .* seconds for one request") as warned:
        ask(dj, 2)
    assert explained(dj, "t0")[-1] == "mine"
    assert len([each for each in warned if "factor mine" in str(each.message)]) == 1
    assert record(dj, "mine").status == "active"
    assert "plugins.factor_seconds" in record(dj, "mine").problems[0]


class Panic(BaseException):
    """What is no ordinary exception, and does not end the program either."""


def panic(*given: Any) -> Any:
    raise Panic("the extension broke")


def test_a_panic_of_compiled_code_is_a_fault_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    with one_report(caplog, "factor mine", "raised Panic: the extension broke"):
        assert scored(dj_with(scoring("mine", panic)))
    with one_report(caplog, "failed to register", "Panic"):
        dj_with(plugin("mine", qfzz_factors=panic))


def test_an_interrupt_stays_an_interrupt() -> None:
    def interrupted(request: Request) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dj_with(scoring("mine", interrupted)).recommend("u")
