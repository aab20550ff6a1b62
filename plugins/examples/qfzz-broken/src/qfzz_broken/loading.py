"""Ways of failing while the plugin is imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from qfzz_broken.parts import Way, broken, leave, panic


def no_module() -> Any:
    """Need a package that nobody has."""
    return import_module("qfzz_broken_needs_this")


def no_syntax() -> Any:
    """Be a module with a spelling mistake: a file of that kind could not be installed without warnings."""
    return compile("def qfzz_factors(:", "qfzz_broken_module.py", "exec")


def no_attribute() -> Any:
    """Lack what the entry point names."""
    raise AttributeError("module 'qfzz_broken' has no attribute 'plugin'")


WAYS = [
    Way("import-missing", "start", "imports a module that is not there", no_module),
    Way("import-syntax", "start", "is no Python", no_syntax),
    Way("import-attribute", "start", "lacks the object that its entry point names", no_attribute),
    Way("import-raises", "start", "raises while it is imported", broken),
    Way("import-panics", "start", "panics while it is imported, as compiled code can", panic),
    Way("import-exits", "start", "ends the program while it is imported", leave),
]
