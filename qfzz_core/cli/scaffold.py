"""`qfzz plugins new`: a complete distribution with one plugin, written from templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template

import attrs

from qfzz_core._version import __version__
from qfzz_core.errors import RequestError

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_MOST = 24  # characters of a name; with 25, a generated scorer has a line of more than 120 columns


@attrs.frozen
class ProjectKind:
    """What differs from kind to kind: how the README says that it is used, and the modules beside the tests."""

    description: str
    usage: str
    modules: tuple[tuple[str, str], ...]


KINDS = {
    "scorer": ProjectKind(
        "A QFZZ factor: $name.",
        "It has the weight 0.1. The configuration sets another one, and its options:\n\n"
        "```toml\n[factors.$name]\nweight = 0.2\nseconds = 240\n```",
        (("scorer.py.txt", "__init__.py"),),
    ),
    "strategy": ProjectKind(
        "A QFZZ discovery strategy: $name.",
        "The configuration chooses it, and sets its options:\n\n"
        '```toml\n[discovery]\nstrategy = "$name"\npercent = 30\n```',
        (("strategy.py.txt", "__init__.py"),),
    ),
    "store": ProjectKind(
        "A QFZZ store: $name.",
        "Its URL is taken wherever QFZZ takes that of a store:\n\n"
        "```console\nqfzz recommend --store $scheme:///music.json alice\n```",
        (("store.py.txt", "__init__.py"), ("store_module.py.txt", "store.py")),
    ),
}


def write_project(kind: str, name: str, directory: Path) -> Path:
    """Write the distribution `qfzz-KIND-NAME` below a directory and return its own.

    Raises `RequestError`, with nothing written, for a name that is none and for a directory that exists already.
    """
    name = name.lower().replace("_", "-").removeprefix(f"qfzz-{kind}-")
    if not _NAME.fullmatch(name) or len(name) > _MOST:
        said = f"a name is at most {_MOST} letters and digits with single hyphens between, such as night-owl"
        raise RequestError(f"{said}; got {name!r}")
    project = directory / f"qfzz-{kind}-{name}"
    if project.exists():
        raise RequestError(f"{project} already exists; choose another name, or another --directory")
    for path, text in _files(kind, name).items():
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return project


def _files(kind: str, name: str) -> dict[str, str]:
    """Return the text of each file by its path."""
    words = {
        "kind": kind,
        "distribution": f"qfzz-{kind}-{name}",
        "module": f"qfzz_{kind}_{name.replace('-', '_')}",
        "name": name.replace("-", "_"),
        "scheme": name.replace("-", ""),
        "title": "".join(part.title() for part in name.split("-")),
        "version": ".".join(__version__.split(".")[:2]),
    }
    words |= {each: Template(getattr(KINDS[kind], each)).substitute(words) for each in ("description", "usage")}
    package = f"src/{words['module']}"
    templates = {
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        ".gitignore": "gitignore.txt",
        ".github/workflows/test.yml": "test.yml.txt",
        f"tests/test_{words['name']}.py": f"test_{kind}.py.txt",
        **{f"{package}/{module}": template for template, module in KINDS[kind].modules},
    }
    return {f"{package}/py.typed": "", **{path: _filled(template, words) for path, template in templates.items()}}


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = resources.files("qfzz_core.cli").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(words)
