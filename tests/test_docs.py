"""The documentation is true: its examples run, its links lead somewhere, and it leaves out no hook, key or command.

A block of Python with a title is a file of that name, which later blocks import; any other runs, after those before
it on its page. A block of TOML is a configuration unless its title is another file's. Console blocks are not run, but
what they call has to exist.
"""

import importlib
import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import click
import pytest
from attrs import frozen
from support.hook_reference import HEADING, hooks, reference

import qfzz
import qfzz_core
from qfzz_core import Engine, errors, hookspecs
from qfzz_core.cli.root import BUILT_IN, root
from qfzz_core.config import parse_config
from qfzz_core.config.keys import ColumnTable, Document, PluginsTable

pytestmark = pytest.mark.exhaustive  # the same on every Python

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINKING = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]

FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: \S.* -->\s*$")


@frozen
class Block:
    """One fenced block of a page: its language, its title if it is a file, its first line on the page, its text."""

    language: str
    title: str
    line: int
    text: str
    run: bool


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for fence in FENCE.finditer(text):
        language, _, rest = fence[2].strip().partition(" ")
        title = re.search(r'title="([^"]*)"', rest)
        line = text.count("\n", 0, fence.start()) + 2
        yield Block(language, title[1] if title else "", line, fence[3], not NOT_RUN.search(text[: fence.start()]))


