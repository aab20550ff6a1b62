"""The examples are distributions that stand on their own: built, installed, and tested beside the library."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.example_projects import EXAMPLES, install_example, with_test_packages
from support.installing import probe, run

pytestmark = pytest.mark.installed

# The packages that an example's tests need beside pytest.
NEEDS = {
    "qfzz-analyser-bliss": "hypothesis",
    "qfzz-analyser-librosa": "hypothesis",
    "qfzz-broken": "hypothesis",
    "qfzz-scorer-daytime": "hypothesis",
    "qfzz-scorer-embedding": "hypothesis",
    "qfzz-scorer-popularity": "hypothesis",
    "qfzz-scorer-recency": "hypothesis",
    "qfzz-store-duckdb": "duckdb",
    "qfzz-strategy-bandit": "hypothesis",
}
TRACK: dict[str, Any] = {
    "track_id": "t1",
    "title": "Title",
    "artist": "ABBA",
    "genre": "pop",
    "mood": "calm",
    "energy": 0.5,
    "tempo": "medium",
    "duration": 180,
    "plays": 3000,
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where an example is: its `project` and what is `installed` of it, which happens when it is first asked for."""
    places: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in places:
            directory = tmp_path_factory.mktemp("example")
            install_example(name, directory)
            places[name] = directory
        return places[name]

    return of


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.exhaustive
def test_an_example_passes_its_own_tests(name: str, place: Callable[[str], Path], tmp_path: Path) -> None:
    if importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"the tests of {name} need the package {NEEDS[name]}: pip install {NEEDS[name]}")
    paths = with_test_packages(place(name) / "installed")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--basetemp", str(tmp_path / "tests")]
    done = run(paths, "-m", "pytest", *options, cwd=place(name) / "project")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.mark.exhaustive
def test_installed_together_they_take_part_without_configuration(place: Callable[[str], Path], tmp_path: Path) -> None:
    answered = probe([place(name) / "installed" for name in NEEDS], [TRACK], cwd=tmp_path)
    assert (answered["warnings"], answered["faults"]) == ([], [])
    found = {distribution: status for _, status, distribution, _ in answered["plugins"] if distribution in NEEDS}
    assert found == dict.fromkeys(NEEDS, "active")
    part = answered["factors"]["popularity"]
    assert (part["value"], part["distribution"], part["version"]) == (0.75, "qfzz-scorer-popularity", "0.1.0")
    assert "daytime" in answered["factors"]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not here")
def test_every_example_is_tested() -> None:
    assert sorted(each.name for each in EXAMPLES.iterdir() if (each / "pyproject.toml").exists()) == sorted(NEEDS)
