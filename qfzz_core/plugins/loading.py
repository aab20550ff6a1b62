"""Finding and loading plugins: each is a record that tells its whole story, and none can take a call down."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import attrs
import pluggy

from qfzz_core import hookspecs
from qfzz_core.errors import did_you_mean
from qfzz_core.plugins.faults import Faults, answer
from qfzz_core.plugins.origin import Origin

logger = logging.getLogger("qfzz.plugins")

GROUP = "qfzz"
OWN_DISTRIBUTION = "qfzz"
DISABLE_VARIABLE = "QFZZ_DISABLE_PLUGINS"

Where = Literal["built in", "entry point", "in code"]
Status = Literal["active", "disabled", "failed to import", "failed to register", "clash"]


@attrs.define
class PluginRecord:
    """One plugin: where it was found, what became of it and why, and what it registered."""

    origin: Origin
    where: Where
    load: Callable[[], Any] = attrs.field(repr=False)
    status: Status = "active"
    reason: str = ""
    plugin: Any = attrs.field(default=None, repr=False)
    hooks: list[str] = attrs.field(factory=list)
    objects: list[str] = attrs.field(factory=list)
    problems: list[str] = attrs.field(factory=list)
    import_seconds: float = 0.0

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.origin.plugin

    @property
    def built_in(self) -> bool:
        """Whether it came with QFZZ itself."""
        return self.where == "built in"

    def fail(self, status: Status, reason: str) -> None:
        """Take the plugin out, and say why."""
        self.status, self.reason, self.plugin, self.hooks, self.objects = status, reason, None, [], []


def find_plugins(in_code: Iterable[Any] = ()) -> list[PluginRecord]:
    """Return a record for every plugin there is, sorted so that the order of installation does not matter."""
    versions: dict[int, tuple[str, str]] = {}
    found = [_from_entry_point(point, versions) for point in importlib.metadata.entry_points(group=GROUP)]
    found.sort(key=lambda record: (not record.built_in, record.name, record.origin.distribution or ""))
    return found + [_from_code(plugin) for plugin in in_code]


def _from_entry_point(point: importlib.metadata.EntryPoint, versions: dict[int, tuple[str, str]]) -> PluginRecord:
    distribution, version = "unknown", "unknown"
    if point.dist is not None:
        if id(point.dist) not in versions:
            versions[id(point.dist)] = (point.dist.name, point.dist.version)
        distribution, version = versions[id(point.dist)]
    own = re.sub(r"[-_.]+", "-", distribution).lower() == OWN_DISTRIBUTION
    return PluginRecord(Origin(point.name, distribution, version), "built in" if own else "entry point", point.load)


def _from_code(plugin: Any) -> PluginRecord:
    return PluginRecord(Origin(plugin_name(plugin)), "in code", lambda: plugin)


def plugin_name(plugin: Any) -> str:
    """Return the name of a plugin passed in code: its `plugin_name`, else that of its module or class."""
    for name in (getattr(plugin, "plugin_name", None), getattr(plugin, "__name__", None)):
        if isinstance(name, str) and name:
            return name
    return type(plugin).__name__


def disabled_by_environment() -> frozenset[str]:
    """Return the names in the variable QFZZ_DISABLE_PLUGINS, which are separated by commas."""
    return frozenset(name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip())


class Loader:
    """Loads the plugins of one engine into a plugin manager of its own."""

    def __init__(self, records: Sequence[PluginRecord], faults: Faults) -> None:
        self.records = list(records)
        self.manager = pluggy.PluginManager("qfzz")
        self.manager.add_hookspecs(hookspecs)
        self._faults = faults

    def load(self, disabled: frozenset[str], disabled_in_environment: frozenset[str]) -> None:
        """Import and register every plugin that is neither disabled nor of a name that clashes."""
        names = {record.name for record in self.records}
        for name in sorted((disabled | disabled_in_environment) - names):
            logger.warning('no plugin "%s" to disable%s', name, did_you_mean(name, names))
        for record in self.records:
            if record.name in disabled_in_environment:
                record.fail("disabled", f"by the environment variable {DISABLE_VARIABLE}")
            elif record.name in disabled:
                record.fail("disabled", "by the configuration")
        self._settle_names()
        for record in self.active():
            self._import(record)
        for record in self.active():
            self._register(record)

    def active(self) -> list[PluginRecord]:
        """Return the records of the plugins that take part."""
        return [record for record in self.records if record.status == "active"]

    def reject(self, record: PluginRecord, status: Status, error: BaseException | str) -> None:
        """Take a plugin out of the engine and report why."""
        if record.plugin is not None and self.manager.get_plugin(record.name) is record.plugin:
            self.manager.unregister(name=record.name)
        record.fail(status, error if isinstance(error, str) else f"{type(error).__name__}: {error}")
        self._faults.report_plugin(record.origin, status, error)

    def _settle_names(self) -> None:
        by_name: dict[str, list[PluginRecord]] = {}
        for record in self.active():
            by_name.setdefault(record.name, []).append(record)
        for name, same in by_name.items():
            if len(same) > 1:
                everyone = " and ".join(sorted(str(record.origin) for record in same))
                for record in same:
                    if not record.built_in:
                        self.reject(record, "clash", f'the name "{name}" is used by {everyone}')

    def _import(self, record: PluginRecord) -> None:
        begun = time.perf_counter()
        try:
            record.plugin = record.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
            self.reject(record, "failed to import", error)
        record.import_seconds = time.perf_counter() - begun

    def _register(self, record: PluginRecord) -> None:
        try:
            known = self.manager.get_name(record.plugin)
            if known is not None:
                raise ValueError(f'it is the same object as plugin "{known}"')
            self.manager.register(record.plugin, name=record.name)
            record.hooks = self._checked_hooks(record)
        except Exception as error:  # noqa: BLE001 - pluggy raises errors of several kinds for a wrong signature
            self.reject(record, "failed to register", error)

    def _checked_hooks(self, record: PluginRecord) -> list[str]:
        callers = self.manager.get_hookcallers(record.plugin) or []
        for caller in callers:
            known = [name for name in vars(hookspecs) if name.startswith("qfzz_")]
            if not caller.has_spec():
                raise ValueError(f'there is no hook "{caller.name}"{did_you_mean(caller.name, known)}')
            own = [found for found in caller.get_hookimpls() if found.plugin is record.plugin]
            if len(own) > 1:
                raise ValueError(f'"{caller.name}" is implemented {len(own)} times; only one of them could be called')
            for implementation in own:
                if implementation.wrapper or implementation.hookwrapper:
                    raise ValueError(f'"{caller.name}" is a hook wrapper; hooks are called for each plugin by itself')
        return sorted(caller.name for caller in callers)

    def call(self, record: PluginRecord, hook: str, **arguments: Any) -> Any:
        """Call one plugin's implementation of a hook with those of the arguments that it takes; None if it has none."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            if implementation.plugin is record.plugin:
                return answer(implementation.function, *[arguments[name] for name in implementation.argnames])
        return None
