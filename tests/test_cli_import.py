from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import pytest
from support.cli_runs import RECORDINGS, SPOTIFY, Cli, isolated, json_lines, track

CSV = "track_id,song,singer,genre,mood,energy,tempo,duration\n"
PERCENT = "if the column goes from 0 to 100, add --scale energy=100"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


def test_an_import_counts_what_it_did(cli: Cli) -> None:
    first = cli.write("first.jsonl", json_lines(track("a"), track("b"), track("a"), track("c", energy=2)))
    result = cli("import", first, "--json")
    assert result.exit_code == 0
    assert result.stderr == f"{first}:4: energy must be a number from 0.0 to 1.0, got 2; {PERCENT}\n"
    second = cli.write("second.json", f"[{json_lines(track('b', title='New')).strip()}]")
    assert cli.json("import", second)["replaced"] == 1
    assert [item["title"] for _, item in cli.content()["tracks"]] == ["Title a", "New"]


def test_the_summary_names_every_count(cli: Cli) -> None:
    path = cli.write("x.jsonl", json_lines(track("a"), track("b"), track("a"), {}))
    summary = cli.json("import", path)
    assert {**summary, "seconds": 0, "rows_per_second": 0} == {
        "files": [path],
        "rows": 4,
        "added": 2,
        "replaced": 0,
        "repeated": 1,
        "joined": 0,
        "bad": 1,
        "ignored_columns": 0,
        "made_ids": 0,
        "defaults": {},
        "aliases": 0,
        "unusable": {},
        "unknown": {},
        "split": {},
        "look_several": {},
        "notes": [],
        "seconds": 0,
        "rows_per_second": 0,
    }
    assert summary["rows_per_second"] > 0


def test_the_summary_reads_as_a_table(cli: Cli) -> None:
    path = cli.write("x.jsonl", json_lines(track("a"), track("b"), track("a"), {}))
    lines = cli.ok("import", path).splitlines()
    assert lines[0].startswith("Imported 2 tracks from 1 file in ")
    assert [line.split()[0] for line in lines[1:]] == ["4", "2", "0", "1", "1"]
    assert cli.ok("import", path, cli.write("y.jsonl", "")).startswith("Imported 2 tracks from 2 files in ")


def test_only_the_first_twenty_bad_rows_are_shown(cli: Cli) -> None:
    path = cli.write("x.jsonl", json_lines(track("a"), *({} for _ in range(1025))))
    lines = cli("import", path).stderr.splitlines()
    assert len(lines) == 21
    assert lines[0].startswith(f"{path}:2: ")
    assert lines[-1] == "... and 1,005 more"


def test_columns_are_mapped_by_option(cli: Cli) -> None:
    path = cli.write("x.csv", CSV + "t1,Take Five,Brubeck,jazz,calm,0.4,medium,324\n")
    cli.ok("import", path, "--map", "title=song", "--map", "artist=singer")
    assert cli.json("tracks", "show", "t1")["title"] == "Take Five"


def test_thresholds_of_tempo_are_options(cli: Cli) -> None:
    path = cli.write("x.jsonl", json_lines({**track("a", bpm=120), "tempo": None}))
    for arguments, tempo in (([], "medium"), (["--slow-below", "121"], "slow"), (["--fast-from", "120"], "fast")):
        cli.ok("import", path, *arguments)
        assert cli.json("tracks", "show", "a")["tempo"] == tempo


def test_a_strict_import_stops_at_the_first_bad_row_and_imports_nothing(cli: Cli) -> None:
    good = cli.write("good.jsonl", json_lines(track("a")))
    bad = cli.write("bad.jsonl", json_lines(track("b"), {"track_id": "c"}))
    assert cli.fails("import", good, bad, "--strict").startswith(f"Error: {bad}:2: ")


@pytest.mark.parametrize(
    ("name", "text", "arguments", "sentence"),
    [
        ("x.csv", None, [], "No such file"),
        ("x.txt", "", [], "the name must end in one of"),
        ("x.csv", "", [], "there is no header row"),
        ("x.json", "{", [], "not valid JSON"),
        ("x.csv.gz", "no gzip", [], "not a valid gzip file"),
        ("x.csv", CSV, ["--map", "titel=song"], 'did you mean "title"?'),
        ("x.csv", CSV, ["--map", "title"], "must be FIELD=COLUMN"),
        ("x.csv", CSV, ["--slow-below", "140"], "the tempo thresholds"),
        ("x.csv", CSV, ["--slow-below", "nan"], "the tempo thresholds"),
    ],
)
def test_a_file_that_cannot_be_imported_is_a_sentence(
    cli: Cli, name: str, text: str | None, arguments: list[str], sentence: str
) -> None:
    cli.ok("import", cli.write("before.jsonl", json_lines(track("old"))))
    path = str(cli.directory / name) if text is None else cli.write(name, text)
    assert sentence in cli.fails("import", path, *arguments)


def test_a_file_that_turns_out_damaged_at_its_end_imports_nothing(cli: Cli) -> None:
    whole = gzip.compress(json_lines(*(track(f"t{number}") for number in range(5000))).encode())
    path = cli.directory / "cut.jsonl.gz"
    path.write_bytes(whole[:-1000])
    assert "not a valid gzip file" in cli.fails("import", str(path))


def test_no_progress_bar_goes_into_a_pipe(cli: Cli) -> None:
    assert cli.process("import", str(RECORDINGS)).stderr == ""


def test_a_terminal_sees_how_far_the_import_is(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    result = cli("import", str(RECORDINGS), "--json")
    assert result.exit_code == 0
    assert "Importing" in result.stderr
    assert "100%" in result.stderr or "kB" in result.stderr
    assert result.stdout.startswith("{")


@pytest.mark.skipif(sys.platform == "win32", reason="processor time of children is POSIX")
@pytest.mark.skipif(not SPOTIFY.exists(), reason="the real catalogue is not here")
def test_the_real_catalogue_is_imported_in_time_and_its_recommendations_make_sense(cli: Cli) -> None:
    before = os.times()
    run = cli.process("import", str(SPOTIFY), "--preset", "spotify", "--json")
    after = os.times()
    assert run.returncode == 0, run.stderr
    assert after.children_user + after.children_system - before.children_user - before.children_system < 15
    assert len(run.stderr.splitlines()) == 6
    assert '"added": 28352' in run.stdout
    assert '"repeated": 2448' in run.stdout
    assert '"joined": 2028' in run.stdout
    assert '"bad": 5' in run.stdout

    wanted = ["--genre", "rock=0.9", "--energy", "0.8", "--discovery", "0"]
    found = cli.json("recommend", "alice", "-n", "20", *wanted, "--explain")
    assert [item["rank"] for item in found] == list(range(1, 21))
    assert all("rock" in item["track"].get("genres", [item["track"]["genre"]]) for item in found)
    assert all(abs(item["track"]["energy"] - 0.8) < 0.01 for item in found)
    assert all(item["explanation"]["factors"][0]["reason"] == "you like rock" for item in found)

    favourites = [item["track_id"] for item in cli.json("tracks", "search", "queen", "-n", "999") if by(item, "Queen")][
        :5
    ]
    for track_id in favourites:
        cli.ok("feedback", "alice", track_id, "favorite")
    found = cli.json("recommend", "alice", "-n", "20", "--seed", "1")
    assert sum(by(item["track"], "Queen") for item in found) == 3
    best = min(found, key=lambda item: int(item["rank"]))
    assert by(best["track"], "Queen")


def by(item: dict[str, object], artist: str) -> bool:
    return item["artist"] == artist
