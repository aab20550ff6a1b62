"""The check of plugins: the contract suites, run on what a distribution or a file registers, and the verdict."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import attrs

from qfzz_core.cli.output import print_line
from qfzz_core.config import Config
from qfzz_core.engine import Engine
from qfzz_core.errors import PluginWarning, RequestError, did_you_mean
from qfzz_core.plugins.record import PluginRecord, normalised
from qfzz_core.plugins.registry import Registry
from qfzz_core.testing.generated import suites

NEEDED = ("pytest", "hypothesis")


@attrs.define
class Outcome:
    """The result of one object's suite: how many tests ran, and the messages of those that failed."""

    name: str
    tests: int = 0
    failed: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Verdict:
    """Whether what was registered keeps its promises; `problems` include those of plugins that did not start."""

    target: str
    problems: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    objects: tuple[Outcome, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems and not any(outcome.failed for outcome in self.objects)


def checked(target: str, url: str | None = None) -> Verdict:
    """Return the verdict on a distribution's plugins, or on those of a file, a path that ends in `.py`.

    `url` opens a store of the target, with `{directory}` where it may keep files. Raises `RequestError` if there is no
    such distribution, or if what runs the suites is not installed.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise RequestError(f'{" and ".join(missing)} must be installed to check plugins: pip install "qfzz[testing]"')
    records, registry = _records(target)
    problems = [f"{record.name}: {record.status}: {record.reason}" for record in records if not record.takes_part]
    problems += [f"{record.name}: {problem}" for record in records for problem in record.problems]
    source, unchecked = suites([record for record in records if record.takes_part], registry, url)
    outcomes = _outcomes(source) if "class " in source else ()  # pytest fails where there is nothing to run
    return Verdict(target, tuple(problems), tuple(unchecked), outcomes)


def _records(target: str) -> tuple[list[PluginRecord], Registry]:
    """Return the records of the target's plugins, and what is registered with them."""
    is_file = target.endswith(".py")
    # the problems of the target are in its records, and those of other plugins are not the subject
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        with Engine(store="memory:", config=Config(files=(target,) if is_file else ())) as engine:
            everyone, registry = engine.plugins, engine.registry
    if is_file:
        return [record for record in everyone if record.where == "file"], registry
    found = [record for record in everyone if normalised(record.origin.distribution or "") == normalised(target)]
    if not found:
        known = {record.origin.distribution or "" for record in everyone}
        raise RequestError(f'no distribution "{target}" with plugins is installed{did_you_mean(target, known)}')
    return found, registry


def _outcomes(source: str) -> tuple[Outcome, ...]:
    with tempfile.TemporaryDirectory(prefix="qfzz-check-") as directory:
        place = Path(directory)
        # without a file of its own, pytest would take the settings of the project in which the command runs
        (place / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        (place / "test_contracts.py").write_text(source, encoding="utf-8")
        options = ["-c", str(place / "pytest.ini"), "-q", "-p", "no:cacheprovider", "--tb=short"]
        report = place / "report.xml"
        command = [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", str(place / "test_contracts.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):  # 1: some tests failed; above: pytest itself did
            raise RequestError(f"the suites could not be run: {done.stdout.strip()[-2000:]}{done.stderr[-2000:]}")
        return _read(ElementTree.parse(report).getroot())


def _read(report: Any) -> tuple[Outcome, ...]:
    """Return what a report in the format of JUnit says, suite by suite."""
    outcomes: dict[str, Outcome] = {}
    for case in report.iter("testcase"):
        name = case.get("classname").rpartition(".")[2].removeprefix("Test_").replace("__", " ", 1)
        outcome = outcomes.setdefault(name, Outcome(name))
        outcome.tests += 1
        for wrong in (*case.findall("failure"), *case.findall("error")):
            outcome.failed.setdefault(case.get("name"), (wrong.get("message") or "").strip())
    return tuple(outcomes.values())


def print_verdict(verdict: Verdict) -> None:
    """Write a line for each object, what failed below it, and the verdict."""
    for problem in verdict.problems:
        print_line(problem)
    for outcome in verdict.objects:
        result = f"{len(outcome.failed)} of {outcome.tests} tests failed" if outcome.failed else "keeps its promises"
        print_line(f"{outcome.name}: {result} ({outcome.tests} tests)")
        for test, message in outcome.failed.items():
            print_line(f"  {test.replace('_', ' ')}: {message.splitlines()[0] if message else 'it failed'}")
    for note in verdict.unchecked:
        print_line(note)
    print_line(f"{verdict.target}: {'ok' if verdict.ok else 'not ok'}")
