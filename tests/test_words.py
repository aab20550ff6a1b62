"""The words that the glossary retired are used nowhere else: one word for one idea, and it is the field's."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
SUFFIXES = {".py", ".md", ".txt", ".toml", ".ini", ".yml", ".sh", ""}

# Words of every day, which are retired for what the search has: its identifiers must not hold them.
OF_THE_SEARCH = {"question", "top", "floor", "least", "walk"}
SEARCH = "qfzz_core/ranking/"
ELSEWHERE = {"np.floor", "math.floor"}  # what others called so

# Where a retired word has to stay: plugins, stored data and documents of 0.1 hold it.
KEPT = {
    ("taught", "qfzz_core/model/events.py"),
    ("texts", "qfzz_core/_moved.py"),
    ("told", "tests/test_plugins_0_1.py"),
    ("tell", "qfzz_core/formats/files.py"),  # the method of a file
    ("tell", "plugins/qfzz_plugins/formats/bounded.py"),  # likewise
    ("tell", "qfzz_core/formats/histories.py"),
    ("recall", "benchmarks/matching/command.py"),  # the share of entries whose tracks are found
    ("recall", "docs/how-to/matching.md"),
    ("recall", "docs/reference/benchmarks.md"),
    ("taught", "tests/test_cli_users.py"),
    ("taught", "tests/test_transfer.py"),
}
KEPT_FOLDERS = ("tests/plugins_0_1/",)


@cache
def retired() -> frozenset[str]:
    if not GLOSSARY.is_file():
        pytest.skip("there is no documentation here")
    table = GLOSSARY.read_text("utf-8").partition("## Retired words")[2]
    rows = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    return frozenset(word for row in rows for word in re.findall(r"`(.*?)`", row))


def files() -> Iterator[tuple[str, str]]:
    """The names and contents of what people wrote in this repository."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    for name in listed.split("\0"):
        path = ROOT / name
        own = path not in (GLOSSARY, Path(__file__)) and not name.startswith(KEPT_FOLDERS)
        if name and own and path.suffix in SUFFIXES and path.name != "LICENSE" and path.is_file():
            yield name, path.read_text("utf-8")


def parts(identifier: str) -> Iterator[str]:
    """The words that an identifier or a text is made of, in small letters."""
    return (word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier))


def test_the_glossary_retires_words() -> None:
    assert len(retired()) > 20
    assert retired() > OF_THE_SEARCH


def test_a_retired_word_stands_in_the_glossary_alone() -> None:
    single = {word for word in retired() if " " not in word} - OF_THE_SEARCH
    several = [re.compile(word.replace(" ", r"[\s_]+"), re.IGNORECASE) for word in retired() if " " in word]
    found = []
    for name, content in [*files()]:
        for number, line in enumerate(content.splitlines(), 1):
            here = single & {*parts(line)} | {match.group() for each in several for match in each.finditer(line)}
            found += [f"{name}:{number}: {word}" for word in here if (word, name) not in KEPT]
        here = single & {*parts(name)}
        found += [f"{name}: {word}" for word in here]
    assert found == []


def identifiers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The names that a module defines or uses, with their lines; an attribute of a module with the module's name."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            owner = f"{node.value.id}." if isinstance(node.value, ast.Name) else ""
            yield node.lineno, owner + node.attr


def test_the_search_calls_its_parts_by_the_words_of_the_field() -> None:
    found = [
        f"{name}:{line}: {identifier}"
        for name, content in files()
        if name.startswith(SEARCH) and name.endswith(".py")
        for line, identifier in identifiers(ast.parse(content))
        if OF_THE_SEARCH & {*parts(identifier)} and identifier not in ELSEWHERE
    ]
    assert found == []
