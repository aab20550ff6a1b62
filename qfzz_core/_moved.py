"""Names that lead elsewhere: public names to the modules that define them, and old names of modules to the new ones.

An old name is one that the documentation gave to plugins and applications. It gives the module of the new name, the
same object, so that its classes stay one and the same.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOVED = {
    "qfzz_core.columns": "qfzz_core.contracts.columns",
    "qfzz_core.drafted_stores": "qfzz_core.storage.whole_users",
    "qfzz_core.drafts": "qfzz_core.storage.whole_users",
    "qfzz_core.events": "qfzz_core.model.events",
    "qfzz_core.factors": "qfzz_core.contracts.factors",
    "qfzz_core.formats.reading": "qfzz_core.formats.files",
    "qfzz_core.formats.writing": "qfzz_core.formats.files",
    "qfzz_core.json_texts": "qfzz_core.model.json_codec",
    "qfzz_core.maintenance": "qfzz_core.contracts.stores",
    "qfzz_core.names": "qfzz_core.model.names",
    "qfzz_core.picks": "qfzz_core.contracts.strategies",
    "qfzz_core.plain": "qfzz_core.model.plain",
    "qfzz_core.recording": "qfzz_core.profiles",
    "qfzz_core.recording.restoring": "qfzz_core.storage.records",
    "qfzz_core.request": "qfzz_core.contracts.request",
    "qfzz_core.stores": "qfzz_core.contracts.stores",
    "qfzz_core.tracks": "qfzz_core.model.tracks",
    "qfzz_core.transfer": "qfzz_core.storage.copies",
}


class OldNames:
    """A finder and loader of the old names, and of nothing else."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return a specification for a module that has moved."""
        loader: Any = self  # not derived from `importlib.abc.Loader`, which takes time to import
        return ModuleSpec(fullname, loader) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module under its new name."""
        module = import_module(MOVED[spec.name])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own specification back; it was executed under its new name."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def serve_old_names() -> None:
    """Let old names be imported from now on."""
    if not any(isinstance(finder, OldNames) for finder in sys.meta_path):
        sys.meta_path.append(OldNames())


def serve_names(package: str, homes: Mapping[str, str], *own: str) -> None:
    """Let a package serve names that its modules define; a module is imported when one of its names is first used.

    `homes` has the names of each module, separated by spaces. Type checkers need an import of each name beside it.
    `own` are public names that the package has itself.
    """
    home_of = {name: f"{package}.{module}" for module, names in homes.items() for name in names.split()}
    names = sorted([*home_of, *own])

    def served(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home_of[name]), name)

    # Not in sight of type checkers: beside a `__getattr__` they would take any name for a public one.
    vars(sys.modules[package]).update(__all__=names, __getattr__=served, __dir__=lambda: names)
