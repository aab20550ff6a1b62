"""The documentation is true: its examples run, its links lead somewhere, and it leaves out no hook, key or command.

A block of Python with a title is a file of that name, which later blocks import; any other runs, after those before
it on its page, and a text block right behind it is what it prints. A block of TOML is a configuration unless its title
is another file's. A console block that calls nothing but qfzz and shows output is run, and says what it shows, where
three dots stand for anything. Other console blocks are not run, but what they call has to exist.
"""

import contextlib
import importlib
import io
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
from support.cli_runs import Cli, isolated

import qfzz
import qfzz_core
from qfzz_core import Engine, contracts, errors, hookspecs, storage, testing
from qfzz_core.cli.root import BUILT_IN, root
from qfzz_core.config import parse_config
from qfzz_core.config.keys import ColumnTable, Document, PluginsTable

pytestmark = pytest.mark.exhaustive  # the same on every Python

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINKING = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]

SHOWING = {"tutorial", "how-to"}  # groups whose pages begin with an example

FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^::: (\S+)$", re.MULTILINE)  # of mkdocstrings
NOT_RUN = re.compile(r"<!-- not run: \S.* -->\s*$")


@frozen
class Block:
    """One fenced block of a page: its language, its title if it is a file, its first line, its text.

    `follows` says that nothing stands between it and the block before it.
    """

    language: str
    title: str
    line: int
    text: str
    run: bool
    follows: bool

    @property
    def calls_and_shows(self) -> bool:
        """Whether it is a session of qfzz with its output."""
        lines = self.text.splitlines()
        prompts = [line.startswith("$ ") for line in lines]
        called = [line.startswith("$ qfzz ") for line in lines]
        return self.language == "console" and prompts == called and any(prompts) and not all(prompts)


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    end = 0
    for fence in FENCE.finditer(text):
        language, _, rest = fence[2].strip().partition(" ")
        title = re.search(r'title="([^"]*)"', rest)
        line = text.count("\n", 0, fence.start()) + 2
        run = not NOT_RUN.search(text[: fence.start()])
        follows = not text[end : fence.start()].strip()
        end = fence.end()
        yield Block(language, title[1] if title else "", line, fence[3], run, follows)


def without_blocks(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# Examples


class Reader:
    """Somebody who does everything that a page says, in a directory of their own."""

    def __init__(self, page: Path, cli: Cli) -> None:
        self.page = page
        self.cli = cli
        self.printed: str | None = None
        self.namespace: dict[str, Any] = {"__name__": page.stem}
        self.modules: dict[str, ModuleType] = {}

    def does(self, block: Block) -> None:
        if block.language == "text" and not block.title and block.follows and self.printed is not None:
            assert block.text == self.printed, f"the block at line {block.line} is not what is printed"
        self.printed = None
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        if block.language == "python" and block.title.startswith("test_"):
            passes_pytest(block.title)
        elif block.language == "python" and block.title:
            self._imports(block.title.removesuffix(".py"))
        elif block.language == "python":
            self.printed = self._executes(block)
        elif block.language == "toml":
            self._reads(block)
        elif block.calls_and_shows:
            for words, shown in session(block.text):
                self._calls(words, shown)

    def _executes(self, block: Block) -> str:
        lines = "\n" * (block.line - 1)  # so that a traceback shows the page's own line
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(lines + block.text, str(self.page), "exec"), self.namespace)
        return printed.getvalue()

    def _calls(self, words: list[str], shown: str) -> None:
        output = re.sub(r" +$", "", self.cli(*words).output, flags=re.MULTILINE).rstrip()
        if shown:
            expected = "(?s:.*)".join(map(re.escape, shown.rstrip().split("...")))
            assert re.fullmatch(expected, output), f"qfzz {shlex.join(words)}:\n{output}"

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


