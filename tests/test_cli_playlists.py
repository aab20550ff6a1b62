"""`qfzz playlist`, and what `qfzz import` says of playlists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli_runs import Cli, isolated, json_lines, track

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "tables"
FORMATS = ("m3u8", "m3u", "pls", "xspf", "jspf")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_list_that_was_written_is_learned_from_by_ids_once(cli: Cli, suffix: str) -> None:
    cli.ok("import", cli.write("a.jsonl", json_lines(*(track(n, location=f"/m/{n}.mp3") for n in "ab"))))
    path = str(cli.directory / f"list.{suffix}")
    cli.ok("recommend", "bob", "--output", path)
    first, again = (cli.json("playlist", "import", path, path, "--user", "alice") for _ in range(2))
    assert (first["entries"], first["matched"], first["tracks"], first["new"], again["new"]) == (4, 4, 2, 2, 0)
    assert first["by"] == {"id": 4}
    assert [each["type"] for each in cli.json("profile", "show", "alice")["interaction_history"]] == ["like"] * 2
    assert cli.json("playlist", "import", path, "--user", "alice", "--as", "play")["new"] == 2


def test_what_was_left_out_is_said_with_its_place(cli: Cli) -> None:
    cli.ok("import", cli.write("a.jsonl", json_lines(track("a", location=f"{cli.directory}/a.mp3"))))
    path = cli.write("list.m3u8", '#EXTINF:1,X - Y\n/nowhere\na.mp3\n#QFZZ:{"title": "\\ud800"}\n/b\n')
    result = cli("playlist", "import", path, "--user", "alice")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"{path}:2: X - Y is not in the catalogue",
        f"{path}:5: holds a lone surrogate, which is no character",
    ]
    assert result.stdout.splitlines()[0] == "alice: like of 1 tracks, 1 of them new"
    shown = cli.ok("playlist", "show", path).splitlines()
    assert [line.split()[-1] for line in shown[2:4]] == ["-", "location"]
    outcomes = [each["outcome"] for each in cli.json("playlist", "show", path)["listed"]]
    assert outcomes == ["unmatched", "matched", "bad"]


def test_a_longer_list_adds_what_is_new_and_another_one_adds_all(cli: Cli) -> None:
    cli.ok("import", cli.write("a.jsonl", json_lines(*(track(n, location=f"/m/{n}") for n in "ab"))))
    for title, text, new in (("A", "/m/a\n", 1), ("A", "/m/a\n/m/b\n", 1), ("B", "/m/b\n", 1)):
        path = cli.write("list.m3u8", f"#PLAYLIST:{title}\n{text}")
        assert cli.json("playlist", "import", path, "--user", "alice")["new"] == new


def test_if_nothing_matches_the_exit_code_is_one_and_nobody_is_created(cli: Cli) -> None:
    cli.ok("import", cli.write("a.jsonl", json_lines(track("a"))))
    path = cli.write("list.m3u8", "".join(f"/{n}\n" for n in range(30)))
    result = cli("playlist", "import", path, "--user", "alice")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 22
    assert lines[-2:] == [
        "... and 10 more (--json shows all)",
        "No entry is a track of the catalogue: nothing was learned.",
    ]
    assert cli.json("profile", "list") == []
    assert cli("playlist", "import", cli.write("empty.m3u8", "#EXTM3U\n"), "--user", "alice").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--user", " "], "user_id must not be blank"),
        (["--user", "alice", "--as", "lik"], "lik"),
        (["--user", "alice", "--format", "m3"], 'there is no format "m3" for this'),
    ],
)
def test_what_cannot_be_done_is_a_sentence(cli: Cli, arguments: list[str], sentence: str) -> None:
    cli.ok("import", cli.write("a.jsonl", json_lines(track("a"))))
    assert sentence in cli.fails("playlist", "import", cli.write("list.m3u8", "/a\n"), *arguments)


def test_a_missing_list_makes_no_store(cli: Cli) -> None:
    result = cli("playlist", "show", str(cli.directory / "gone.m3u"))
    assert (result.exit_code, "No such file" in result.stderr) == (1, True)
    assert not (cli.directory / "store.db").exists()


@pytest.mark.parametrize("name", ["list.m3u8", "list.pls", "list.xspf.gz", "list.jspf"])
def test_an_import_of_tracks_says_what_a_playlist_is(cli: Cli, name: str) -> None:
    path = cli.write(name, "")
    assert f"{path}: this is a playlist, which holds no tracks but names them" in cli.fails("import", path)
    assert f"`qfzz playlist import {path} --user USER`" in cli.fails("import", path)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
def test_the_case(cli: Cli) -> None:
    path = str(CASES / "list.m3u8")
    assert "`qfzz playlist import" in cli.fails("import", path)
    (found,) = cli.json("playlist", "show", path)["listed"]
    assert (found["line"], found["says"]["title"], found["says"]["duration"]) == (3, "B", 123.0)
    assert found["says"]["location"] == str(CASES.parent / "music" / "a.mp3")


def test_what_may_be_several_tracks_is_listed_and_not_guessed(cli: Cli) -> None:
    same = [track(name, title="Same", duration=100 + 10 * n) for n, name in enumerate("abcd")]  # other cuts
    ours = [
        track("e", title="Other", recording_mbid="m"),
        track("f", isrc="USABC1234567"),
        track("g", url="http://x/g"),
    ]
    cli.ok("import", cli.write("a.jsonl", json_lines(*same, *ours)))
    says = [
        {"creator": "ADA", "title": "Same"},
        {"creator": "ada", "title": "other"},
        {"identifier": "isrc:USABC1234567"},
    ]
    path = cli.write("list.jspf", json.dumps({"playlist": {"track": [*says, {"location": "http://x/g"}]}}))
    result = cli("playlist", "import", path, "--user", "alice")
    assert result.exit_code == 0
    assert result.stderr == f"{path}:1: ADA - Same may be a or b or c and 1 more\n"
    assert "        3  are tracks of the catalogue: 1 by isrc, 1 by location, 1 by names" in result.stdout
    assert "        1  may be several tracks, left out" in result.stdout
    lines = cli.ok("playlist", "show", path).splitlines()[2:]
    assert [line.split()[-2:] for line in lines[1:]] == [["e", "names"], ["f", "isrc"], ["g", "location"]]
    assert "one of a or b or c and 1 more" in lines[0]
