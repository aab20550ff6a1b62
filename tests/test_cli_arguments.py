"""Odd arguments and environment variables of the command line: a sentence and an exit code, whatever is given."""

from pathlib import Path

import pytest
from support.cli_runs import RECORDINGS, Cli, isolated

HUGE = "9" * 5_000
ODD = [
    "",
    " ",
    "x\udcff",
    "\x1b[2J",
    "nan",
    "-inf",
    "1e3",
    "1e400",
    HUGE,
    "0x10",
    "--nonsense",
    "../..",
    "-1",
    "\u0663",
]
COMMANDS = [
    ["recommend", "ann", "--limit"],
    ["recommend", "ann", "--seed"],
    ["recommend", "ann", "--genre"],
    ["recommend", "ann", "--where"],
    ["recommend", "ann", "--energy"],
    ["recommend", "ann", "--tempo"],
    ["recommend", "ann", "--exclude"],
    ["recommend", "ann", "--max-per-artist"],
    ["recommend", "ann", "--output"],
    ["recommend"],
    ["recommend", "ann"],
    ["recommend-many"],
    ["explain", "ann"],
    ["feedback", "ann", "rec-1"],
    ["feedback", "ann", "rec-1", "play", "--rating"],
    ["feedback", "ann", "rec-1", "play", "--event-id"],
    ["profile", "show"],
    ["profile", "set", "ann", "--energy"],
    ["tracks", "show"],
    ["tracks", "search"],
    ["import"],
    ["config", "show", "--config"],
    ["profile", "list", "--store"],
    ["profile", "list", "--config"],
    [],
]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    made = isolated(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    made.ok("import", str(RECORDINGS))
    return made


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_odd_argument_is_used_or_refused_in_a_sentence(cli: Cli, command: list[str]) -> None:
    for odd in ODD:
        result = cli(*command, odd)
        assert result.exit_code in (0, 1, 2), (odd, result.output)
        assert result.exception is None or isinstance(result.exception, SystemExit), (odd, result.exception)
        assert "unexpected " not in result.stderr or result.exit_code == 2, (odd, result.stderr)
        assert result.exit_code == 0 or result.output.strip(), odd


@pytest.mark.parametrize("variable", ["QFZZ_STORE", "QFZZ_CONFIG", "QFZZ_DISABLE_PLUGINS"])
def test_an_odd_environment_variable_is_used_or_refused_in_a_sentence(cli: Cli, variable: str) -> None:
    for odd in [*ODD, str(cli.directory), "sqlite:///", "postgresql://\udcff", ",,"]:
        result = cli("profile", "list", env={variable: odd})
        assert result.exit_code in (0, 1, 2), (odd, result.output)
        assert "unexpected " not in result.stderr, (odd, result.stderr)
        assert result.exception is None or isinstance(result.exception, SystemExit), (odd, result.exception)


def test_what_is_no_number_where_one_belongs_is_not_called_as_it_should_be(cli: Cli) -> None:
    for number in ("1e3", "", "nan", "ten"):
        assert "not a valid integer" in cli.fails("recommend", "ann", "--limit", number, code=2)
    assert "rating must be from 0.0 to 1.0, got nan" in cli.fails("feedback", "ann", "rec-1", "play", "--rating", "nan")
