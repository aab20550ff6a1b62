"""What the project declares of versions, and what is tried of it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def declared() -> list[str]:
    """Return what the library and its tests need; the benchmarks' rivals are not tried at their lowest versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = {name: lines for name, lines in project["optional-dependencies"].items() if name != "benchmarks"}
    lines = [*project["dependencies"], *(line for extra in extras.values() for line in extra)]
    return [line for line in lines if not line.startswith("qfzz[")]


def test_a_dependency_has_a_lower_bound_and_no_other() -> None:
    assert [line for line in declared() if not re.fullmatch(r"[\w-]+(\[[\w,]+\])?>=[\d.]+", line)] == []


def test_the_lowest_versions_that_are_tried_are_those_that_are_declared() -> None:
    lines = (ROOT / "tests" / "lowest.txt").read_text("utf-8").splitlines()
    bounds = sorted(re.sub(r"\[.*\]", "", line).replace(">=", "==") for line in declared())
    assert [line for line in lines if not line.startswith("#")] == bounds
