"""The records of plugins: where each was found, what became of it and why, and what it registered."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import attrs

from qfzz_core.config import Config

GROUP = "qfzz"
OWN_DISTRIBUTION = "qfzz"
DISABLE_VARIABLE = "QFZZ_DISABLE_PLUGINS"

Where = Literal["built in", "entry point", "in code", "file"]
Status = Literal[
    "active", "disabled", "failed to import", "failed to register", "failed at run time", "switched off", "clash"
]


@attrs.frozen
class Origin:
    """A plugin's name with the distribution and version that brought it, or the file; none if it was passed in code."""

    plugin: str
    distribution: str | None = None
    version: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f'plugin "{self.plugin}" ({self.source})'

    @property
    def source(self) -> str:
        """What brought it, in words."""
        if self.file is not None:
            return f"file {self.file}"
        return "passed in code" if self.distribution is None else f"distribution {self.distribution} {self.version}"


@attrs.define
class PluginRecord:
    """One plugin. `status` is active until something happens, and `reason` says what.

    A plugin that failed at run time still takes part: `failures` counts how often each of its components did. One
    that was switched off failed too many requests in a row. `problems` are what else is wrong with it, in sentences.
    """

    origin: Origin
    where: Where
    load: Callable[[], Any] = attrs.field(repr=False)
    status: Status = "active"
    reason: str = ""
    plugin: Any = attrs.field(default=None, repr=False)
    hooks: list[str] = attrs.field(factory=list)
    objects: list[str] = attrs.field(factory=list)
    problems: list[str] = attrs.field(factory=list)
    failures: dict[str, int] = attrs.field(factory=dict)
    import_seconds: float = 0.0

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.origin.plugin

    @property
    def built_in(self) -> bool:
        """Whether it came with QFZZ itself."""
        return self.where == "built in"

    @property
    def takes_part(self) -> bool:
        """Whether its hooks are called."""
        return self.status in ("active", "failed at run time")

    def fail(self, status: Status, reason: str) -> None:
        """Take the plugin out before it takes part, and say why."""
        self.status, self.reason, self.plugin, self.hooks, self.objects = status, reason, None, [], []

    def failed(self, component: str, message: str) -> None:
        """Count a failure at run time."""
        self.failures[component] = self.failures.get(component, 0) + 1
        if self.status == "active":
            self.status, self.reason = "failed at run time", message


# ---- finding ------------------------------------------------------------------------------------------------------


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
    config = config or Config()
    files = [_from_file(file, config) for file in dict.fromkeys(config.files)]
    return [*found, *files, *map(_from_code, in_code)]


def _from_entry_point(point: importlib.metadata.EntryPoint, versions: dict[int, tuple[str, str]]) -> PluginRecord:
    distribution, version = "unknown", "unknown"
    if point.dist is not None:
        # Name and version are parsed from the metadata each time: 1 ms for each of our 19 entry points.
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
    except BaseException:  # nobody may find a half-made module by its name
        sys.modules.pop(name, None)
        raise
    return module


def disabled_by_environment() -> frozenset[str]:
    """Return the names in the variable QFZZ_DISABLE_PLUGINS, which are separated by commas."""
    return frozenset(name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip())
