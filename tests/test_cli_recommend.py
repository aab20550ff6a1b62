from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.cli_runs import RECORDINGS, Cli, install, isolated, json_lines, track


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


@pytest.fixture
def recordings(cli: Cli) -> Cli:
    cli.ok("import", str(RECORDINGS))
    return cli


def listed(cli: Cli, *arguments: str) -> list[dict[str, Any]]:
    return [item["track"] for item in cli.json("recommend", "alice", *arguments)]


# ---- the list -------------------------------------------------------------------------------------------------------


def test_a_list_has_twenty_tracks_with_their_ranks_scores_and_reasons(recordings: Cli) -> None:
    found = recordings.json("recommend", "alice")
    assert len(found) == 20
    assert set(found[0]) == {"track", "score", "rank", "reason"}
    assert {item["reason"] for item in found} == {"ranked", "discovery"}


def test_the_table_shows_every_fact_of_a_track(recordings: Cli) -> None:
    (found,) = recordings.json("recommend", "alice", "-n", "1", "--discovery", "0")
    lines = recordings.ok("recommend", "alice", "-n", "1", "--discovery", "0").splitlines()
    assert lines[0].split() == ["#", "Title", "Artist", "Genre", "Mood", "Tempo", "Energy", "Score", "Why", "Track"]
    facts = [found["track"][field] for field in ("title", "artist", "genre", "mood", "tempo", "track_id")]
    for fact in ("1", "0.50", "0.3500", "ranked", *facts):
        assert fact in lines[2]


def test_the_same_seed_draws_the_same_list(recordings: Cli) -> None:
    one, two, other = (recordings.json("recommend", "alice", "--seed", seed) for seed in ("1", "1", "2"))
    assert one == two != other


def test_preferences_are_for_this_call_alone(recordings: Cli) -> None:
    recordings.ok("profile", "set", "alice", "--genre", "rock=1")
    wanted = ["--genre", "jazz=0.9", "--artist", "Nina Simone=1", "--mood", "upbeat=1", "--energy", "0.5"]
    best = listed(recordings, *wanted, "--tempo", "slow", "--discovery", "0")[0]
    assert (best["artist"], best["title"]) == ("Nina Simone", "Feeling Good")
    assert recordings.json("profile", "show", "alice")["genres"] == {"rock": 1.0}


def test_a_name_may_hold_an_equals_sign(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track("a"), track("b", artist="A=B"))))
    assert listed(cli, "--artist", "A=B=1", "--discovery", "0")[0]["track_id"] == "b"


def test_excluded_tracks_are_left_out(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(*(track(name) for name in "abc"))))
    assert [item["track_id"] for item in listed(cli, "--exclude", "a", "--exclude", "c")] == ["b"]


def test_an_artist_has_three_tracks_at_most_unless_another_number_is_given(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(*(track(name) for name in "abcde"))))
    assert [len(listed(cli, *more)) for more in ([], ["--max-per-artist", "1"], ["--max-per-artist", "0"])] == [3, 1, 5]


def test_the_same_title_of_an_artist_comes_once_unless_it_is_asked_for(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track("a", title="Same"), track("b", title="Same"))))
    assert [len(listed(cli, *more)) for more in ([], ["--distinct"], ["--no-distinct"])] == [1, 1, 2]


def test_editions_of_a_work_come_once_unless_exact_titles_are_asked_for(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track("a", title="Rio"), track("b", title="Rio - Remastered"))))
    assert [len(listed(cli, *more)) for more in ([], ["--exact-titles"])] == [1, 2]


def test_what_was_disliked_last_is_left_out_unless_it_is_asked_for(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track("a"), track("b"))))
    cli.ok("feedback", "alice", "a", "dislike")
    assert [item["track_id"] for item in listed(cli)] == ["b"]
    assert len(listed(cli, "--where", "disliked=true")) == 2


def test_without_the_filter_nothing_is_left_out(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track("a"), track("b"))))
    cli.ok("feedback", "alice", "a", "dislike")
    monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "disliked")
    assert len(listed(cli)) == 2


