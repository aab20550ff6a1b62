"""The command line on plugins: all that is known of one, what decided, whether it keeps its promises, and new ones."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli_runs import Cli, install, isolated
from support.installing import install_project, run

from qfzz_core.cli import plugin_check

FAILING = """
from qfzz_core import factor, hookimpl

@factor("failing", weight=1.0)
def failing(track):
    return 1 / 0

@hookimpl
def qfzz_factors():
    return [failing]
"""

GOOD = """
from qfzz_core import Pick, RangeFilter, factor, hookimpl

@factor("good", weight=1.0)
def good(track):
    return track["energy"] or 0.0

class Longer:
    name = "longer"
    def check(self, option):
        if option not in (7, 30):
            raise ValueError("give 7 or 30")
    def prepare(self, request, option):
        return RangeFilter(column="duration", low=option)

class Never:
    name = "never"
    def check(self, option):
        raise ValueError("never")
    def prepare(self, request, option):
        return None

class Best:
    name = "best"
    def pick(self, request, ranking):
        return [Pick(rank) for rank in range(1, len(ranking.take(request.limit)) + 1)]

@hookimpl
def qfzz_factors():
    return [good]

@hookimpl
def qfzz_filters():
    return [Longer(), Never()]

@hookimpl
def qfzz_strategies():
    return [Best()]
"""

WRONG = """
from qfzz_core import factor, hookimpl

@factor("wrong", weight=1.0)
def wrong(track):
    return 0.5 + track["duration"]

@hookimpl
def qfzz_factors():
    return [wrong]
"""

STORING = """
from qfzz_core import StoreScheme, hookimpl

def opened(url, options):
    from qfzz_plugins.stores.memory import MemoryStore
    return MemoryStore()

@hookimpl
def qfzz_stores():
    return [StoreScheme("forgetful", opened)]
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


