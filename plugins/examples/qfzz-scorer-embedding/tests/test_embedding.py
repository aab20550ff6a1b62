"""The factor keeps the contract of factors, and says what its README promises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from qfzz_core import Engine
from qfzz_core.errors import ConfigError
from qfzz_core.testing import FactorContract, assert_explains, tracks

import qfzz_scorer_embedding
from qfzz_scorer_embedding import cosines

SIZE = 3
SETTINGS = {"plugins": {"embedding": {"key": "vector", "size": SIZE}}}
VECTORS = {
    "east": [2.0, 0.0, 0.0],
    "north": [0.0, 0.5, 0.0],
    "north-east": [7.0, 7.0, 0.0],
    "west": [-1.0, 0.0, 0.0],
    "nowhere": [0.0, 0.0, 0.0],
    "elsewhere": [1.0, 2.0],
    "unsaid": None,
}


class TestEmbedding(FactorContract):
    config = SETTINGS
    options = ({}, {"likes": 1})

    def make_plugin(self) -> Any:
        return qfzz_scorer_embedding

    def draw_tracks(self, bench: Any) -> Any:
        number = st.floats(-1e6, 1e6) | st.integers()
        vectors = st.lists(number, min_size=SIZE, max_size=SIZE)
        return tracks(vector=vectors | st.none() | st.lists(st.text() | number) | st.just([0.0] * SIZE))


def a_track(track_id: str, vector: Any) -> dict[str, Any]:
    plain = {"title": track_id, "artist": "ABBA", "genre": "pop", "mood": "calm", "energy": 0.5, "tempo": "medium"}
    return {"track_id": track_id, **plain, "duration": 180, "vector": vector}


@pytest.fixture
def engine_of(qfzz: Callable[..., Engine]) -> Callable[..., Engine]:
    def made(*feedback: tuple[str, str], **options: Any) -> Engine:
        content = [a_track(name, vector) for name, vector in VECTORS.items()]
        engine = qfzz(qfzz_scorer_embedding, tracks=content, config={**SETTINGS, "factors": {"embedding": options}})
        for track_id, kind in feedback:
            engine.record_feedback("ann", track_id, kind)
        return engine

    return made


def values(engine: Engine) -> dict[str, float]:
    found = {name: assert_explains(engine.explain("ann", name), "embedding").value for name in VECTORS}
    return {name: round(value, 9) for name, value in found.items() if value > 0}


HALF = round(0.5**0.5, 9)


def test_tracks_near_the_liked_ones_are_preferred_whatever_their_length(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of(("east", "like"))) == {"east": 1.0, "north-east": HALF}


def test_every_liked_track_counts_alike(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(("east", "like"), ("north", "favorite"))
    assert values(engine) == {"east": HALF, "north": HALF, "north-east": 1.0}


def test_only_the_latest_judgement_of_a_track_counts(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(("east", "like"), ("north", "like"), ("east", "play"), ("north", "dislike"))
    assert values(engine) == {"east": 1.0, "north-east": HALF}


def test_only_so_many_of_the_newest_likes_count(engine_of: Callable[..., Engine]) -> None:
    assert values(engine_of(("east", "like"), ("north", "like"), likes=1)) == {"north": 1.0, "north-east": HALF}


def test_it_abstains_for_who_likes_nothing(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(("east", "play"), ("west", "dislike"))
    assert engine.explain("ann", "east").abstained == ("embedding",)


@pytest.mark.parametrize("liked", [["unsaid"], ["gone"], ["east", "west"]])
def test_likes_that_point_nowhere_say_nothing(engine_of: Callable[..., Engine], liked: list[str]) -> None:
    assert values(engine_of(*((name, "like") for name in liked))) == {}


def test_a_replaced_track_counts_as_it_is_now(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(("east", "like"))
    assert values(engine) == {"east": 1.0, "north-east": HALF}
    engine.add_content([a_track("east", [0.0, 3.0, 0.0])])
    assert values(engine) == {"east": 1.0, "north": 1.0, "north-east": HALF}


def test_vectors_of_another_size_are_counted(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of()
    engine.recommend("ann", limit=1)
    assert engine.unusable_values()["embedding"] == 1


def test_the_reason_says_how_near(engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(("east", "like"))
    assert_explains(engine.explain("ann", "east"), "embedding", reason="100% like the tracks you liked")
    assert_explains(engine.explain("ann", "west"), "embedding", reason="not like the tracks you liked")


@pytest.mark.parametrize("size", [1, 3, 100, 128, 1000])
def test_a_row_has_the_same_cosine_among_any_others(size: int) -> None:
    vectors = np.random.default_rng(size).normal(size=(200, size))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    together = cosines(vectors, vectors[0])
    assert together[0] == pytest.approx(1.0)
    for count in (1, 2, 3, 7, 150):
        assert cosines(vectors[:count], vectors[0]).tolist() == together[:count].tolist()


def test_a_size_that_is_none_is_an_error_that_says_where(qfzz: Callable[..., Engine]) -> None:
    with pytest.raises(ConfigError, match=r"\[plugins\.embedding\] size must be 1 or more"):
        qfzz(qfzz_scorer_embedding, config={"plugins": {"embedding": {"size": 0}}})