def test_samples_are_said_to_be_samples(cli: Cli) -> None:
    result = cli("recommend", "alice", "-n", "3")
    assert "invented samples" in result.stderr
    assert "sample_" in result.stdout


def test_a_list_of_nothing_says_so(cli: Cli) -> None:
    result = cli("recommend", "alice", "-n", "0")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No track is left to recommend.\n")
    assert cli.json("recommend", "alice", "-n", "0") == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([" "], "user_id must not be blank"),
        (["alice", "--genre", "jazz=2"], "genres['jazz'] must be from 0.0 to 1.0, got 2.0"),
        (["alice", "--mood", "calm=nan"], "moods['calm'] must be from 0.0 to 1.0, got nan"),
        (["alice", "--artist", "=0.5"], "the name of an artist must not be blank"),
        (["alice", "--genre", "hip-hop=1", "--genre", "Hip Hop=0.5"], "two spellings of one genre"),
        (["alice", "--energy", "inf"], "energy_level must be from 0.0 to 1.0, got inf"),
        (["alice", "--discovery", "-1"], "discovery_factor must be from 0.0 to 1.0, got -1.0"),
        (["alice", "--where", "gener=jazz"], "where: no column or filter 'gener', did you mean \"genre\"?"),
        (["alice", "--where", "energy=loud"], "where: energy takes a number or a range such as 0.2..0.8, got 'loud'"),
        (["alice", "--where", "energy=0.9..0.1"], "the range of energy is empty"),
        (["alice", "--where", "disliked=perhaps"], "give False to leave disliked tracks out"),
        (["alice", "--where", "disliked=true", "--where", "disliked=true"], "disliked is given 2 times"),
        (["alice", "--where", "heard_within_days=-1"], "give a number of days"),
    ],
)
def test_what_cannot_be_asked_for_is_a_sentence(cli: Cli, arguments: list[str], sentence: str) -> None:
    assert sentence in cli.fails("recommend", *arguments)


# ---- where ----------------------------------------------------------------------------------------------------------

COLUMNS = """
[columns.year]
kind = "number"
[columns.live]
kind = "flag"
[columns.styles]
kind = "tags"
[columns.shape]
kind = "vector"
size = 2
"""


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (["genre=jazz"], "ad"),
        (["genre=Jazz", "genre=hip_hop"], "abd"),
        (["energy=0.5"], "a"),
        (["energy=0.2..0.6"], "ab"),
        (["energy=0.6.."], "bcd"),
        (["energy=..0.6"], "ab"),
        (["energy=.."], "abcd"),
        (["year=1959", "year=1999"], "ac"),
        (["live=true"], "a"),
        (["live=false"], "b"),
        (["styles=bop"], "ab"),
        (["genre=jazz", "energy=0.6.."], "d"),
        (["heard_within_days=30"], "bcd"),
        (["heard_within_plays=0"], "abcd"),
        (["title=a=b"], "d"),
    ],
)
def test_where_says_which_tracks(cli: Cli, where: list[str], expected: str) -> None:
    tracks = (
        track("a", energy=0.5, year=1959, live=True, styles=["bop", "cool"]),
        track("b", energy=0.6, genre="hip-hop", live=False, styles=["bop"]),
        track("c", energy=0.7, genre="rock", year=1999),
        track("d", energy=0.8, title="a=b"),
    )
    cli.ok("import", cli.write("x.jsonl", json_lines(*tracks)))
    cli.ok("feedback", "alice", "a", "play")
    arguments = [argument for condition in where for argument in ("--where", condition)]
    config = cli.write("qfzz.toml", COLUMNS)
    found = listed(cli, *arguments, "--max-per-artist", "0", "--config", config)
    assert sorted(item["track_id"] for item in found) == sorted(expected)


def test_a_condition_on_a_column_that_has_none_is_a_sentence(cli: Cli) -> None:
    config = cli.write("qfzz.toml", COLUMNS)
    assert "vector column" in cli.fails("recommend", "alice", "--where", "shape=1", "--config", config)
    assert "live is True or False" in cli.fails("recommend", "alice", "--where", "live=7", "--config", config)


