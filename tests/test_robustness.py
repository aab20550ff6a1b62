"""The command that tries what holds: what it says, and that a promise that is broken is seen."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # the benchmarks are no part of the installed packages

from benchmarks.robustness import command  # noqa: E402
from benchmarks.robustness.report import BEGIN, END, PAGE  # noqa: E402
from benchmarks.robustness.trial import Finding, Settings, Trial  # noqa: E402


def trial(*findings: Finding) -> Trial:
    return Trial("made-up", "Something is done.", lambda settings: findings)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Have the command run nothing but a trial of our own, without a server."""
    monkeypatch.setattr(command, "own_server", lambda stack: "postgresql:///none")
    return monkeypatch


def test_a_promise_that_is_broken_ends_with_exit_code_1(
    only: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only.setattr(command, "all_trials", lambda: {"made-up": trial(Finding("lost", "0 of 9", True))})
    assert command.main([]) == 0
    assert capsys.readouterr().out == "  holds  lost: 0 of 9\n"
    only.setattr(command, "all_trials", lambda: {"made-up": trial(Finding("lost", "1 of 9", False))})
    assert command.main(["--json"]) == 1
    assert json.loads(capsys.readouterr().out)["made-up"]["findings"] == [
        {"what": "lost", "value": "1 of 9", "holds": False}
    ]


def test_the_figures_of_the_page_are_replaced(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / PAGE
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    only.setattr(command, "all_trials", lambda: {"made-up": trial(Finding("lost", "1 of 9", False))})
    command.main(["--docs", str(tmp_path)])
    figures = "### made-up\n\nSomething is done.\n\n| | found |\n| --- | --- |\n| lost | 1 of 9 (does not hold) |"
    assert page.read_text("utf-8") == f"before\n{BEGIN}\n\n{figures}\n\n{END}\nafter\n"


def test_a_trial_in_small_is_made_at_least_once() -> None:
    settings = Settings(scale=0.001, seed=1, directory=Path(), postgresql="")
    assert (settings.times(200), settings.times(4000)) == (1, 4)


def test_the_command_lists_its_trials() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.robustness", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [name for name in command.all_trials() if name not in said.stdout] == []


@pytest.mark.exhaustive
def test_trials_in_small_find_that_everything_holds() -> None:
    """Those that take seconds in small; what the others try stands in tests of its own."""
    small = ["--only", "arguments", "damage", "plugins", "--scale", "0.001", "--postgresql", "none", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.robustness", *small], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"arguments", "damage", "plugins"} == json.loads(done.stdout).keys()
