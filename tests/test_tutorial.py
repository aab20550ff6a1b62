"""The tutorial for authors leads somewhere: what it says, done step by step, ends with the factor in an explanation."""

import os
import re
from pathlib import Path

import pytest
from support.cli_runs import Cli, isolated
from support.installing import Distribution, install, run
from test_docs import DOCS, blocks

pytestmark = pytest.mark.exhaustive  # the same on every Python

TUTORIAL = DOCS / "tutorial" / "scorer.md"


def files() -> dict[str, str]:
    return {block.title: block.text for block in blocks(TUTORIAL) if block.title}


class Written(Distribution):
    """The project that the tutorial writes."""

    def write(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        for name, text in files().items():
            (directory / name).write_text(text, encoding="utf-8")


def test_the_scorer_has_at_most_thirty_lines() -> None:
    assert len(files()["golden_years.py"].splitlines()) <= 30


def test_the_line_of_the_explanation_is_the_one_that_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = isolated(tmp_path, monkeypatch)
    for name, text in files().items():
        cli.write(name, text)
    monkeypatch.chdir(tmp_path)
    cli.ok("import", "songs.jsonl")
    said = cli.ok("recommend", "alice", "--config", "qfzz.toml", "--explain")
    (shown,) = [block.text.strip() for block in blocks(TUTORIAL) if "golden_years  from 1964" in block.text]
    assert shown in said.replace(f"{tmp_path}{os.sep}", "")


@pytest.mark.installed
def test_the_distribution_of_the_tutorial_is_seen_by_anyone_who_installs_it(tmp_path: Path) -> None:
    installed = install(Written("qfzz-golden-years", "0.1.0", "golden_years", ""), tmp_path / "built")
    assert sorted(path.name for path in installed.glob("*.py")) == ["golden_years.py"]
    environment = Cli(tmp_path).environment
    songs = tmp_path / "built" / "project" / "songs.jsonl"
    for arguments in (["import", str(songs)], ["recommend", "alice", "--explain"]):
        done = run([installed], "-c", "from qfzz_core.cli import main; main()", *arguments, **environment)
        assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())  # however wide the terminal is
    assert re.search(r"golden_years from 1964 .*qfzz-golden-years 0\.1\.0", said)
