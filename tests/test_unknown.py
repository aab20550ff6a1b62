"""Tracks of which genre, mood, energy, tempo or duration is unknown: nothing is invented, and nothing breaks."""

from typing import Any

import pytest
from support.oracle import WEIGHTS
from support.third_party import Scoring, factors

from qfzz_core import CategoryTable, Engine
from qfzz_core.model.tracks import MAY_BE_UNKNOWN
from qfzz_core.ranking import planner
from qfzz_core.ranking.index import layout
from qfzz_core.testing.engines import engine_with

NOTHING_KNOWN: dict[str, Any] = {"track_id": "u", "title": "So What", "artist": "Miles Davis"}
NOTHING_KNOWN |= dict.fromkeys(sorted(MAY_BE_UNKNOWN))
KNOWN = {**NOTHING_KNOWN, "track_id": "k", "genre": "jazz", "mood": "calm", "energy": 0.4, "tempo": "slow"}
KNOWN["duration"] = 562
BEST = {"discovery_factor": 0.0}


def parts(engine: Engine, track_id: str, preferences: dict[str, Any] | None = None) -> dict[str, tuple[float, str]]:
    explanation = engine.explain("alice", track_id, preferences=preferences)
    return {part.name: (part.value, part.reason) for part in explanation.factors}


def configured(factors: dict[str, Any]) -> Engine:
    return engine_with(tracks=[NOTHING_KNOWN, KNOWN], config={"factors": factors})


@pytest.mark.parametrize("tempo", ["slow", "varied"])
def test_an_unknown_value_counts_what_is_documented_and_the_reason_says_so(tempo: str) -> None:
    with configured({}) as engine:
        found = parts(engine, "u", {"tempo_preference": tempo, "genres": {"jazz": 1.0}, "moods": {"calm": 1.0}})
        assert found["genre"] == (0.0, "genre unknown, counts as 0")
        assert found["mood"] == (0.0, "mood unknown, counts as 0")
        assert found["energy"] == (0.5, "energy unknown, counts as 0.5")
        assert found["tempo"] == (0.5, "tempo unknown, counts as 0.5")
        weights = {part.name: part.weight for part in engine.explain("alice", "u").factors}
        assert weights == pytest.approx(WEIGHTS)  # the divisor is that of every other track


@pytest.mark.parametrize("name", ["genre", "mood", "energy", "tempo"])
def test_what_an_unknown_value_counts_can_be_configured(name: str) -> None:
    with configured({name: {"missing": 0.25}}) as engine:
        assert parts(engine, "u")[name] == (0.25, f"{name} unknown, counts as 0.25")
        assert "unknown" not in parts(engine, "k")[name][1]


@pytest.mark.parametrize("name", ["genre", "mood", "energy", "tempo"])
@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_a_value_for_missing_lies_from_0_to_1(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"factors.{name}.*missing must be from 0 to 1"):
        configured({name: {"missing": value}})


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("cells", [layout.MAX_CELLS, 1], ids=["cells", "posting lists"])
def test_a_plugins_table_with_a_value_for_missing_ranks_alike_however_it_is_ranked(
    monkeypatch: pytest.MonkeyPatch, cells: int, missing: float
) -> None:
    monkeypatch.setattr(layout, "MAX_CELLS", cells)
    monkeypatch.setattr(planner, "SMALL", 0)
    table = CategoryTable(column="genre", values={"jazz": 0.6, "rock": 0.4}, default=0.2, missing=missing)
    own = Scoring("own", lambda request: table)
    genres = [None, "jazz", "rock", "folk"]
    tracks = [{**KNOWN, "track_id": f"t{number}", "genre": genres[number * 7 % 4]} for number in range(1_600)]
    off = {name: {"weight": 0} for name in WEIGHTS}
    with engine_with(factors("own", own), tracks=tracks, config={"factors": off}) as engine:
        values = {None: missing, "jazz": 0.6, "rock": 0.4}
        expected = sorted(tracks, key=lambda track: -values.get(track["genre"], 0.2))
        for limit in (20, 150):
            assert engine.plan("alice", preferences=BEST, limit=limit).method == "index"
            found = engine.recommend("alice", preferences=BEST, limit=limit)
            assert [each.track["track_id"] for each in found] == [track["track_id"] for track in expected[:limit]]
        assert {each.explanation.factors[-1].value for each in found} <= {missing, 0.6, 0.4, 0.2}