def words(text: str) -> list[str]:
    """The lines of a text, with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines()]


# ---- what is known --------------------------------------------------------------------------------------------------


def test_what_fails_when_it_is_used_is_listed_as_failed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "failing", FAILING)
    (found,) = [each for each in cli.json("plugins") if each["name"] == "failing"]
    assert (found["status"], found["failures"]) == ("failed at run time", {"factor failing": 1})
    assert found["problems"] == ["factor failing: ZeroDivisionError: division by zero"]


def test_all_that_is_known_of_a_plugin_is_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "failing", FAILING)
    lines = words(cli.ok("plugins", "show", "failing"))
    assert lines[:3] == ["name: failing", "status: failed at run time", "where: failing-distribution 1.0, entry point"]
    assert lines[3].startswith("import: ")
    assert lines[4:] == [
        "hooks: qfzz_factors",
        "registered: factor failing",
        "failed: factor failing: 1 times",
        "problems: factor failing: ZeroDivisionError: division by zero",
    ]
    assert cli.json("plugins", "show", "Failing_Distribution")[0]["name"] == "failing"


def test_a_distribution_is_shown_plugin_by_plugin(cli: Cli) -> None:
    shown = cli.ok("plugins", "show", "qfzz")
    assert shown.count("name: ") == len(cli.json("plugins"))
    assert "\n            filter heard_within_plays\n" in shown


def test_a_plugin_that_is_not_there_is_an_error_with_the_nearest_name(cli: Cli) -> None:
    assert 'there is no plugin or distribution "gnere", did you mean "genre"?' in cli.fails("plugins", "show", "gnere")


def test_a_single_file_is_listed_with_its_path(cli: Cli) -> None:
    file = cli.write("my_scorer.py", GOOD)
    config = cli.write("qfzz.toml", '[plugins]\nfiles = ["my_scorer.py"]\n')
    assert f"my_scorer active {file}, file factor good; filter longer, never; strategy best" in words(
        cli.ok("plugins", "--config", config)
    )
    explained = cli.ok("recommend", "u", "--explain", "--config", config)
    assert "good 0." in explained
    assert f"(plugin my_scorer of {file})" in explained


def test_the_timings_are_those_of_the_imports(cli: Cli) -> None:
    lines = words(cli.ok("plugins", "--timings"))
    seconds = [float(line.split(" ms ")[0].rsplit(" ", 1)[1]) for line in lines[2:-1]]
    assert lines[0] == "Name Import Status"
    assert seconds == sorted(seconds, reverse=True)
    assert lines[-1].startswith("all ")


# ---- what decided ---------------------------------------------------------------------------------------------------


def test_what_decided_about_the_store_is_shown_step_by_step(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    config = cli.write("qfzz.toml", '\nstore = "postgresql://u:secret@h/x"\n')
    monkeypatch.setenv("QFZZ_STORE", "sqlite:///other.db")
    lines = words(cli.ok("plugins", "why", "store", "--config", config))
    assert lines[0] == "store: sqlite:///other.db"
    assert lines[1].startswith("the default: sqlite:///")
    assert lines[2] == f"the configuration, {config}:2: postgresql://***@h/x"
    assert lines[3:5] == [
        "-> the environment variable QFZZ_STORE: sqlite:///other.db",
        "the option --store: says nothing",
    ]
    assert lines[5].startswith('it is opened by plugin "sqlite" (distribution qfzz ')
    decided = json.loads(cli.ok("plugins", "why", "store", "--store", "memory:", "--json"))
    assert decided["value"] == "memory:"
    assert decided["steps"][3] == {"who": "the option --store", "says": "memory:"}


def test_a_store_that_nobody_can_open_is_an_error(cli: Cli) -> None:
    assert 'no store is registered for a URL that begins with "sqlit:"' in cli.fails(
        "plugins", "why", "store", "--store", "sqlit:x"
    )


def test_what_decided_about_a_factor_is_shown(cli: Cli) -> None:
    config = cli.write("qfzz.toml", '[factors.mood]\nweight = 0\n[factors.genre]\nweight = 0.4\nmatch = "graded"\n')
    lines = words(cli.ok("plugins", "why", "factor", "genre", "--config", config))
    assert lines[0] == "factor genre: weight 0.4 of 1"
    assert lines[1].startswith('the default of plugin "genre" (distribution qfzz ')
    assert lines[2:] == [
        f"-> the configuration, {config}:3: weight 0.4",
        "its options are GenreOptions(match='graded', missing=0.0)",
    ]
    assert (
        words(cli.ok("plugins", "why", "factor", "mood", "--config", config))[0]
        == "factor mood: off: it is not in the sum"
    )


def test_a_factor_that_nobody_registers_is_explained_by_who_takes_no_part(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "trust")
    said = cli.fails("plugins", "why", "factor", "trust")
    assert 'no active plugin registers a factor "trust"' in said
    assert 'plugin "trust" takes no part: disabled, by the environment variable QFZZ_DISABLE_PLUGINS' in said


def test_what_decided_about_the_strategy_is_shown(cli: Cli) -> None:
    assert words(cli.ok("plugins", "why", "strategy"))[:3] == [
        "strategy: split",
        "-> the strategy that is the default: split",
        "the configuration: says nothing",
    ]
    cli.write("my_scorer.py", GOOD)
    config = cli.write("qfzz.toml", '[discovery]\nstrategy = "best"\n[plugins]\nfiles = ["my_scorer.py"]\n')
    lines = words(cli.ok("plugins", "why", "strategy", "--config", config))
    assert lines[0] == "strategy: best"
    assert lines[2] == f"-> the configuration, {config}:2: best"
    assert "there are also split" in lines


def test_without_any_strategy_the_plain_ranking_is_what_was_decided(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "split")
    assert words(cli.ok("plugins", "why", "strategy"))[0] == "strategy: none: the plain ranking"


@pytest.mark.parametrize("arguments", [["factor"], ["store", "x"], ["strategy", "split"], ["filter"]])
def test_a_wrong_why_is_a_usage_error(cli: Cli, arguments: list[str]) -> None:
    cli.fails("plugins", "why", *arguments, code=2)


# ---- whether promises are kept --------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_a_file_that_keeps_its_promises_is_ok(cli: Cli) -> None:
    file = cli.write("good.py", GOOD)
    verdict = json.loads(cli.ok("plugins", "check", file, "--json"))
    assert verdict["ok"]
    assert [each["name"] for each in verdict["objects"]] == ["factor good", "filter longer", "strategy best"]
    assert min(each["tests"] for each in verdict["objects"]) > 5
    assert verdict["unchecked"] == [
        "filter never: not checked, no option is known that it takes; subclass FilterContract"
    ]


@pytest.mark.exhaustive
def test_a_distribution_that_breaks_a_promise_is_not_ok(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "wrong", WRONG)
    monkeypatch.setenv("PYTHONPATH", str(cli.directory))
    result = cli("plugins", "check", "wrong-distribution")
    assert result.exit_code == 1
    lines = words(result.stdout)
    assert "tests failed" in lines[0]
    assert any(line.startswith("test every value is from 0 to its bound: ") for line in lines)
    assert "the value of a track must be from 0 to 1" in result.stdout
    assert lines[-1] == "wrong-distribution: not ok"


@pytest.mark.exhaustive
def test_a_store_is_checked_through_its_url(cli: Cli) -> None:
    file = cli.write("storing.py", STORING)
    unchecked = cli.ok("plugins", "check", file)
    assert 'store forgetful: not checked, give --url, such as "scheme:///{directory}/file"' in unchecked
    assert "store forgetful: keeps its promises" in cli.ok("plugins", "check", file, "--url", "forgetful:")
    # what it holds goes with the object, which it denies by keeping it in a directory
    assert cli("plugins", "check", file, "--url", "forgetful:///{directory}").exit_code == 1


def test_a_file_that_cannot_be_imported_is_not_ok(cli: Cli) -> None:
    result = cli("plugins", "check", cli.write("broken.py", "1 / 0"))
    assert result.exit_code == 1
    assert "broken: failed to import: ZeroDivisionError: division by zero" in result.stdout


def test_what_cannot_be_checked_is_an_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'no distribution "qfz" with plugins is installed, did you mean "qfzz"?' in cli.fails(
        "plugins", "check", "qfz"
    )
    assert "there is no such file" in cli.fails("plugins", "check", "absent.py")
    monkeypatch.setattr(plugin_check, "NEEDED", ("pytest", "a_module_that_is_not_there"))
    assert 'a_module_that_is_not_there must be installed to check plugins: pip install "qfzz[testing]"' in cli.fails(
        "plugins", "check", "qfzz"
    )


# ---- new ones -------------------------------------------------------------------------------------------------------

KINDS = ("scorer", "strategy", "store")


def made(cli: Cli, kind: str, name: str = "Night_Owl") -> Path:
    said = cli.ok("plugins", "new", kind, name, "--directory", str(cli.directory))
    project = cli.directory / f"qfzz-{kind}-night-owl"
    assert said.startswith(f"{project} is ready.")
    return project


def tool(project: Path, *command: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_distribution_passes_its_own_tests(cli: Cli, kind: str) -> None:
    tool(made(cli, kind), "pytest", "-q", "-p", "no:cacheprovider")


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed here")


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_distribution_is_clean_at_once(cli: Cli, kind: str) -> None:
    needs("ruff")
    for name in ("x", "a-name-of-24-letters-456"):
        cli.ok("plugins", "new", kind, name, "--directory", str(cli.directory))
        for command in (["ruff", "check"], ["ruff", "format", "--check"]):
            tool(cli.directory / f"qfzz-{kind}-{name}", *command, "--no-cache")


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_distribution_has_sound_types_at_once(
    cli: Cli, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    needs("mypy")
    tool(made(cli, kind), "mypy", "--cache-dir", str(tmp_path_factory.getbasetemp() / "mypy"))


@pytest.mark.installed
def test_a_new_distribution_can_be_installed_and_used(cli: Cli) -> None:
    project = made(cli, "scorer")
    place = install_project(project, cli.directory / "installed")
    code = "from qfzz_core.cli import main; main()"
    done = run([place], "-c", code, "plugins", "show", "night_owl", "--json", HOME=str(cli.directory))
    (found,) = json.loads(done.stdout)
    assert (found["status"], found["distribution"]) == ("active", "qfzz-scorer-night-owl")
    assert found["registered"] == ["factor night_owl"]


def test_a_new_distribution_has_everything(cli: Cli) -> None:
    project = made(cli, "store")
    files = sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    assert files == [
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "src/qfzz_store_night_owl/__init__.py",
        "src/qfzz_store_night_owl/py.typed",
        "src/qfzz_store_night_owl/store.py",
        "tests/test_night_owl.py",
    ]
    assert "${{ matrix.python }}" in (project / ".github/workflows/test.yml").read_text()


@pytest.mark.parametrize("name", ["", "9lives", "night owl", "night--owl", "../owl", "o" * 25, "qfzz-scorer-"])
def test_a_name_that_is_none_is_refused_and_nothing_is_written(cli: Cli, name: str) -> None:
    place = cli.directory / "new"
    said = cli.fails("plugins", "new", "scorer", name, "--directory", str(place))
    assert "letters and digits with single hyphens between, such as night-owl" in said
    assert not place.exists()


def test_what_is_there_already_is_left_alone(cli: Cli) -> None:
    readme = made(cli, "scorer") / "README.md"
    readme.write_text("mine")
    assert "already exists" in cli.fails("plugins", "new", "scorer", "night-owl", "--directory", str(cli.directory))
    assert readme.read_text() == "mine"
