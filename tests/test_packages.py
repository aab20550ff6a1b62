"""The graph between the packages of the engine: no circle, no arrow up, in the order of the page on architecture."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import qfzz_core

ROOT = Path(__file__).parents[1]
HOME = Path(qfzz_core.__file__).parent
BESIDE = {"__init__", "_moved", "_version"}  # modules that stand beside the packages, importing them by name alone


def order() -> list[str]:
    """The packages as the page on architecture lists them, from the bottom up."""
    page = ROOT / "docs" / "architecture.md"
    if not page.exists():
        pytest.skip("there is no documentation here")
    section = page.read_text("utf-8").partition("## Packages, from the bottom up")[2]
    block = re.search(r"```text\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return [line.split()[0] for line in block[1].splitlines()]


@cache
def modules() -> dict[str, Path]:
    """Every module of the engine by its dotted name."""
    found = {}
    for path in HOME.rglob("*.py"):
        parts = ["qfzz_core", *path.relative_to(HOME).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def package(module: str) -> str:
    """The package of the engine that a module belongs to, itself if it stands at the top."""
    return [*module.split("."), "__init__"][1]


def imports(module: str) -> Iterator[str]:
    """The modules of the engine that a module imports: at its top, in functions, and for type checkers."""
    for node in ast.walk(ast.parse(modules()[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "qfzz_core")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "qfzz_core":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules() else str(node.module)


@cache
def arrows() -> dict[tuple[str, str], list[str]]:
    """What each package imports from each other one: the modules that do."""
    found: dict[tuple[str, str], list[str]] = {}
    for module in modules():
        for imported in imports(module):
            ends = package(module), package(imported)
            if ends[0] != ends[1] and not BESIDE & {*ends}:
                found.setdefault(ends, []).append(f"{module} -> {imported}")
    return found


def test_no_module_is_imported_relatively() -> None:
    relative = [
        name
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_the_page_lists_every_package_once() -> None:
    assert sorted(order()) == sorted({package(name) for name in modules()} - BESIDE)


def test_packages_import_only_what_the_page_lists_above_them() -> None:
    place = {name: at for at, name in enumerate(order())}
    upward = [found for (importer, imported), found in arrows().items() if place[imported] > place[importer]]
    assert upward == []


def test_packages_do_not_import_each_other_in_a_circle() -> None:
    reachable = {name: {imported for importer, imported in arrows() if importer == name} for name in order()}
    for _ in reachable:
        for name, known in reachable.items():
            reachable[name] = known.union(*(reachable[other] for other in known))
    assert [name for name, known in reachable.items() if name in known] == []


def test_a_handful_of_modules_stand_at_the_top() -> None:
    assert len(list(HOME.glob("*.py"))) <= 6
