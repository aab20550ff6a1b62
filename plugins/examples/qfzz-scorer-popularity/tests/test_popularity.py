"""The factor keeps the contract of factors, and says what its README promises."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from qfzz_core import Engine
from qfzz_core.errors import ConfigError
from qfzz_core.testing import FactorContract, assert_explains, tracks

import qfzz_scorer_popularity

COUNTS = [0, 10, 1000, 3000, 10**400, None, -5, "many", True]
USABLE = [0.0, 10 / 1010, 0.5, 0.75, 1.0]


class TestPopularity(FactorContract):
    options = ({}, {"prefer": "obscure", "unknown": 0.5})

    def make_plugin(self) -> Any:
        return qfzz_scorer_popularity

    def draw_tracks(self, bench: Any) -> Any:
        return tracks(plays=st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()))


def a_track(track_id: str, plays: Any) -> dict[str, Any]:
    plain = {"title": track_id, "artist": "ABBA", "genre": "pop", "mood": "calm", "energy": 0.5, "tempo": "medium"}
    return {"track_id": track_id, **plain, "duration": 180, "plays": plays}


@pytest.fixture
def engine_of(qfzz: Callable[..., Engine]) -> Callable[..., Engine]:
    def made(plugin: dict[str, Any] | None = None, **options: Any) -> Engine:
        config = {"factors": {"popularity": options}, "plugins": {"popularity": plugin or {}}}
        content = [a_track(f"t{number}", count) for number, count in enumerate(COUNTS)]
        return qfzz(qfzz_scorer_popularity, tracks=content, config=config)

    return made


def values(engine: Engine) -> list[float]:
    explanations = [engine.explain("ann", f"t{number}") for number in range(len(COUNTS))]
    return [assert_explains(explanation, "popularity").value for explanation in explanations]


def test_popularity_saturates_and_what_is_no_count_is_unknown(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of()) == pytest.approx([*USABLE, 0, 0, 0, 0])


def test_the_obscure_can_be_preferred(engine_of: Callable[..., Engine]) -> None:
    obscure = [1 - value for value in USABLE]
    assert values(engine_of(prefer="obscure", unknown=0.4)) == pytest.approx([*obscure, 0.6, 0.6, 0.6, 0.6])


def test_another_count_can_be_half_popular(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of({"half": 10}))[1] == 0.5


def test_another_key_can_hold_the_count(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of({"key": "duration", "half": 180})) == [0.5] * len(COUNTS)


def test_where_can_ask_for_a_popularity(engine_of: Callable[..., Engine]) -> None:
    found = engine_of().recommend("ann", where={"popularity": (0.5, 1.0)})
    assert sorted(each.track["track_id"] for each in found) == ["t2", "t3", "t4"]


def test_counts_that_are_none_are_counted(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of()
    engine.recommend("ann", limit=1)
    assert engine.unusable_values()["popularity"] == 3


def test_the_reason_says_the_popularity_and_which_end_is_preferred(engine_of: Callable[..., Engine]) -> None:
    explanation = engine_of(prefer="obscure").explain("ann", "t3")
    assert_explains(explanation, "popularity", value=0.25, reason="popularity 0.75, obscure is preferred")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"plugin": {"half": 0.0}}, r"\[plugins\.popularity\] half must be above 0"),
        ({"unknown": 7.0}, r"\[factors\.popularity\] unknown must be a popularity from 0 to 1"),
        ({"prefer": "loud"}, r"\[factors\.popularity\] prefer"),
    ],
)
def test_options_that_cannot_be_used_are_errors_that_say_where(
    engine_of: Callable[..., Engine], arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        engine_of(**arguments)
