from __future__ import annotations

from pathlib import Path

import pytest
from support.cli_runs import RECORDINGS, Cli, isolated, json_lines, track


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


@pytest.fixture
def recordings(cli: Cli) -> Cli:
    cli.ok("import", str(RECORDINGS))
    return cli


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["bjork", "hyperballad"], "Hyperballad"),
        (["BJÖRK hyper"], "Hyperballad"),
        (["davis", "so what"], "So What"),
        (["kind of blue", "what"], "So What"),
        (["koln"], "Köln, January 24, 1975, Part I"),
    ],
)
def test_tracks_are_found_by_words_of_title_artist_and_album(recordings: Cli, words: list[str], title: str) -> None:
    assert title in [item["title"] for item in recordings.json("tracks", "search", *words)]


def test_a_search_shows_its_first_twenty_and_says_that_there_are_more(recordings: Cli) -> None:
    result = recordings("tracks", "search", "")
    assert len(result.stdout.splitlines()) == 22
    assert result.stderr == "There are more than 20; -n shows more of them.\n"
    assert len(recordings.json("tracks", "search", "", "-n", "3")) == 3
    assert recordings("tracks", "search", "bjork").stderr == ""


def test_a_search_that_finds_nothing_says_so(recordings: Cli) -> None:
    result = recordings("tracks", "search", "no such thing")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No track matches.\n")
    assert recordings.json("tracks", "search", "no such thing") == []


def test_samples_are_searched_and_shown_until_there_are_tracks(cli: Cli) -> None:
    (found, *_) = cli.json("tracks", "search", "copper lanterns")
    assert cli.json("tracks", "show", found["track_id"]) == found
    cli.ok("import", cli.write("x.jsonl", json_lines(track())))
    assert cli.json("tracks", "search", "copper lanterns") == []
    assert "the catalogue has no track" in cli.fails("tracks", "show", found["track_id"])


def test_albums_that_are_no_text_do_no_harm(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track("a", album=None), track("b", album=1984))))
    assert [item["track_id"] for item in cli.json("tracks", "search", "1984")] == ["b"]


def test_a_track_is_shown_with_everything_that_is_known_of_it(recordings: Cli) -> None:
    lines = recordings.ok("tracks", "show", "rec-bjork-hyperballad").splitlines()
    shown = dict(line.split(maxsplit=1) for line in lines)
    assert shown == {key: str(value) for key, value in recordings.json("tracks", "show", shown["track_id"]).items()}
    assert shown["album"] == "Post"


def test_removing_says_how_many_there_were(recordings: Cli) -> None:
    ids = ["rec-bjork-hyperballad", "rec-miles-davis-so-what"]
    assert recordings.ok("tracks", "remove", ids[0], ids[0], "zzz") == "Removed 1 of 2 tracks.\n"
    assert recordings.json("tracks", "remove", *ids) == {"removed": 1}
    assert recordings.json("tracks", "search", "hyperballad") == []


def test_an_emptied_catalogue_has_no_samples(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track("a"))))
    cli.ok("tracks", "remove", "a")
    assert cli.json("tracks", "search", "") == []
    assert cli.json("recommend", "alice") == []
