"""The loader of the plugins of one engine: each has a record of what became of it, and none can take a call down."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Sequence
from typing import Any

import pluggy

from qfzz_core import hookspecs
from qfzz_core.errors import did_you_mean, shown
from qfzz_core.plugins.faults import Faults, answer, described, fault_in
from qfzz_core.plugins.record import DISABLE_VARIABLE, PluginRecord, Status

logger = logging.getLogger("qfzz.plugins")


class _Hooks:
    """The hook implementations of a plugin, by the names of its functions: what pluggy holds in the place of it.

    pluggy compares plugins, and a plugin may be an object whose `__eq__` raises.
    """

    def __init__(self, plugin: Any) -> None:
        for name in dir(plugin):
            try:
                function = getattr(plugin, name)
                is_hook = inspect.isroutine(function) and getattr(function, "qfzz_impl", None) is not None
            except Exception:
                if name.startswith("qfzz_"):
                    raise
                continue  # no hook, such as a proxy of a request that there is not now
            if is_hook:
                setattr(self, name, function)


class Loader:
    """Loads the plugins of one engine into a plugin manager of its own."""

    def __init__(self, records: Sequence[PluginRecord], faults: Faults) -> None:
        self.records = list(records)
        self.manager = pluggy.PluginManager("qfzz")
        self.manager.add_hookspecs(hookspecs)
        self._faults = faults
        self._hooks_of: dict[str, _Hooks] = {}  # by plugin name

    def load(self, disabled: frozenset[str], disabled_in_environment: frozenset[str]) -> None:
        """Import and register every plugin that is neither disabled nor of a name that clashes."""
        names = {record.name for record in self.records}
        for name in sorted((disabled | disabled_in_environment) - names):
            logger.warning("no plugin %s to disable%s", shown(name), did_you_mean(name, names))
        for record in self.records:
            if record.name in disabled_in_environment:
                record.fail("disabled", f"by the environment variable {DISABLE_VARIABLE}")
            elif record.name in disabled:
                record.fail("disabled", "by the configuration")
        # Before the imports: of two plugins with one name pluggy would refuse the second, whichever that is.
        self._settle_names()
        for record in self.active():
            self._import(record)
        for record in self.active():
            self._register(record)

    def active(self) -> list[PluginRecord]:
        """Return the records of the plugins that take part."""
        return [record for record in self.records if record.takes_part]

    def reject(self, record: PluginRecord, status: Status, error: BaseException | str) -> None:
        """Take a plugin out of the engine and report why."""
        if self._hooks_of.pop(record.name, None) is not None and self.manager.has_plugin(record.name):
            self.manager.unregister(name=record.name)
        record.fail(status, described(error))
        self._faults.report(record.origin, "plugin", error, status)

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
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a third-party module may raise anything, or end the program
            self.reject(record, "failed to import", error)
        record.import_seconds = time.perf_counter() - begun

    def _register(self, record: PluginRecord) -> None:
        try:
            # pluggy names the wrong plugin: an entry point of two distributions may lead to one module.
            for other in self.active():
                if other.plugin is record.plugin and other.name in self._hooks_of:
                    raise ValueError(f'it is the same object as plugin "{other.name}"')
            self._hooks_of[record.name] = hooks = _Hooks(record.plugin)
            self.manager.register(hooks, name=record.name)
            record.hooks = self._checked_hooks(record, hooks)
        except BaseException as error:  # noqa: BLE001 - pluggy raises errors of several kinds for a wrong signature
            self.reject(record, "failed to register", fault_in(error))

    def _checked_hooks(self, record: PluginRecord, hooks: _Hooks) -> list[str]:
        callers = self.manager.get_hookcallers(hooks) or []
        for caller in callers:
            if not caller.has_spec():
                known = [name for name in vars(hookspecs) if name.startswith("qfzz_")]
                raise ValueError(f'there is no hook "{caller.name}"{did_you_mean(caller.name, known)}')
            own = [found for found in caller.get_hookimpls() if found.plugin is hooks]
            if len(own) > 1:  # by `specname`, several functions may be one hook
                raise ValueError(f'"{caller.name}" is implemented {len(own)} times; only one of them could be called')
            for implementation in own:
                self._warn_of_deprecated(record, caller.name, implementation.argnames)
                if implementation.wrapper or implementation.hookwrapper:
                    raise ValueError(f'"{caller.name}" is a hook wrapper; hooks are called for each plugin by itself')
        return sorted(caller.name for caller in callers)

    def _warn_of_deprecated(self, record: PluginRecord, hook: str, arguments: Sequence[str]) -> None:
        """Warn, by the name of the plugin, of what is deprecated; it still works."""
        named = {hook: f'the hook "{hook}"'} | {
            (hook, each): f'the argument "{each}" of "{hook}"' for each in arguments
        }
        for key, what in named.items():
            if key in hookspecs.DEPRECATED:
                message = f"uses {what}, which is deprecated: {hookspecs.DEPRECATED[key]}"
                record.problems.append(message)
                self._faults.warn(f"{record.origin} {message}")

    def call(self, record: PluginRecord, hook: str, **arguments: Any) -> Any:
        """Call one plugin's implementation of a hook with those of the arguments that it takes; None if it has none."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            if implementation.plugin is self._hooks_of.get(record.name):
                return answer(implementation.function, *[arguments[name] for name in implementation.argnames])
        return None