def session(text: str) -> Iterator[tuple[list[str], str]]:
    """Yield the words of each call of a session, and what it shows."""
    for call in re.split(r"^\$ qfzz ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = call.partition("\n")
        yield shlex.split(line), shown


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
def test_the_examples_of_a_page_run(page: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(page, isolated(workplace, monkeypatch))
    try:
        for block in blocks(page):
            if block.run:
                reader.does(block)
    finally:
        reader.forgets()


WRONG = {
    "python": "```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n",
    "console": "```console\n$ qfzz config check\nQFZZ is ...\n```\n",
}


@pytest.mark.parametrize("language", WRONG)
def test_an_example_that_shows_something_else_is_refused(
    language: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = workplace / "page.md"
    page.write_text(WRONG[language], encoding="utf-8")
    reader = Reader(page, isolated(workplace, monkeypatch))
    *before, last = blocks(page)
    for block in before:
        reader.does(block)
    with pytest.raises(AssertionError):
        reader.does(last)


def test_every_block_says_its_language() -> None:
    known = {"python", "toml", "console", "text"}
    assert [(named(page), block.line) for page in PAGES for block in blocks(page) if block.language not in known] == []


@pytest.mark.parametrize("page", [page for page in PAGES if SHOWING & set(page.parts)], ids=named)
def test_a_page_shows_before_it_promises(page: Path) -> None:
    opening, _, _ = page.read_text(encoding="utf-8").partition("\n## ")
    assert FENCE.search(opening)


def test_few_examples_are_not_run() -> None:
    assert sum(not block.run for page in PAGES for block in blocks(page)) <= 2  # those that take long


# Links


def slug(heading: str) -> str:
    """Return the anchor that Python-Markdown gives a heading."""
    plain = re.sub(r"[`*]", "", heading)
    ascii_only = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower())


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#{1,6} (.+)$", without_blocks(page), re.MULTILINE)
    return {*map(slug, headings), *DIRECTIVE.findall(page.read_text(encoding="utf-8"))}


def links(page: Path) -> list[str]:
    prose = re.sub(r"`[^`\n]*`", "", without_blocks(page))
    found = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def is_broken(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if page.is_relative_to(DOCS) and not target.is_relative_to(DOCS):
        return True  # the site holds the pages of docs alone
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


@pytest.mark.parametrize("page", LINKING, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if is_broken(page, link)] == []


@pytest.mark.parametrize("page", LINKING, ids=named)
def test_no_two_headings_of_a_page_share_an_anchor(page: Path) -> None:
    if page.name != "CHANGELOG.md":  # every version has the same sections
        headings = re.findall(r"^(?:#{1,6}|:::) ", without_blocks(page), re.MULTILINE)
        assert len(anchors(page)) == len(headings)


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


def hooks() -> dict[str, Any]:
    return {name: value for name, value in vars(hookspecs).items() if name.startswith("qfzz_") and callable(value)}


@pytest.mark.parametrize("hook", hooks())
def test_the_plugin_guide_leads_from_each_hook_to_what_it_is_for(hook: str) -> None:
    row = re.search(rf"^\| `{hook}` \| \S.+ \| .*\[.+\]\(.+\) \|$", text_of("how-to/plugins.md"), re.MULTILINE)
    assert row is not None


def described() -> list[str]:
    """The paths that the pages of the reference have directives for."""
    return [path for page in sorted((DOCS / "reference").glob("*.md")) for path in DIRECTIVE.findall(page.read_text())]


def object_at(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", described())
def test_the_reference_describes_what_there_is(path: str) -> None:
    assert object_at(path) is not None


def test_nothing_is_described_twice() -> None:
    assert len(described()) == len({id(object_at(path)) for path in described()})


PUBLIC = [
    (module, name)
    for module in (qfzz, qfzz_core, contracts, testing, storage)
    for name in getattr(module, "__all__", ())
]


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=lambda each: getattr(each, "__name__", each))
def test_the_reference_has_each_public_name(module: ModuleType, name: str) -> None:
    wanted = getattr(module, name)
    paths = [*described(), *(f"{errors.__name__}.{error}" for error in family())]
    assert any(object_at(path) is wanted for path in paths if path.endswith(f".{name}"))


@pytest.mark.parametrize("hook", hooks())
def test_the_reference_has_each_hook(hook: str) -> None:
    assert f"qfzz_core.hookspecs.{hook}" in described()


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_says_what_it_is_for(hook: str) -> None:
    assert (hooks()[hook].__doc__ or "").strip().endswith(".")


def test_the_page_on_what_is_stable_lists_what_is_deprecated() -> None:
    page = text_of("explanation/stability.md")
    names = [name if isinstance(name, str) else name[1] for name in hookspecs.DEPRECATED]
    assert [name for name in names if f"| `{name}` |" not in page] == []
    assert ("| nothing yet | | |" in page) == (not names)


def family() -> list[str]:
    """The names of the errors, all of which the directive of their module renders."""
    assert errors.__name__ in described()
    own = [value for value in vars(errors).values() if isinstance(value, type)]
    return [value.__name__ for value in own if value.__module__ == errors.__name__]


@pytest.mark.parametrize("error", family())
def test_every_error_says_what_it_means(error: str) -> None:
    assert (getattr(errors, error).__doc__ or "").strip().endswith(".")


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
