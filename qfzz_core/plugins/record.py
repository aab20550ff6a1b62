"""One plugin as a record: where it came from, what became of it and why, and what it registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

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
