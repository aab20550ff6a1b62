"""`qfzz plugins new`: a complete distribution with one plugin, written from templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template

from qfzz_core._version import __version__
from qfzz_core.errors import RequestError

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_MOST = 24  # characters of a name; with 25, a generated scorer has a line of more than 120 columns
# what a plugin of each kind is called
KINDS = {"scorer": "factor", "strategy": "discovery strategy", "store": "store"}


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
    words["description"] = f"A QFZZ {KINDS[kind]}: {words['name']}."
    words["usage"] = _filled(f"usage_{kind}.md.txt", words).rstrip()
    package = f"src/{words['module']}"
    templates = {
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        ".gitignore": "gitignore.txt",
        ".github/workflows/test.yml": "test.yml.txt",
        f"tests/test_{words['name']}.py": f"test_{kind}.py.txt",
        f"{package}/__init__.py": f"{kind}.py.txt",
    }
    if kind == "store":
        templates[f"{package}/store.py"] = "store_module.py.txt"
    return {f"{package}/py.typed": "", **{path: _filled(template, words) for path, template in templates.items()}}


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = resources.files("qfzz_core.cli").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(words)
