"""The examples are distributions that stand on their own: built, installed, and tested beside the library."""

import importlib.util
from pathlib import Path

import pytest
from example_projects import EXAMPLES, install_example, with_test_packages
from installing import run

pytestmark = pytest.mark.installed

NEEDS = {
    "qfzz-broken": ("hypothesis",),
    "qfzz-scorer-daytime": ("hypothesis",),
    "qfzz-scorer-embedding": ("hypothesis",),
    "qfzz-scorer-popularity": ("hypothesis",),
    "qfzz-scorer-recency": ("hypothesis",),
    "qfzz-store-duckdb": ("duckdb",),
    "qfzz-strategy-bandit": ("hypothesis",),
}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.exhaustive
def test_an_example_passes_its_own_tests(name: str, tmp_path: Path) -> None:
    for package in NEEDS[name]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the tests of {name} need the package {package}: pip install {package}")
    installed = install_example(name, tmp_path)
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--basetemp", str(tmp_path / "tests")]
    done = run(with_test_packages(installed), "-m", "pytest", *options, cwd=tmp_path / "project")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not here")
def test_every_example_is_tested() -> None:
    assert sorted(each.name for each in EXAMPLES.iterdir() if (each / "pyproject.toml").exists()) == sorted(NEEDS)