def without_blocks(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# Examples


class Reader:
    """Somebody who does everything that a page says, in a directory of their own."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.namespace: dict[str, Any] = {"__name__": page.stem}
        self.modules: dict[str, ModuleType] = {}

    def does(self, block: Block) -> None:
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        if block.language == "python" and block.title.startswith("test_"):
            passes_pytest(block.title)
        elif block.language == "python" and block.title:
            self._imports(block.title.removesuffix(".py"))
        elif block.language == "python":
            lines = "\n" * (block.line - 1)  # so that a traceback shows the page's own line
            exec(compile(lines + block.text, str(self.page), "exec"), self.namespace)
        elif block.language == "toml":
            self._reads(block)

    def _imports(self, module: str) -> None:
        importlib.invalidate_caches()
        sys.modules.pop(module, None)
        self.modules[module] = importlib.import_module(module)

    def _reads(self, block: Block) -> None:
        tomllib.loads(block.text)
        if block.title in ("", "qfzz.toml"):
            config = parse_config(block.text, str(Path.cwd() / f"{self.page.name}, block at line {block.line}"))
            named = {Path(file).stem for file in config.files}  # which would be the same plugins once more
            Engine(config=config, plugins=[each for name, each in self.modules.items() if name not in named]).close()

    def forgets(self) -> None:
        for module in self.modules:
            sys.modules.pop(module, None)


def passes_pytest(file: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-c", os.devnull, file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=named)
@pytest.mark.usefixtures("workplace")
def test_the_examples_of_a_page_run(page: Path) -> None:
    reader = Reader(page)
    try:
        for block in blocks(page):
            if block.run:
                reader.does(block)
    finally:
        reader.forgets()


def test_every_block_says_its_language() -> None:
    known = {"python", "toml", "console", "text"}
    assert [(named(page), block.line) for page in PAGES for block in blocks(page) if block.language not in known] == []


def test_few_examples_are_not_run() -> None:
    assert sum(not block.run for page in PAGES for block in blocks(page)) <= 3


# Links


def slug(heading: str) -> str:
    """Return the anchor that Python-Markdown gives a heading."""
    plain = re.sub(r"[`*]", "", heading)
    ascii_only = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower())


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#{1,6} (.+)$", without_blocks(page), re.MULTILINE)
    return {slug(heading) for heading in headings}


def links(page: Path) -> list[str]:
    prose = re.sub(r"`[^`\n]*`", "", without_blocks(page))
    found = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def is_dead(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if page.is_relative_to(DOCS) and not target.is_relative_to(DOCS):
        return True  # the site holds the pages of docs alone
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


@pytest.mark.parametrize("page", LINKING, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if is_dead(page, link)] == []


@pytest.mark.parametrize("page", LINKING, ids=named)
def test_no_two_headings_of_a_page_share_an_anchor(page: Path) -> None:
    if page.name != "CHANGELOG.md":  # every version has the same sections
        assert len(anchors(page)) == len(re.findall(r"^#{1,6} ", without_blocks(page), re.MULTILINE))


def test_the_navigation_lists_every_page() -> None:
    listed = re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


# Nothing is left out, and nothing is made up


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", LINKING, ids=named)
def test_every_path_of_the_project_exists(page: Path) -> None:
    inside = r"`((?:qfzz|qfzz_core|plugins|tests|docs|benchmarks)/[\w./-]*)`"
    assert [path for path in re.findall(inside, without_blocks(page)) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("hook", hooks())
def test_the_plugin_guide_leads_from_each_hook_to_its_signature_and_to_what_it_is_for(hook: str) -> None:
    row = re.search(
        rf"^\| \[`{hook}`\]\(\.\./reference/python\.md#{hook}\) \| \S.+ \| \[.+\]\(.+\) \|$",
        text_of("how-to/plugins.md"),
        re.M,
    )
    assert row is not None


def test_the_reference_says_of_hooks_what_their_specifications_say() -> None:
    assert text_of("reference/python.md").partition(f"\n{HEADING}")[2] == reference().removeprefix(HEADING), (
        "run python tests/support/hook_reference.py"
    )


def test_a_hook_that_changes_is_no_longer_what_the_reference_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def qfzz_stores(setup: Any, more: Any) -> None:
        """Register something else."""

    before = reference()
    monkeypatch.setattr(hookspecs, "qfzz_stores", qfzz_stores)
    assert "### qfzz_stores\n\n`qfzz_stores(setup: Any, more: Any) -> None`\n\nRegister something else." in reference()
    assert reference() != before
    monkeypatch.setattr(hookspecs, "qfzz_new", qfzz_stores, raising=False)
    assert "### qfzz_new" in reference()


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_says_what_it_is_for(hook: str) -> None:
    assert (hooks()[hook].__doc__ or "").strip().endswith(".")


def test_the_page_on_what_is_stable_lists_what_is_deprecated() -> None:
    page = text_of("explanation/stability.md")
    names = [name if isinstance(name, str) else name[1] for name in hookspecs.DEPRECATED]
    assert [name for name in names if f"| `{name}` |" not in page] == []
    assert ("| nothing yet | | |" in page) == (not names)


@pytest.mark.parametrize("name", sorted({*qfzz_core.__all__, *qfzz.__all__}))
def test_the_reference_has_each_public_name(name: str) -> None:
    assert re.search(rf"^\| `{name}` \| \S.+ \|$", text_of("reference/python.md"), re.MULTILINE)


def test_the_embedding_page_has_each_error() -> None:
    family = [
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
    ]
    table = text_of("how-to/embed.md")
    assert [name for name in family if f"| `{name}` |" not in table] == []


def configuration_keys() -> list[str]:
    of_plugins = [field.name for field in attrs.fields(PluginsTable) if field.name != "tables"]
    top = [field.name for field in attrs.fields(Document)]
    return [*top, *(field.name for field in attrs.fields(ColumnTable)), "url", "weight", "strategy", *of_plugins]


@pytest.mark.parametrize("key", configuration_keys())
def test_the_configuration_page_has_each_key(key: str) -> None:
    assert re.search(
        rf"^\| `(\[?)([\w.]+\.)?{key}(\.NAME)?(\]?)` \|", text_of("reference/configuration.md"), re.MULTILINE
    )


# The command line


def commands(group: click.Group, path: tuple[str, ...] = ("qfzz",)) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield the built-in commands with the words that call them."""
    for name in BUILT_IN if group is root else group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(root), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        if command is not None and (not isinstance(command, click.Group) or command.invoke_without_command):
            yield (*path, name), command


COMMANDS = dict(commands(root))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_page_of_the_command_line_has_each_command_and_option(path: tuple[str, ...]) -> None:
    page = text_of("reference/command-line.md")
    options = [name for option in COMMANDS[path].params for name in (*option.opts, *option.secondary_opts)]
    wanted = [" ".join(path), *(name for name in options if name.startswith("-"))]
    assert [words for words in wanted if not re.search(rf"(`|^#+ |, ){words}\b", page, re.MULTILINE)] == []


def calls(page: Path) -> Iterator[list[str]]:
    """Yield the words of each call of qfzz in the console blocks of a page."""
    for block in blocks(page):
        lines = block.text.splitlines() if block.language == "console" else []
        prompted = any(line.startswith("$ ") for line in lines)
        for line in lines:
            if line.startswith("$ ") or not prompted:
                parts = [shlex.split(part) for part in line.removeprefix("$ ").split("&&")]
                yield from (part[1:] for part in parts if part[0] == "qfzz")


def parsed(words: list[str]) -> click.Context:
    """Return what click makes of a call; a usage error is raised."""
    length = 2 if ("qfzz", *words[:2]) in COMMANDS else 1
    command = COMMANDS["qfzz", *words[:length]]
    return command.make_context(" ".join(words[:length]), words[length:], parent=click.Context(root))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_call_of_the_command_line_is_one_that_it_takes(page: Path) -> None:
    for words in calls(page):
        assert parsed(words).command
