"""The records of plugins: where each was found, what became of it and why, and what it registered."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import attrs

from qfzz_core.config import Config
from qfzz_core.errors import ConfigError, shown
from qfzz_core.model.names import text_of
from qfzz_core.model.plain import attempted, class_name, own_text, several_of

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
        """Count a failure at run time, and say the first of each component in a sentence."""
        self.failures[component] = self.failures.get(component, 0) + 1
        if self.status == "active":
            self.status, self.reason = "failed at run time", message
        elif self.failures[component] == 1:
            self.problems.append(message)


# ---- finding ------------------------------------------------------------------------------------------------------


def found_plugins(plugins: Any, config: Config, installed: Any) -> list[PluginRecord]:
    """Return a record for every plugin there is; raises `ConfigError` for arguments that cannot be used."""
    objects = several_of(plugins)
    names = None if installed is None else several_of(installed)
    if objects is None:
        raise ConfigError(f"plugins must be several objects with hook implementations, got {shown(plugins)}")
    if installed is not None and (names is None or any(text_of(name) is None for name in names)):
        raise ConfigError(f"installed must be several names of plugins, got {shown(installed)}")
    return find_plugins(objects, config=config, installed=names)


def find_plugins(
    in_code: Iterable[Any] = (), *, config: Config | None = None, installed: Collection[str] | None = None
) -> list[PluginRecord]:
    """Return a record for every plugin there is, sorted so that the order of installation does not matter.

    `installed` names the plugins of other distributions that may take part, None means all of them. Nothing is
    imported. Raises `ConfigError` for a file of the configuration that is not there.
    """
    found = [
        record for record in _from_entry_points() if installed is None or record.built_in or record.name in installed
    ]
    found.sort(key=lambda record: (not record.built_in, record.name, record.origin.distribution or ""))
    config = config or Config()
    files = [_from_file(file, config) for file in dict.fromkeys(config.files)]
    return [*found, *files, *map(_from_code, in_code)]


def _from_entry_points() -> list[PluginRecord]:
    try:
        points = list(importlib.metadata.entry_points(group=GROUP))
    except Exception:  # noqa: BLE001 - one distribution with damaged metadata makes it raise for all of them
        return [record for distribution in importlib.metadata.distributions() for record in _of_one(distribution)]
    versions: dict[int, tuple[str, str]] = {}
    return [_from_entry_point(point, versions) for point in points]


def _of_one(distribution: importlib.metadata.Distribution) -> list[PluginRecord]:
    """Return the records of one distribution; one that says why, if its entry points cannot be read."""
    name, version = _name_and_version(distribution)
    try:
        points = [point for point in distribution.entry_points if point.group == GROUP]
    except Exception as error:  # noqa: BLE001 - the file may hold anything
        return [_unreadable(name, version, error)] if _may_have_plugins(distribution) else []
    return [_from_entry_point(point, {id(point.dist): (name, version)}) for point in points]


def _may_have_plugins(distribution: importlib.metadata.Distribution) -> bool:
    with suppress(Exception):
        return f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or "")
    return False


def _unreadable(name: str, version: str, error: Exception) -> PluginRecord:
    def load() -> Any:
        raise ImportError(f"its entry_points.txt cannot be read ({type(error).__name__}); install it again")

    return PluginRecord(Origin(name, name, version), "entry point", load)


def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Return name and version of a distribution, "unknown" for what its metadata does not say."""
    found = ["unknown", "unknown"]
    for place, field in enumerate(("name", "version")):
        with suppress(Exception):
            found[place] = getattr(distribution, field) or "unknown"
    return found[0], found[1]


def _from_entry_point(point: importlib.metadata.EntryPoint, versions: dict[int, tuple[str, str]]) -> PluginRecord:
    distribution, version = "unknown", "unknown"
    if point.dist is not None:
        # Name and version are parsed from the metadata each time: 1 ms for each of our 19 entry points.
        if id(point.dist) not in versions:
            versions[id(point.dist)] = _name_and_version(point.dist)
        distribution, version = versions[id(point.dist)]
    own = normalised(distribution) == OWN_DISTRIBUTION
    load = partial(_loaded, point)
    return PluginRecord(Origin(point.name, distribution, version), "built in" if own else "entry point", load)


def _loaded(point: importlib.metadata.EntryPoint) -> Any:
    if point.pattern.match(point.value) is None:
        raise ImportError(f'its entry point "{point.value}" names no module; it has to be like "package.module"')
    return point.load()


def normalised(distribution: str) -> str:
    """Return the form by which names of distributions compare."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _from_code(plugin: Any) -> PluginRecord:
    return PluginRecord(Origin(plugin_name(plugin)), "in code", lambda: plugin)


def plugin_name(plugin: Any) -> str:
    """Return the name of a plugin passed in code: its `plugin_name`, else that of its module or class."""
    for attribute in ("plugin_name", "__name__"):
        name = attempted(lambda: own_text(getattr(plugin, attribute, None)), None)  # noqa: B023 - called at once
        if type(name) is str and name:
            return name
    return class_name(type(plugin))


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
