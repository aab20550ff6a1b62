"""Real third-party distributions: written, built and installed by pip, then used by a Python process of its own."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# The interpreter of the environment in which the library is tried; the tests' own if nothing else is said.
PYTHON = os.environ.get("QFZZ_TEST_PYTHON", sys.executable)

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"

[project.entry-points.qfzz]
{plugin} = "{value}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""

# Prints what a fresh DJ makes of the plugins it finds; the configuration is its argument.
PROBE = """
import json, sys, warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from qfzz import PersonalizedDJ
    from qfzz_core import Config

    config, tracks = json.loads(sys.argv[1]), json.loads(sys.argv[2])
    dj = PersonalizedDJ(config=Config.from_dict(config), seed=1)
    dj.add_content(tracks)
    found = dj.engine.recommend("u", {"discovery_factor": 0.0})
    explanation = found[0].explanation.to_dict()

print(json.dumps({
    "order": [each.track["track_id"] for each in found],
    "factors": {part["name"]: part for part in explanation["factors"]},
    "faults": explanation["faults"],
    "plugins": [[each.name, each.status, each.origin.distribution, each.origin.version] for each in dj.engine.plugins],
    "imported": sorted(sys.modules),
    "warnings": [str(each.message) for each in caught],
}))
"""


class Distribution(NamedTuple):
    """A project of one module, which is the plugin; `value` is the object that the entry point names."""

    name: str
    version: str
    plugin: str
    source: str
    value: str = ""

    @property
    def module(self) -> str:
        """The name of its module."""
        return self.name.lower().replace("-", "_")

    def write(self, directory: Path) -> None:
        """Write the project."""
        directory.mkdir(parents=True)
        value = self.value or self.module
        text = PROJECT.format(name=self.name, version=self.version, plugin=self.plugin, module=self.module, value=value)
        (directory / "pyproject.toml").write_text(text, encoding="utf-8")
        (directory / f"{self.module}.py").write_text(self.source, encoding="utf-8")


def install(distribution: Distribution, directory: Path) -> Path:
    """Build a distribution and install it into a directory of its own, with what is at hand: no network."""
    project = directory / "project"
    distribution.write(project)
    return install_project(project, directory / "installed")


def install_project(project: Path, target: Path) -> Path:
    """Build and install a project into a directory, with what is at hand: no network."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this environment has no pip")
    local = ["--isolated", "--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *local, "--quiet", "--target", str(target), str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def run(
    paths: Sequence[Path], *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python with these distributions installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QFZZ_", "PYTHON"))}
    where = {"PYTHONPATH": os.pathsep.join(map(str, paths))} if paths else {}
    return subprocess.run(
        [PYTHON, *arguments],
        env={**kept, **where, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def probe(
    paths: Sequence[Path],
    tracks: Sequence[dict[str, Any]],
    config: dict[str, Any] | None = None,
    *,
    cwd: Path,
    **environment: str,
) -> dict[str, Any]:
    """What a fresh DJ makes of these distributions, in a process of its own."""
    arguments = ("-c", PROBE, json.dumps(config or {}), json.dumps(list(tracks)))
    done = run(paths, *arguments, cwd=cwd, **environment)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
