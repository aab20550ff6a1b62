"""Finding plugins: built in, installed, single files of the configuration, and objects passed in code."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from qfzz_core.config import Config
from qfzz_core.plugins.origin import Origin
from qfzz_core.plugins.record import PluginRecord

GROUP = "qfzz"
OWN_DISTRIBUTION = "qfzz"
DISABLE_VARIABLE = "QFZZ_DISABLE_PLUGINS"


def find_plugins(
    in_code: Iterable[Any] = (), *, config: Config | None = None, installed: Collection[str] | None = None
) -> list[PluginRecord]:
    """Return a record for every plugin there is, sorted so that the order of installation does not matter.

    `installed` names the plugins of other distributions that may take part, None means all of them. Nothing is
    imported. Raises `ConfigError` for a file of the configuration that is not there.
    """
    versions: dict[int, tuple[str, str]] = {}
    points = [_from_entry_point(point, versions) for point in importlib.metadata.entry_points(group=GROUP)]
    found = [record for record in points if installed is None or record.built_in or record.name in installed]
    found.sort(key=lambda record: (not record.built_in, record.name, record.origin.distribution or ""))
    return [*found, *_from_files(config or Config()), *map(_from_code, in_code)]


def _from_entry_point(point: importlib.metadata.EntryPoint, versions: dict[int, tuple[str, str]]) -> PluginRecord:
    distribution, version = "unknown", "unknown"
    if point.dist is not None:
        if id(point.dist) not in versions:
            versions[id(point.dist)] = (point.dist.name, point.dist.version)
        distribution, version = versions[id(point.dist)]
    own = normalised(distribution) == OWN_DISTRIBUTION
    return PluginRecord(Origin(point.name, distribution, version), "built in" if own else "entry point", point.load)


def normalised(distribution: str) -> str:
    """Return the form by which names of distributions compare."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _from_code(plugin: Any) -> PluginRecord:
    return PluginRecord(Origin(plugin_name(plugin)), "in code", lambda: plugin)


def plugin_name(plugin: Any) -> str:
    """Return the name of a plugin passed in code: its `plugin_name`, else that of its module or class."""
    for name in (getattr(plugin, "plugin_name", None), getattr(plugin, "__name__", None)):
        if isinstance(name, str) and name:
            return name
    return type(plugin).__name__


def _from_files(config: Config) -> list[PluginRecord]:
    return [_from_file(file, config) for file in dict.fromkeys(config.files)]


def _from_file(file: str, config: Config) -> PluginRecord:
    path = Path() if config.path is None else config.path.parent
    path = (path / file).absolute()
    if path.suffix != ".py" or not path.is_file():
        wanted = "there is no such file" if path.suffix == ".py" else "a plugin is a Python file, NAME.py"
        raise config.error(("plugins",), "files", f'"{file}": {wanted}')
    return PluginRecord(Origin(path.stem, file=str(path)), "file", partial(imported_file, path))


def imported_file(path: Path) -> ModuleType:
    """Return a Python file as a module of its own, which nobody imports by the file's name.

    Raises what the file raises when it is run.
    """
    name = f"qfzz_file_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # classes look their module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def disabled_by_environment() -> frozenset[str]:
    """Return the names in the variable QFZZ_DISABLE_PLUGINS, which are separated by commas."""
    return frozenset(name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip())
