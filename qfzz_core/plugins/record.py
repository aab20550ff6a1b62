"""One plugin as a record: where it was found, what became of it and why, and what it registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

from qfzz_core.plugins.origin import Origin

Where = Literal["built in", "entry point", "in code", "file"]
Status = Literal[
    "active", "disabled", "failed to import", "failed to register", "failed at run time", "switched off", "clash"
]


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
