"""Suites of plugins that break one promise each; `test_testing.py` expects each of them to fail, and where."""

import random
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from qfzz_core import ColumnFunction, Pick, Predicate, Request, TrackFunction
from qfzz_core.testing import FactorContract, FilterContract, StrategyContract
from support.third_party import Choosing, Letting, Scoring, factors, plugin


def by_rows(function: Callable[[Any, Any], Any], **more: Any) -> Callable[[Request], ColumnFunction]:
    return lambda request: ColumnFunction(function=function, **more)


class Seen(list[Any]):
    """What a plugin remembers although it should not."""

    def count_of(self, thing: Any) -> int:
        self.append(thing)
        return len(self)


def fading() -> Callable[[Request], TrackFunction]:
    """The `prepare` of a factor that says less each time."""
    seen = Seen()
    return lambda request: TrackFunction(function=lambda track: 1 / seen.count_of(track))


def renamed(track: dict[str, Any]) -> float:
    track["title"] = "mine"
    return 0.5


@attrs.define
class Worn:
    """Options that can be changed."""

    left: int = 10


def wearing(request: Request) -> TrackFunction:
    request.options.left -= 1
    return TrackFunction(function=lambda track: 0.5)


def brief(request: Request) -> TrackFunction:
    return TrackFunction(function=lambda track: len(track["artist"]) / 4)


def only_pop(request: Request) -> TrackFunction:
    return TrackFunction(function=lambda track: {"pop": 1.0}[track["genre"]])


def blank(request: Request) -> TrackFunction:
    return TrackFunction(function=lambda track: 0.5, reason=lambda track, value: " ")


FACTORS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "above its bound": (
        lambda: by_rows(lambda columns, rows: np.full(len(rows), 0.7), bound=0.5),
        "its_bound",
        "0.5",
    ),
    "above 1": (lambda: brief, "its_bound", "must be from 0 to 1"),
    "of some genres": (lambda: only_pop, "its_bound", "KeyError"),
    "by the others": (lambda: by_rows(lambda columns, rows: rows.argsort() / 99), "among_any_others", "assert"),
    "by what came before": (fading, "same_of_the_same_request", "assert"),
    "by chance": (
        lambda: by_rows(lambda columns, rows: np.full(len(rows), random.random())),
        "same_of_the_same_request",
        "request.random",
    ),
    "changing tracks": (lambda: lambda request: TrackFunction(function=renamed), "changes_nothing", "mine"),
    "without words": (lambda: blank, "reason_is_a_string", "must not be blank"),
    "only of somebody": (
        lambda: lambda request: TrackFunction(function=lambda track: min(request.profile.artists.values())),
        "prepared_for_any_profile",
        "ValueError",
    ),
    "not of nothing": (
        lambda: by_rows(lambda columns, rows: np.full(len(rows), rows.max() * 0.0)),
        "empty_catalogue",
        "zero-size",
    ),
}

STRATEGIES: dict[str, tuple[Callable[[Any, Any], Any], str, str]] = {
    "one too few": (lambda request, ranking: best(request, ranking)[1:], "as_many_picks", "were asked for"),
    "the same again": (lambda request, ranking: [Pick(1)] * len(best(request, ranking)), "as_many_picks", "twice"),
    "what is not there": (
        lambda request, ranking: [Pick(rank) for rank in range(1, (request.limit or 0) + 1)],
        "returned_whole",
        "were asked for",
    ),
    "without words": (
        lambda request, ranking: [Pick(pick.rank, "") for pick in best(request, ranking)],
        "as_many_picks",
        "must not be blank",
    ),
    "too likely": (
        lambda request, ranking: [Pick(pick.rank, "likely", 2.0) for pick in best(request, ranking)],
        "as_many_picks",
        "propensity",
    ),
    "by chance": (
        lambda request, ranking: random.sample(best(request, ranking), len(best(request, ranking))),
        "same_of_the_same_request",
        "request.random",
    ),
}

FILTERS: dict[str, tuple[Callable[[Any], Any], Callable[[Request, Any], Any], str, str]] = {
    "that answers": (lambda option: True, lambda request, option: None, "takes_right_options", "nothing to return"),
    "that takes all": (lambda option: None, lambda request, option: None, "refuses_wrong_options", "DID NOT RAISE"),
    "that fails": (lambda option: [][option], lambda request, option: None, "any_option", "Error"),
    "that cannot use it": (lambda option: None, lambda request, option: len(option) and None, "any_option", "Error"),
    "of every other row": (
        lambda option: None,
        lambda request, option: Predicate(function=lambda columns, rows: np.arange(len(rows)) % 2 == 0),
        "blocks_of_any_size",
        "assert",
    ),
    "by chance": (
        lambda option: None,
        lambda request, option: random.random() and None,
        "same_of_the_same_request",
        "request.random",
    ),
    "of numbers": (
        lambda option: None,
        lambda request, option: Predicate(function=lambda columns, rows: np.ones(len(rows))),
        "what_passes",
        "must return",
    ),
}


def best(request: Any, ranking: Any) -> list[Pick]:
    """The best, in order."""
    return [Pick(rank) for rank in range(1, len(ranking.take(request.limit)) + 1)]


def named(kind: str, what: str) -> str:
    """The name of the suite of a broken object."""
    return f"Test{kind}{what.title().replace(' ', '')}"


class Factors(FactorContract):
    """The suite of a broken factor."""

    what: str
    examples = 25

    def make_plugin(self) -> Any:
        return factors("broken", Scoring("broken", FACTORS[self.what][0]()))


class Strategies(StrategyContract):
    """The suite of a broken strategy."""

    what: str
    examples = 50  # with 25, hypothesis 6.100 draws no catalogue that is large enough to show one too few

    def make_plugin(self) -> Any:
        return plugin("broken", qfzz_strategies=lambda: [Choosing("broken", STRATEGIES[self.what][0])])


class Filters(FilterContract):
    """The suite of a broken filter."""

    what: str
    examples = 25
    right_options = (1,)
    wrong_options = ("wrong",)

    def make_plugin(self) -> Any:
        check, prepare, *_ = FILTERS[self.what]
        return plugin("broken", qfzz_filters=lambda: [Letting("broken", prepare, check)])


@attrs.frozen
class Wearing:
    """A factor that changes its options."""

    name = "broken"
    weight = 1.0
    Options = Worn

    def prepare(self, request: Request) -> TrackFunction:
        return wearing(request)


class TestFactorChangingOptions(FactorContract):
    """The suite of a factor that changes its options."""

    examples = 25

    def make_plugin(self) -> Any:
        return factors("broken", Wearing())


for _kind, _suite, _table in (
    ("Factor", Factors, FACTORS),
    ("Strategy", Strategies, STRATEGIES),
    ("Filter", Filters, FILTERS),
):
    for _what in _table:  # type: ignore[attr-defined]
        _name = named(_kind, _what)
        globals()[_name] = type(_name, (_suite,), {"what": _what, "__module__": __name__})