# ---- why ------------------------------------------------------------------------------------------------------------


def test_an_explanation_is_a_line_for_each_factor(recordings: Cli) -> None:
    shown = recordings.ok("recommend", "alice", "-n", "1", "--genre", "blues=1", "--discovery", "0", "--explain")
    lines = shown.splitlines()
    assert lines[0].strip() == "1  Smokestack Lightning by Howlin' Wolf  0.6500  ranked"
    assert "blues, dark, medium, energy 0.50  rec-howlin-wolf-smokestack-lightning" in lines[1]
    assert [line.strip() for line in lines[2:7]] == [
        "0.300 = 0.300 x 1.000  genre   you like blues",
        "0.000 = 0.250 x 0.000  artist  Howlin' Wolf is not among your artists",
        "0.200 = 0.200 x 1.000  energy  energy 0.5, you prefer 0.5",
        "0.150 = 0.150 x 1.000  tempo   medium, as you prefer",
        "0.000 = 0.100 x 0.000  mood    dark is not among your moods",
    ]


def test_an_explanation_in_json_sums_to_the_score(recordings: Cli) -> None:
    for item in recordings.json("recommend", "alice", "--genre", "jazz=0.9", "--explain"):
        factors = item["explanation"]["factors"]
        assert sum(part["contribution"] for part in factors) == pytest.approx(item["score"], abs=1e-9)


FACTOR = """
from qfzz_core import factor, hookimpl, TrackFunction

class Fresh:
    name = "fresh"
    weight = 0.5
    def prepare(self, request):
        {body}

@hookimpl
def qfzz_factors():
    return [Fresh()]
"""


def test_a_factor_of_a_plugin_says_where_it_comes_from(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "fresh", FACTOR.format(body="return TrackFunction(function=lambda track: 1.0)"))
    shown = cli.ok("recommend", "alice", "-n", "1", "--explain")
    assert "0.333 = 0.333 x 1.000  fresh   fresh 1.00 (plugin fresh of fresh-distribution 1.0)" in shown


def test_a_factor_that_abstains_is_said_to_have_nothing_to_say(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "fresh", FACTOR.format(body="return None"))
    assert "fresh   does not apply to this request" in cli.ok("recommend", "alice", "-n", "1", "--explain")


def test_a_factor_that_fails_is_a_warning_and_a_line_of_the_explanation(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(cli.directory, monkeypatch, "fresh", FACTOR.format(body="raise RuntimeError('no\\x1b')"))
    result = cli("recommend", "alice", "-n", "5", "--explain")
    assert result.exit_code == 0
    assert [line for line in result.stderr.splitlines() if line.startswith("warning: factor fresh of plugin")]
    left_out = [line for line in result.stdout.splitlines() if line.startswith("left out: ")]
    (line,) = left_out
    assert line.startswith("left out: factor fresh (plugin fresh of fresh-distribution 1.0): RuntimeError: no")


def test_a_strict_configuration_makes_the_fault_of_a_plugin_an_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "fresh", FACTOR.format(body="raise RuntimeError('no')"))
    result = cli("recommend", "alice", "--config", cli.write("qfzz.toml", "strict = true\n"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: factor fresh of plugin")


# ---- the plan -------------------------------------------------------------------------------------------------------


def test_the_plan_says_how_the_list_is_found_and_creates_nobody(recordings: Cli) -> None:
    plan = recordings.json("recommend", "newcomer", "--plan")
    assert (plan["method"], plan["reason"]) == ("scan", "the catalogue is small")
    assert plan["tracks"] == plan["looked_at"] == plan["scored"] > 0
    shown = recordings.ok("recommend", "newcomer", "--plan").splitlines()
    assert shown[0] == "scan, because the catalogue is small"
    assert shown[1] == "{0} tracks: {0} rows looked at, {0} scored, 0 cells".format(plan["tracks"])
    assert [line.split()[0] for line in shown[2:]] == ["prepare", "plan", "rank", "discover", "fetch"]
    assert "newcomer" not in recordings.ok("profile", "list")
