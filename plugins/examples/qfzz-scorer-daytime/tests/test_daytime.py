"""The factor keeps the contract of factors, and says what its README promises."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from qfzz_core import Engine, PluginWarning
from qfzz_core.errors import ConfigError
from qfzz_core.testing import FactorContract, assert_explains

import qfzz_scorer_daytime
from qfzz_scorer_daytime import DaytimeOptions

# 15:00 in London, 16:00 in Berlin
NOW = datetime.fromisoformat("2026-01-31T15:00:00+00:00")


class TestDaytime(FactorContract):
    options = ({}, {"timezone": "Asia/Kolkata"}, {"night": 0.0, "evening": 1.0, "activities": {}})
    contexts = ({}, {"hour": 0}, {"hour": 23.99}, {"activity": "party"}, {"activity": ["party"], "device": "car"})

    def make_plugin(self) -> Any:
        return qfzz_scorer_daytime


def a_track(energy: float) -> dict[str, Any]:
    plain = {"title": "Tea", "artist": "ABBA", "genre": "pop", "mood": "calm", "tempo": "medium", "duration": 180}
    return {"track_id": f"energy {energy}", "energy": energy, **plain}


@pytest.fixture
def engine_of(qfzz: Callable[..., Engine]) -> Callable[..., Engine]:
    def made(strict: bool = True, **options: Any) -> Engine:
        config = {"factors": {"daytime": options}, "strict": strict}
        return qfzz(qfzz_scorer_daytime, tracks=[a_track(0.2), a_track(0.6)], config=config, clock=lambda: NOW)

    return made


@pytest.mark.parametrize(
    ("hour", "energy"), [(3, 0.2), (6, 0.35), (9, 0.5), (15, 0.6), (21, 0.7), (0, 0.45), (2.99, 0.2)]
)
def test_the_energy_glides_around_the_clock(hour: float, energy: float) -> None:
    assert DaytimeOptions().energy_at(hour) == pytest.approx(energy, abs=0.001)


def test_without_a_context_it_is_the_time_of_the_clock(engine_of: Callable[..., Engine]) -> None:
    explanation = engine_of().explain("ann", "energy 0.6")
    assert_explains(explanation, "daytime", value=1.0, reason="energy 0.6, 0.6 fits 15:00")


def test_the_clock_is_read_in_the_time_zone_of_the_options(engine_of: Callable[..., Engine]) -> None:
    explanation = engine_of(timezone="Europe/Berlin").explain("ann", "energy 0.6")
    assert_explains(explanation, "daytime", reason="fits 16:00")


def test_the_context_may_say_the_listeners_hour(engine_of: Callable[..., Engine]) -> None:
    explanation = engine_of().explain("ann", "energy 0.2", context={"hour": 3})
    assert_explains(explanation, "daytime", value=1.0, reason="fits 03:00")


def test_an_activity_goes_before_the_hour(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(activities={"gardening": 0.4})
    explanation = engine.explain("ann", "energy 0.2", context={"activity": "gardening", "hour": 3})
    assert_explains(explanation, "daytime", value=0.8, reason="0.4 fits gardening")


def test_an_activity_that_nobody_listed_leaves_it_to_the_hour(engine_of: Callable[..., Engine]) -> None:
    explanation = engine_of().explain("ann", "energy 0.6", context={"activity": "knitting"})
    assert_explains(explanation, "daytime", reason="fits 15:00")


def test_an_hour_that_is_none_is_a_fault_that_says_so_and_the_others_answer(engine_of: Callable[..., Engine]) -> None:
    with pytest.warns(PluginWarning, match=r'context\["hour"\] must be a number from 0 to below 24, got \'noon\''):
        (found, *_) = engine_of(strict=False).recommend("ann", context={"hour": "noon"})
    assert [fault.component for fault in found.explanation.faults] == ["factor daytime"]
    assert "energy" in [part.name for part in found.explanation.factors]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"night": 1.5}, "night must be an energy from 0 to 1, got 1.5"),
        ({"timezone": "Atlantis"}, 'timezone must be a time zone such as "Europe/Berlin"'),
        ({"activities": {"nap": 2.0}}, "activities must map to energies from 0 to 1, got 2.0 for nap"),
    ],
)
def test_options_that_cannot_be_used_are_errors_that_say_where(
    engine_of: Callable[..., Engine], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=r"\[factors\.daytime\]") as raised:
        engine_of(**options)
    assert said in str(raised.value)
