"""The benchmark of shapes measures what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.third_party import dj_with, track, values

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not here"),
]


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.shapes", "--tracks", "300", "--listeners", "2", "--rounds", "1"]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_shape_is_measured_beside_the_plain_table() -> None:
    found = json.loads(run("--json"))
    assert list(found) == ["none", "table", "distance", "function of columns", "function of a track"]
    assert (found["table"]["times"], found["table"]["cpu_times"]) == (1.0, 1.0)
    evaluated = {name: each["evaluated"] for name, each in found.items()}
    assert evaluated == {
        "none": 0,
        "table": 0,
        "distance": 0,
        "function of columns": 300,
        "function of a track": 300,
    }


def test_the_figures_are_printed_as_a_table() -> None:
    lines = run().splitlines()
    assert lines[0] == "300 tracks, the best 50"
    assert [line[:22].strip() for line in lines[2:]] == [
        "none",
        "table",
        "distance",
        "function of columns",
        "function of a track",
    ]


def test_the_table_and_both_functions_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.shapes import LIKED, Shaped

    content = [track(mood, mood=mood) for mood in [*LIKED, "of another kind"][1:]]
    expected = {each["mood"]: LIKED.get(each["mood"], 0.0) for each in content}
    for shape in ("table", "function of columns", "function of a track"):
        assert values(dj_with(Shaped(shape), content=content, strict=True), "shaped") == expected
