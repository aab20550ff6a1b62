"""Tracks of which genre, mood, energy, tempo or duration is unknown: nothing is invented, and nothing breaks."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.cli_runs import Cli, isolated
from support.oracle import WEIGHTS
from support.third_party import Letting, Scoring, factors, plugin

from qfzz_core import CategoryFilter, CategoryTable, Column, Engine, UserProfile
from qfzz_core.model.events import Features
from qfzz_core.model.tracks import MAY_BE_UNKNOWN
from qfzz_core.ranking import planner
from qfzz_core.ranking.index import layout
from qfzz_core.storage.copies import profile_document, record_from_document
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


# Conditions and filters


CONDITIONS: list[dict[str, Any]] = [
    {"energy": (0, 1)},
    {"energy": (None, None)},
    {"energy": [0.0, 0.4, 0.5]},
    {"duration": (0, None)},
    {"genre": ["jazz", ""]},
    {"mood": "calm"},
    {"tempo": ["slow", "medium", "fast"]},
    {"loud": True},
]


@pytest.mark.parametrize("where", CONDITIONS, ids=str)
@pytest.mark.parametrize("method", ["scan", "index"])
def test_an_unknown_value_passes_no_condition(
    monkeypatch: pytest.MonkeyPatch, where: dict[str, Any], method: str
) -> None:
    if method == "index":
        monkeypatch.setattr(planner, "SMALL", 0)
    loud = plugin("loud", qfzz_columns=lambda: [Column(name="loud", kind="flag")])
    kinds = ({**NOTHING_KNOWN, "loud": None}, {**KNOWN, "loud": True})
    tracks = [{**kinds[number % 2], "track_id": f"t{number}"} for number in range(400)]
    with engine_with(loud, tracks=tracks) as engine:
        assert engine.plan("alice", preferences=BEST, limit=20).method == method
        for limit in (None, 20):
            found = engine.recommend("alice", preferences=BEST, limit=limit, where=where)
            assert {each.track["genre"] for each in found} == {"jazz"}
            assert len(found) == (limit or 200)


@pytest.mark.parametrize("column", ["genre", "mood", "tempo"])
def test_an_exclusion_does_not_hit_what_is_unknown(column: str) -> None:
    def banned(request: Any, option: Any) -> CategoryFilter:
        return CategoryFilter(column=column, names=[KNOWN[column], ""], exclude=True)

    ban = plugin("ban", qfzz_filters=lambda: [Letting("ban", banned)])
    with engine_with(ban, tracks=[NOTHING_KNOWN, KNOWN]) as engine:
        assert [each.track for each in engine.recommend("alice", where={"ban": True})] == [NOTHING_KNOWN]


# Learning


def test_feedback_on_it_moves_the_artist_alone_and_the_log_says_so() -> None:
    with engine_with(tracks=[NOTHING_KNOWN, KNOWN]) as engine:
        engine.record_feedback("alice", "u", "favorite")
        profile = engine.get_or_create_profile("alice")
        assert (profile.genres, profile.artists, profile.moods) == ({}, {"Miles Davis": 0.2}, {})
        (event,) = (event for event in engine.store.events("alice") if event.interaction is not None)
        assert event.interaction.features == Features(None, "Miles Davis", None, "artist:miles davis")
        again = UserProfile.from_dict(json.loads(json.dumps(profile.to_dict())))
        assert again.to_dict() == profile.to_dict()
        assert engine.learned("trust", "alice", "artist:miles davis") > 0.5
        document = json.loads(json.dumps(profile_document(engine.store.record("alice"))))
        (recorded,) = (each for each in record_from_document(document).events if each.interaction is not None)
        assert recorded.interaction == event.interaction


# What is shown and written


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    cli = isolated(tmp_path, monkeypatch)
    with Engine(store=cli.store) as engine:
        engine.add_content([NOTHING_KNOWN])
    return cli


def test_tables_show_that_it_is_unknown_and_json_has_null(cli: Cli) -> None:
    assert "unknown" in cli.ok("tracks", "show", "u").splitlines()[-1]
    assert cli.json("tracks", "show", "u") == NOTHING_KNOWN
    for command in (["recommend", "alice"], ["tracks", "search", "what"]):
        (line,) = (line for line in cli.ok(*command).splitlines() if "So What" in line)
        assert "None" not in line
    explained = cli.ok("recommend", "alice", "--explain")
    assert "-, -, -, energy -" in explained
    assert "energy unknown, counts as 0.5" in explained
    assert cli.json("recommend", "alice")[0]["track"] == NOTHING_KNOWN
    assert "Miles Davis" in cli.ok("feedback", "alice", "u", "favorite")
    assert cli.json("profile", "show", "alice")["artists"] == {"Miles Davis": 0.2}


@pytest.mark.parametrize(
    ("suffix", "said"),
    [
        ("m3u8", "#EXTINF:-1,Miles Davis - So What\n"),
        ("xspf", "<creator>Miles Davis</creator></track>"),
        ("csv", "u,So What,Miles Davis,,,,,\n"),
        ("jsonl", '"duration": null'),
    ],
)
def test_playlists_leave_out_what_is_unknown(cli: Cli, tmp_path: Path, suffix: str, said: str) -> None:
    cli.ok("recommend", "alice", "--output", f"{tmp_path}/list.{suffix}", "--allow-unplayable")
    assert said in (tmp_path / f"list.{suffix}").read_text(encoding="utf-8")
