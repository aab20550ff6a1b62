"""The strategy keeps the contract of strategies, and says what its README promises."""

import json
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from qfzz_core import Engine
from qfzz_core.errors import ConfigError
from qfzz_core.testing import StrategyContract

import qfzz_strategy_bandit

GENRES = ("jazz", "Hip-Hop", "folk")
BY_ARTIST = {"plugins": {"bandit": {"by": "artist"}}}


class TestBandit(StrategyContract):
    options = ({}, {"pool_depth": 1}, {"samples": 1, "explore": 0.0}, {"explore": 1.0})

    def make_plugin(self) -> Any:
        return qfzz_strategy_bandit


class TestBanditByArtist(StrategyContract):
    config = BY_ARTIST
    examples = 10

    def make_plugin(self) -> Any:
        return qfzz_strategy_bandit


def a_track(number: int) -> dict[str, Any]:
    plain = {"title": f"Title {number}", "mood": "calm", "energy": 0.5, "tempo": "medium", "duration": 180}
    return {"track_id": f"t{number:03}", "artist": f"Artist {number % 7}", "genre": GENRES[number % 3], **plain}


@pytest.fixture
def engine_of(qfzz: Callable[..., Engine]) -> Callable[..., Engine]:
    """Engines over 90 tracks of three genres, which only the discovery distinguishes."""

    def made(by: str = "genre", **options: Any) -> Engine:
        config = {
            "discovery": {"strategy": "bandit", **options},
            "plugins": {"bandit": {"by": by}},
            "factors": {name: {"weight": 0.0} for name in ("genre", "artist", "mood")},
        }
        return qfzz(qfzz_strategy_bandit, tracks=[a_track(number) for number in range(90)], config=config)

    return made


def surprises(engine: Engine, requests: int = 20, user_id: str = "ann") -> list[Any]:
    found = [engine.recommend(user_id, {"discovery_factor": 0.5}, limit=10) for _ in range(requests)]
    return [each for picks in found for each in picks if each.reason == "discovery"]


def test_without_discovery_it_is_the_plain_ranking(engine_of: Callable[..., Engine]) -> None:
    found = engine_of().recommend("ann", {"discovery_factor": 0.0}, limit=10)
    assert [(each.rank, each.reason, each.propensity) for each in found] == [(n, "ranked", None) for n in range(1, 11)]


def test_the_discovery_factor_says_how_many_surprises_there_are(engine_of: Callable[..., Engine]) -> None:
    found = engine_of().recommend("ann", {"discovery_factor": 0.3}, limit=10)
    ranked = [each.rank for each in found if each.reason == "ranked"]
    assert ranked == [1, 2, 3, 4, 5, 6, 7]
    assert all(each.rank > 7 and each.propensity for each in found if each.reason == "discovery")


def test_without_a_limit_it_returns_as_many_as_the_documented_discovery(engine_of: Callable[..., Engine]) -> None:
    found = engine_of().recommend("ann", {"discovery_factor": 0.5})
    assert Counter(each.reason for each in found) == {"ranked": 45, "discovery": 23}


def test_it_learns_which_surprises_are_liked(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of()
    before = Counter(each.track["genre"] for each in surprises(engine))
    for number in range(0, 90, 3):
        engine.record_feedback("ann", f"t{number:03}", "dislike")
        engine.record_feedback("ann", f"t{number + 1:03}", "like")
    after = Counter(each.track["genre"] for each in surprises(engine))
    assert min(before.values()) > 10
    assert after["Hip-Hop"] > 80
    assert after["jazz"] < 10


def test_it_keeps_exploring_what_is_disliked(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(explore=0.3)
    for _ in range(3):
        for number in range(0, 90, 3):
            engine.record_feedback("ann", f"t{number:03}", "dislike")
    disliked = [each for each in surprises(engine, 40) if each.track["genre"] == "jazz"]
    assert disliked
    assert all(each.propensity == pytest.approx(0.1) for each in disliked)


def test_a_propensity_is_how_often_the_arm_is_picked(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(samples=4096)
    for number in range(0, 12, 3):
        engine.record_feedback("ann", f"t{number:03}", "dislike")
    firsts = []
    for _ in range(400):
        (found,) = [each for each in engine.recommend("ann", {"discovery_factor": 0.5}, limit=2) if each.propensity]
        firsts.append((found.track["genre"], found.propensity))
    shares = Counter(genre for genre, _ in firsts)
    for genre, propensity in dict(firsts).items():
        assert shares[genre] / 400 == pytest.approx(propensity, abs=0.1)


def test_every_user_has_arms_of_their_own(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of()
    for number in range(0, 90, 3):
        engine.record_feedback("ann", f"t{number:03}", "favorite")
    assert engine.learned("bandit", "ann", "genre:jazz") == pytest.approx(61 / 62)
    assert engine.learned("bandit", "bob", "genre:jazz") == 0.5
    assert Counter(each.track["genre"] for each in surprises(engine, user_id="bob"))["folk"] > 10


def test_an_arm_can_be_an_artist(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of("artist")
    for number in range(3, 90, 7):
        engine.record_feedback("ann", f"t{number:03}", "favorite")
    assert Counter(each.track["artist"] for each in surprises(engine)).most_common(1)[0][0] == "Artist 3"


def test_two_spellings_of_a_genre_are_one_arm(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of()
    engine.add_content([{**a_track(1), "track_id": "other", "genre": "hip_hop"}])
    for _ in range(20):
        engine.record_feedback("ann", "other", "favorite")
    assert Counter(each.track["genre"] for each in surprises(engine)).most_common(1)[0][0] == "Hip-Hop"


def test_what_is_needed_to_evaluate_it_is_logged(
    engine_of: Callable[..., Engine], caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of()
    with caplog.at_level(logging.DEBUG, logger="qfzz_strategy_bandit"):
        found = surprises(engine, 1)
    logged = [json.loads(record.getMessage()) for record in caplog.records if record.name == "qfzz_strategy_bandit"]
    keys = ("track_id", "rank", "propensity")
    assert [tuple(line[key] for key in keys) for line in logged] == [
        (each.track["track_id"], each.rank, each.propensity) for each in found
    ]
    assert {line["user_id"] for line in logged} == {"ann"}


@pytest.mark.parametrize(
    "options", [{"pool_depth": 0}, {"samples": 0}, {"explore": 1.5}], ids=["pool_depth", "samples", "explore"]
)
def test_options_that_cannot_be_used_are_errors_that_say_where(
    engine_of: Callable[..., Engine], options: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=rf"\[discovery\] {next(iter(options))} must be"):
        engine_of(**options)
