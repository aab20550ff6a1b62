import json
from pathlib import Path
from typing import Any

import pytest
from support.cli_runs import Cli, isolated, json_lines, track

from qfzz_core.cli import output


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    cli = isolated(tmp_path, monkeypatch)
    made = [track(f"t{n}", artist=f"Artist {n}", energy=n / 50) for n in range(50)]
    cli.ok("import", cli.write("x.jsonl", json_lines(*made)))
    cli.ok("profile", "set", "alice", "--artist", "Artist 7=1")
    return cli


def lists(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_user_of_the_file_gets_a_line_of_json(cli: Cli) -> None:
    users = cli.write("users.txt", "alice\n\nbob smith\r\nälice")
    alice, bob, other = lists(cli.ok("recommend-many", users, "-n", "3", "--discovery", "0"))
    assert [found["user_id"] for found in (alice, bob, other)] == ["alice", "bob smith", "älice"]
    assert [len(found["recommendations"]) for found in (alice, bob, other)] == [3, 3, 3]
    assert alice["recommendations"] == cli.json("recommend", "alice", "-n", "3", "--discovery", "0")
    assert bob["recommendations"] == other["recommendations"] != alice["recommendations"]


def test_users_come_from_stdin_too(cli: Cli) -> None:
    (found,) = lists(cli.ok("recommend-many", "-", "-n", "1", input="alice\n"))
    assert found["user_id"] == "alice"


def test_a_file_may_begin_with_a_byte_order_mark(cli: Cli) -> None:
    (found,) = lists(cli.ok("recommend-many", cli.write("users.txt", "\ufeffalice\n")))
    assert found["user_id"] == "alice"


def test_threads_change_no_list(cli: Cli) -> None:
    users = cli.write("users.txt", "\n".join(f"user {n}" for n in range(10)))
    one, many = (cli.ok("recommend-many", users, "--seed", "3", "--threads", number) for number in ("1", "4"))
    assert one == many
    assert cli.ok("recommend-many", users, "--seed", "4") != one


def test_nobody_is_created(cli: Cli) -> None:
    before = cli.content()
    cli.ok("recommend-many", "-", input="nobody\n")
    assert cli.content() == before


def test_the_options_of_recommend_hold_for_everybody(cli: Cli) -> None:
    options = [
        "--exclude",
        "t0",
        "--where",
        "energy=0..0.1",
        "--where",
        "artist=Artist 0",
        "--where",
        "artist=Artist 1",
    ]
    for found in lists(cli.ok("recommend-many", "-", *options, input="alice\nbob\n")):
        assert [each["track"]["track_id"] for each in found["recommendations"]] == ["t1"]


def test_a_user_id_that_is_no_text_is_named_by_its_position_after_the_lists_before_it(cli: Cli) -> None:
    (cli.directory / "users.txt").write_bytes(b"alice\nb\xe4d\n")
    result = cli("recommend-many", str(cli.directory / "users.txt"))
    assert (result.exit_code, len(lists(result.stdout))) == (1, 1)
    assert result.stderr.startswith("Error: user_ids[1]: user_id holds a lone surrogate")


def test_a_file_that_is_not_there_is_a_sentence_and_makes_no_store(cli: Cli) -> None:
    result = cli("recommend-many", "nobody.txt", "--store", f"sqlite:///{cli.directory}/other.db")
    assert result.exit_code == 1
    assert result.stderr == "Error: nobody.txt: No such file or directory\n"
    assert not (cli.directory / "other.db").exists()


def test_a_terminal_shows_how_many_are_done(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert output.console(stderr=True).is_terminal
    result = cli("recommend-many", "-", "-n", "1", input="\n".join(f"user {n}" for n in range(100)))
    assert len(lists(result.stdout)) == 100
    assert "100 users" in result.stderr
