"""Picks in columns: the same as a list of objects, and checked as strictly."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.third_party import choosing, dj_with, tracks

from qfzz_core import Pick, Picks, PluginWarning, Ranking, Request

PICKS = st.lists(
    st.builds(
        Pick,
        rank=st.integers(1, 2**40),
        reason=st.sampled_from(["ranked", "discovery", "a whim"]),
        propensity=st.none() | st.floats(0.0, 1.0),
    )
)


@given(PICKS)
def test_columns_hold_what_the_objects_said(picks: list[Pick]) -> None:
    columns = Picks.of(picks)
    assert len(columns) == len(picks)
    assert list(columns) == picks
    assert [columns[place] for place in range(-len(picks), len(picks))] == [*picks, *picks]


@given(PICKS, st.slices(20))
def test_a_part_of_the_columns_is_the_part_of_the_objects(picks: list[Pick], part: slice) -> None:
    found = Picks.of(picks)[part]
    assert isinstance(found, Picks)
    assert list(found) == picks[part]


def test_ranks_alone_are_enough() -> None:
    picks = Picks(np.array([3, 1, 2]))
    assert list(picks) == [Pick(3), Pick(1), Pick(2)]
    assert list(picks[1:]) == [Pick(1), Pick(2)]
    assert picks[0] == Pick(3)


def test_no_picks_have_no_reasons() -> None:
    assert Picks(np.array([], dtype=np.intp)).listed() == ([], [], [])


def choosing_columns(**columns: Any) -> Callable[[Request, Ranking], Picks]:
    return lambda request, ranking: Picks(**columns)


def test_a_strategy_gives_columns_with_reasons_and_propensities() -> None:
    pick = choosing_columns(
        ranks=np.array([4, 1], dtype=np.int32),
        reasons=("usual", "rare"),
        reason_of=np.array([1, 0], dtype=np.uint8),
        propensities=np.array([0.25, np.nan], dtype=np.float32),
    )
    found = dj_with(choosing("mine", pick), discovery={"strategy": "mine"}).engine.recommend("u", limit=2)
    assert [(each.rank, each.reason, each.propensity) for each in found] == [(4, "rare", 0.25), (1, "usual", None)]


def test_what_a_strategy_does_to_its_columns_later_changes_no_result() -> None:
    ranks = np.array([2, 1])
    dj = dj_with(choosing("mine", choosing_columns(ranks=ranks)), discovery={"strategy": "mine"})
    found = dj.engine.iter_recommend("u", limit=2)
    ranks[:] = 5
    assert [each.rank for each in found] == [2, 1]


@pytest.mark.parametrize("limit", [None, 10])
def test_whoever_wraps_the_default_strategy_may_look_at_objects(limit: int | None) -> None:
    def facts(looked_at: Callable[[Any], Any]) -> list[tuple[int, str, float | None]]:
        def pick(request: Request, ranking: Ranking) -> Any:
            strategy, asked = request.strategy("split")
            return looked_at(strategy.pick(asked, ranking))

        dj = dj_with(choosing("mine", pick), content=tracks(40), discovery={"strategy": "mine"})
        found = dj.engine.recommend("u", {"discovery_factor": 0.5}, limit=limit)
        return [(each.rank, each.reason, each.propensity) for each in found]

    assert facts(list) == facts(lambda picks: picks)
    assert {reason for _, reason, _ in facts(list)} == {"ranked", "discovery"}


ONE_TO_THREE = np.array([1, 2, 3])

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "ranks in a list": ({"ranks": [1, 2, 3]}, "ranks of Picks must be an array of 3 whole numbers"),
    "ranks that are fractions": ({"ranks": ONE_TO_THREE * 1.0}, "got float64 of shape"),
    "ranks in a table": ({"ranks": ONE_TO_THREE[:, np.newaxis]}, "got int64 of shape"),
    "a rank twice": ({"ranks": np.array([1, 2, 1])}, "a rank twice"),
    "rank 0": ({"ranks": np.array([0, 1, 2])}, "ranks go from 1"),
    "a rank that is not there": ({"ranks": np.array([1, 2, 2**50])}, "ranks go from 1"),
    "too few": ({"ranks": np.array([1, 2])}, "returned 2 picks, 3 were asked for"),
    "no reasons": ({"ranks": ONE_TO_THREE, "reasons": ()}, "must be a tuple of strings"),
    "reasons that are no strings": ({"ranks": ONE_TO_THREE, "reasons": ("a", 1)}, "must be a tuple of strings"),
    "a string of reasons": ({"ranks": ONE_TO_THREE, "reasons": "abc"}, "must be a tuple of strings"),
    "a reason that is not there": ({"ranks": ONE_TO_THREE, "reason_of": np.array([0, 0, 1])}, "one of the 1 reasons"),
    "a reason before the first": ({"ranks": ONE_TO_THREE, "reason_of": np.array([0, 0, -1])}, "one of the 1 reasons"),
    "too few reasons": ({"ranks": ONE_TO_THREE, "reason_of": np.array([0, 0])}, "reason_of of Picks must be"),
    "no propensity": ({"ranks": ONE_TO_THREE, "propensities": ONE_TO_THREE}, "propensities of Picks must be"),
    "a propensity above 1": ({"ranks": ONE_TO_THREE, "propensities": np.array([0.1, 1.1, 0.2])}, "must lie in"),
    "a propensity below 0": ({"ranks": ONE_TO_THREE, "propensities": np.array([0.1, -0.1, np.nan])}, "must lie in"),
}


@pytest.mark.parametrize("what", WRONG)
def test_columns_that_are_not_what_was_promised_are_a_fault_of_the_strategy(what: str) -> None:
    columns, message = WRONG[what]
    dj = dj_with(choosing("mine", choosing_columns(**columns)), discovery={"strategy": "mine"})
    with pytest.warns(PluginWarning, match="strategy mine") as warned:
        found = dj.engine.recommend("u", limit=3)
    assert [each.rank for each in found] == [1, 2, 3]
    assert message in str(warned[0].message)
