"""What `qfzz doctor` looks at. Nothing is made: a store that does not exist yet is not opened."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from qfzz_core._version import __version__
from qfzz_core.cli.commands.config import problems_of
from qfzz_core.cli.places import store_file, without_credentials
from qfzz_core.cli.session import Choice, Session, storeless_engine
from qfzz_core.config import Config
from qfzz_core.contracts.stores import Condition, Maintainable, Store
from qfzz_core.errors import ConfigError, QfzzError
from qfzz_core.plugins.settings import opened_store

if TYPE_CHECKING:
    from qfzz_core.engine import Engine
    from qfzz_core.plugins.record import PluginRecord

_PACKAGES = ("numpy", "pluggy", "attrs", "cattrs", "click", "rich", "platformdirs", "sqlite-utils")
_OPTIONAL_PACKAGES = ("psycopg", "psycopg-pool")


def examined(session: Session) -> dict[str, Any]:
    """Return versions, configuration, store and plugins in plain types, with warnings, problems, and whether all is ok.

    A plugin is a problem if it failed or clashes, not if it was switched off.
    """
    config, configured, problems = _configuration(session)
    with storeless_engine(attrs.evolve(config, strict=False)) as engine:
        found = Condition({}) if problems else _store(session, config, engine)
        faulty = [sentence for record in engine.plugins for sentence in _problems_of(record)]
        plugins = {status: _count(engine, status) for status in sorted({record.status for record in engine.plugins})}
    problems = [*problems, *found.problems, *faulty]
    return {
        "ok": not problems,
        "versions": _versions(),
        "configuration": configured,
        "store": dict(found.facts),
        "cache": _cache(session.cache_directory(config)),
        "plugins": plugins,
        "warnings": list(found.warnings),
        "problems": problems,
    }


def _versions() -> dict[str, str]:
    versions = {"qfzz": __version__, "python": platform.python_version(), "system": platform.platform()}
    versions["sqlite"] = sqlite3.sqlite_version
    for package in (*_PACKAGES, *_OPTIONAL_PACKAGES):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            if package in _PACKAGES:
                versions[package] = "not installed as a distribution"
    return versions


def _configuration(session: Session) -> tuple[Config, dict[str, Any], list[str]]:
    """Return the configuration (an empty one if it cannot be used), what to show of it, and what is wrong with it."""
    file = session.config_file()
    try:
        config = session.configuration()
    except ConfigError:
        config = Config()
    return config, {"file": file.value, "from": file.origin}, problems_of(session, file.value)


# -- plugins


def _problems_of(record: PluginRecord) -> list[str]:
    reasons = [record.reason] if record.status not in ("active", "disabled") else []
    return [f"{record.origin}: {reason}" for reason in (*reasons, *record.problems)]


def _count(engine: Engine, status: str) -> int:
    return sum(record.status == status for record in engine.plugins)


# -- the store


def _cache(chosen: Choice) -> dict[str, Any]:
    """Return where catalogues are kept and how many bytes they take; nothing is there if there is no such place."""
    size = 0
    if chosen.value is not None:
        with suppress(OSError), os.scandir(chosen.value) as entries:
            size = sum(entry.stat().st_size for entry in entries)
    return {"directory": chosen.value, "from": chosen.origin, "size": size}


def _store(session: Session, config: Config, engine: Engine) -> Condition:
    """Return how the store fares, with what chose it; why it cannot be opened if so."""
    chosen = session.store_url(config)
    url = chosen.value or ""
    file = store_file(url)
    shown = {"url": without_credentials(url), "from": chosen.origin}
    is_new = file is not None and not file.exists()
    found = _not_made_yet(file) if file is not None and is_new else _opened(url, config, engine)
    return attrs.evolve(found, facts={**shown, **found.facts})


def _opened(url: str, config: Config, engine: Engine) -> Condition:
    try:
        with closing(opened_store(url, config, engine.registry)) as store:
            return store.condition() if isinstance(store, Maintainable) else _counted(store)
    except QfzzError as error:
        return Condition({}, problems=[str(error)])


def _counted(store: Store) -> Condition:
    tracks = sum(1 for _ in store.catalogue_since(None).written)
    return Condition({"tracks": tracks, "users": sum(1 for _ in store.user_ids())})


def _not_made_yet(file: Path) -> Condition:
    """Return whether a file could be made, where there is none."""
    place = next(parent for parent in file.absolute().parents if parent.exists())
    facts = {"file": str(file), "state": "not made yet", "free": shutil.disk_usage(place).free}
    writable = os.access(place, os.W_OK)
    return Condition(facts, problems=[] if writable else [f"{place} cannot be written by this user: choose another"])
