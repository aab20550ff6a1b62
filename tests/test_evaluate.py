"""Terms that have to be evaluated: for few rows and for none twice, and the best are the best all the same."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core import ColumnFunction, TrackFunction
from qfzz_core.contracts.columns import as_rows
from qfzz_core.contracts.plan import Plan
from qfzz_core.plugins.record import Origin
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.index import evaluate as evaluate_module
from qfzz_core.ranking.index.bounds import best_of, united_sums
from qfzz_core.ranking.index.evaluate import Evaluator
from qfzz_core.ranking.shapes import Function

EIGHTHS = st.integers(0, 8).map(lambda eighth: eighth / 8)  # few enough that there are ties


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_module, "BLOCK", 5)
    monkeypatch.setattr(evaluate_module, "TRACKS", 5)
    monkeypatch.setattr(evaluate_module, "MIN_SCORED", 3)


@attrs.frozen(eq=False)
class Scene:
    """A formula of one known term and two that are evaluated; `log` says which was called with which rows."""

    known: Sequence[float]
    first: Sequence[float]
    second: Sequence[float]
    bound: float = 1.0
    log: list[tuple[str, int]] = attrs.field(factory=list)
    plan: Plan = attrs.field(factory=Plan)

    def made(self) -> tuple[Formula, Evaluator]:
        by_track = TrackFunction(function=lambda track: 0.0)
        by_columns = ColumnFunction(function=lambda columns, rows: rows * 0.0)
        terms = [
            self.term("tracks", by_track, Function(self.logged("tracks", self.second), 1.0)),
            self.term("known", by_columns, self.logged("known", self.known)),
            self.term("columns", by_columns, Function(self.logged("columns", self.first), self.bound)),
        ]
        formula = Formula(terms)
        return formula, Evaluator(formula, [terms[0], terms[2]], slack=formula.total * 2.0**-38, plan=self.plan)

    def term(self, name: str, prepared: Any, evaluate: Any) -> Term:
        return Term(name, 0.5, prepared, evaluate, Origin(name))

    def logged(self, name: str, values: Sequence[float]) -> Callable[[Any], Any]:
        def evaluate(rows: Any) -> Any:
            self.log.extend((name, row) for row in rows.tolist())
            return np.array(values)[rows]

        return evaluate

    def best(self, rows: Sequence[int], count: int) -> list[tuple[int, float]]:
        """The best rows and their scores by evaluating all of them."""
        formula = Formula(Scene(self.known, self.first, self.second).made()[0].terms)
        scores = formula.scores(as_rows(rows))
        return listed(*best_of(as_rows(rows), scores, count))


def listed(rows: Any, scores: Any) -> list[tuple[int, float]]:
    return list(zip(rows.tolist(), scores.tolist(), strict=True))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    values = draw(st.lists(st.tuples(EIGHTHS, EIGHTHS, EIGHTHS), min_size=1, max_size=60))
    known, first, second = zip(*values, strict=True)
    return Scene(known, first, second)


@settings(max_examples=150, deadline=None)
@given(scenes(), st.data())
def test_the_best_are_those_of_evaluating_all_and_no_row_is_evaluated_twice(scene: Scene, data: st.DataObject) -> None:
    _, evaluator = scene.made()
    every = range(len(scene.known))
    threshold = -np.inf
    for _ in range(3):
        some = data.draw(st.lists(st.sampled_from(every), unique=True, min_size=1).map(sorted))
        count = data.draw(st.integers(1, len(some)))
        above = data.draw(st.sampled_from([0.0, 0.25]))  # what is not known exactly is not known to be less
        sums = 0.5 * np.array(scene.known)[some] + above
        found = evaluator.best(as_rows(some), sums, count, threshold)
        assert listed(*best_of(*found.scored(), count)) == scene.best(some, count)
    called = [entry for entry in scene.log if entry[0] != "known"]
    assert len(called) == len(set(called))
    assert scene.plan.scored == sum(name == "tracks" for name, _ in called)


@settings(max_examples=100, deadline=None)
@given(scenes(), st.integers(1, 20))
def test_a_sum_that_is_known_to_be_reached_changes_nothing_but_which_are_evaluated(scene: Scene, count: int) -> None:
    rows = as_rows(range(len(scene.known)))
    sums = 0.5 * np.array(scene.known)
    threshold = scene.made()[1].best(rows, sums, count).threshold
    scene.log.clear()
    found = scene.made()[1].best(rows, sums, count, threshold)
    assert listed(*best_of(*found.scored(), count)) == scene.best(rows.tolist(), count)
    assert found.threshold >= threshold


def test_fewer_rows_than_wanted_are_all_returned_and_reach_nothing_for_sure() -> None:
    scene = Scene([0.5] * 4, [0.0, 0.5, 1.0, 0.25], [0.5] * 4)
    found = scene.made()[1].best(as_rows(range(4)), np.full(4, 0.25), 9)
    assert sorted(found.scored()[0].tolist()) == [0, 1, 2, 3]
    assert found.threshold == -np.inf


def test_no_rows_give_none() -> None:
    found = Scene([], [], []).made()[1].best(as_rows([]), np.empty(0), 3)
    assert [len(array) for array in found.scored()] == [0, 0]


def test_the_likeliest_are_evaluated_first_and_none_that_can_reach_nothing() -> None:
    known = [row / 100 for row in range(100)]
    scene = Scene(known, [0.9] * 100, [1.0] * 100, bound=0.9)
    found = scene.made()[1].best(as_rows(range(100)), 0.5 * np.array(known), 3)
    assert sorted(found.scored()[0].tolist())[-3:] == [97, 98, 99]
    assert {row for _, row in scene.log} == {95, 96, 97, 98, 99}


def test_dictionaries_are_fetched_only_for_what_other_terms_have_left() -> None:
    scene = Scene([0.5] * 40, [1.0] * 10 + [0.0] * 30, [1.0] * 40)
    scene.made()[1].best(as_rows(range(40)), np.full(40, 0.25), 2)
    called = [row for name, row in scene.log if name == "tracks"]
    assert set(range(10)) <= set(called)
    assert len(called) < 20


def test_a_row_that_is_found_twice_has_the_larger_sum() -> None:
    parts = [(as_rows([7, 2]), np.array([0.5, 0.25])), (as_rows([9, 2]), np.array([0.125, 0.75]))]
    rows, sums = united_sums(parts)
    assert (rows.tolist(), sums.tolist()) == ([2, 7, 9], [0.75, 0.5, 0.125])
    rows, sums = united_sums(parts[:1])
    assert (rows.tolist(), sums.tolist()) == ([2, 7], [0.25, 0.5])
