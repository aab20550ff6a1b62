"""The benchmark of plugins runs. No time is looked at."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.exhaustive
@pytest.mark.usefixtures("unmeasured")
def test_the_benchmark_measures_starts_and_requests() -> None:
    command = [sys.executable, "-m", "benchmarks.plugins", "--rounds", "1", "--tracks", "200", "--calls", "2", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert list(measured["start_up"]["ms"]) == ["none", "alone", "among", "all"]
    assert all(ratio > 0 for ratio in measured["start_up"]["ratio"])
    assert "genre artist energy tempo mood" in measured["requests"]
