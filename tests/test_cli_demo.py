from __future__ import annotations

from pathlib import Path

import pytest
from support.cli_runs import Cli, isolated

from qfzz_core.cli.demo import NEXT_COMMANDS, REACTIONS


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


def test_the_demo_shows_the_whole_loop(cli: Cli) -> None:
    shown = cli.ok("demo")
    assert "Energy, tempo and mood are editorial estimates." in " ".join(shown.split())
    for chapter in ("1. A new listener", "2. Why?", "3. You react", "4. The list follows", "5. Tonight", "6. Not this"):
        assert f"\n{chapter}" in shown
    assert [line.strip().split("  ")[0] for line in shown.splitlines()[-3:]] == list(NEXT_COMMANDS)


def test_the_demo_needs_and_touches_neither_store_nor_configuration(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFZZ_STORE", "nonsense")
    monkeypatch.setenv("QFZZ_CONFIG", "nonsense")
    before = sorted(cli.directory.iterdir())
    cli.ok("demo")
    assert sorted(cli.directory.iterdir()) == before


@pytest.mark.parametrize("seed", range(5))
def test_the_list_of_the_demo_follows_the_listener_whatever_is_drawn(cli: Cli, seed: int) -> None:
    story = cli.json("demo", "--seed", str(seed))
    jazz = [sum(item["track"]["genre"] == "jazz" for item in story[name]) for name in ("first", "learned")]
    assert jazz[1] > jazz[0] + 1
    assert [outcome["track_id"] for outcome in story["reactions"]] == [track_id for track_id, _ in REACTIONS]
    assert all(outcome["track"] for outcome in story["reactions"])
    calm = [sum(item["track"]["energy"] for item in story[name]) for name in ("tonight", "learned")]
    assert calm[0] < calm[1]
    disliked = story["dislike"]["track_id"]
    assert disliked in [item["track"]["track_id"] for item in story["learned"]]
    assert disliked not in [item["track"]["track_id"] for item in story["after_dislike"]]
    assert story["dislike"]["trust"]["after"] < 0.5 < story["reactions"][0]["trust"]["after"]


def test_the_same_seed_gives_the_same_demo(cli: Cli) -> None:
    assert cli.ok("demo") == cli.ok("demo", "--seed", "7") != cli.ok("demo", "--seed", "8")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_demo_fits_the_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(len, cli.ok("demo").splitlines())) <= columns
