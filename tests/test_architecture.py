"""What the house is built like: arrows point down, nothing is shared, nothing is named that is a plugin's."""

import ast
import importlib
import importlib.util
import pkgutil
import random
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pluggy
import pytest

from qfzz import PersonalizedDJ
from qfzz_core import Config, Engine, hookspecs
from qfzz_core.contracts.stores import Store
from qfzz_core.model.tracks import REQUIRED_FIELDS
from qfzz_plugins.stores.memory import MemoryStore

ROOT = Path(__file__).parents[1]
PACKAGES = ("qfzz", "qfzz_core", "qfzz_plugins")


def home(package: str) -> Path:
    """The directory of a package, wherever it is installed."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


@cache
def trees(package: str) -> list[tuple[str, ast.Module]]:
    """The modules of a package by file name, parsed."""
    files = sorted(home(package).rglob("*.py"))
    assert files
    return [(file.relative_to(home(package)).as_posix(), ast.parse(file.read_text("utf-8"))) for file in files]


def imported(tree: ast.Module) -> Iterator[str]:
    """The top-level names of all that a module imports, at its top or within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


def literals(tree: ast.Module) -> Iterator[str]:
    """The strings in a module that are no docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    said = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in said:
            yield node.value


# Arrows


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("qfzz_core", {"qfzz_core"}),
        ("qfzz", {"qfzz", "qfzz_core"}),
        ("qfzz_plugins", {"qfzz_plugins", "qfzz_core"}),
    ],
)
def test_arrows_point_down(package: str, allowed: set[str]) -> None:
    wrong = [
        (file, name)
        for file, tree in trees(package)
        for name in imported(tree)
        if name in PACKAGES and name not in allowed
    ]
    assert wrong == []


def test_every_package_says_that_it_is_typed() -> None:
    assert [package for package in PACKAGES if not (home(package) / "py.typed").is_file()] == []


# The core names nobody


def test_the_core_never_mentions_the_built_in_plugins() -> None:
    mentioned = [(file, text) for file, tree in trees("qfzz_core") for text in literals(tree) if "qfzz_plugins" in text]
    assert mentioned == []


# What the documented API itself promises by name.
NAMED_ON_PURPOSE = {("plugins/settings.py", "memory:")}  # `PersonalizedDJ()` is in memory


def test_the_core_names_no_factor_strategy_filter_learner_or_store() -> None:
    registry = Engine(store=MemoryStore()).registry
    own = {*registry.factors, *registry.strategies, *registry.filters, *registry.learners} - {*REQUIRED_FIELDS}
    named = own | {*registry.stores} | {f"{scheme}:" for scheme in registry.stores}
    assert {"split", "trust", "disliked", "sqlite:"} <= named
    found = {
        (file, text)
        for file, tree in trees("qfzz_core")
        for text in literals(tree)
        if text in named and not file.startswith(("cli/", "testing/"))  # people's commands, and authors' suites
    }
    assert found <= NAMED_ON_PURPOSE


def test_an_engine_starts_and_answers_without_any_built_in() -> None:
    names = [each.name for each in Engine(store=MemoryStore()).plugins if each.built_in]
    bare = Engine(store=MemoryStore(), config=Config.from_dict({"plugins": {"disable": names}}))
    found = bare.recommend("u", limit=5)
    assert [(each.rank, each.score) for each in found] == [(rank, 0.0) for rank in range(1, 6)]
    assert found[0].explanation.factors == ()
    assert {each.status for each in bare.plugins if each.built_in} == {"disabled"}


# Nothing is shared


def modules() -> Iterator[ModuleType]:
    """Every module of the library, imported; without those that need what is not installed."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        yield root
        for found in pkgutil.walk_packages(root.__path__, f"{package}.", onerror=needs_what_is_not_installed):
            if not found.name.endswith("__main__"):
                try:
                    yield importlib.import_module(found.name)
                except ModuleNotFoundError:
                    needs_what_is_not_installed(found.name)


def needs_what_is_not_installed(name: str) -> None:
    """Raise the error at hand, unless an optional dependency of a module is missing."""
    error = sys.exception()
    missing = getattr(error, "name", None) or name
    if missing.partition(".")[0] in PACKAGES:
        raise AssertionError(f"{name} cannot be imported") from error


def test_no_module_holds_a_plugin_manager_a_store_or_a_generator() -> None:
    shared = (
        pluggy.PluginManager,
        Engine,
        PersonalizedDJ,
        random.Random,
        np.random.Generator,
        sqlite3.Connection,
        threading.Thread,
    )
    held = [
        (module.__name__, name)
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, shared) or (isinstance(value, Store) and not isinstance(value, type))
    ]
    assert held == []


# Imports that take their time


STARTING = {
    "importing the package": "import qfzz",
    "importing the classes": "from qfzz import PersonalizedDJ, UserProfile",
    "importing the engine": "from qfzz_core import Engine",
    "a DJ in memory": "from qfzz import PersonalizedDJ; PersonalizedDJ().recommend('u', limit=1)",
}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("start", STARTING)
def test_starting_imports_neither_sqlite_utils_nor_rich(start: str) -> None:
    code = f"import sys; {STARTING[start]}; print(sorted({{'sqlite_utils', 'rich', 'click'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.usefixtures("unmeasured")
def test_importing_the_package_does_not_even_import_numpy() -> None:
    code = "import sys, qfzz, qfzz_core; print(sorted({'numpy', 'attrs', 'cattrs', 'pluggy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# Files


def files() -> list[Path]:
    """The files that are in the repository."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_place_of_somebodys_machine() -> None:
    roots = "|".join(("root", "tmp", r"home/\w", r"Users/\w"))
    places = re.compile(rf"(?<![\w/])/(?:{roots})")
    found = []
    for file in files():
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # no text
        found += [f"{file.relative_to(ROOT)}: {match.group()}" for match in places.finditer(text)]
    assert found == []


# Hooks


HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("qfzz_"))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented(hook: str) -> None:
    if not (ROOT / "docs").is_dir():
        pytest.skip("there is no documentation here")
    pages = [page.name for page in (ROOT / "docs").rglob("*.md") if hook in page.read_text("utf-8")]
    assert pages != []


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_tested(hook: str) -> None:
    using = [file.name for file in Path(__file__).parent.glob("test_*.py") if hook in file.read_text("utf-8")]
    assert using != []
