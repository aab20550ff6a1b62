"""`qfzz doctor`: what is installed, where the store is, and what is wrong."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from qfzz_core._version import __version__
from qfzz_core.cli.commands.config import problems_of
from qfzz_core.cli.options import command
from qfzz_core.cli.output import echo, print_json, print_line
from qfzz_core.cli.session import Choice, Session, store_file, storeless_engine
from qfzz_core.config import Config
from qfzz_core.contracts.stores import Condition, Maintainable, Store
from qfzz_core.errors import ConfigError, QfzzError
from qfzz_core.model.credentials import shown_url

if TYPE_CHECKING:
    from qfzz_core.engine import Engine
    from qfzz_core.plugins.record import PluginRecord

_PACKAGES = ("numpy", "pluggy", "attrs", "cattrs", "click", "rich", "platformdirs", "sqlite-utils")
_OPTIONAL_PACKAGES = ("psycopg",)


@command()
@click.pass_context
def doctor(ctx: click.Context, session: Session, as_json: bool) -> None:
    """Look for problems: versions, store, disk space, plugins.

    Exit code 1 if something is wrong. A warning is about what may go wrong one day, and does not change the exit code.
    Nothing is made or written: a store that does not exist yet is not created.
    """
    report = examine(session)
    print_json(report) if as_json else _print(report)
    ctx.exit(0 if report["ok"] else 1)


def examine(session: Session) -> dict[str, Any]:
    """Return versions, configuration, store and plugins in plain types, with warnings, problems, and whether all is ok.

    A plugin is a problem if it failed or clashes, not if it is disabled.
    """
    file = session.config_file()
    problems = problems_of(session, file.value)
    try:
        config = session.configuration()
    except ConfigError:
        config = Config()
    with storeless_engine(config, lenient=True) as engine:
        # without a usable configuration it is unknown which store is meant
        found = Condition({}) if problems else _store(session, config, engine)
        faulty = [sentence for record in engine.plugins for sentence in _problems_of(record)]
        plugins = Counter(sorted(record.status for record in engine.plugins))
    problems = [*problems, *found.problems, *faulty]
    return {
        "ok": not problems,
        "versions": _versions(),
        "configuration": {"file": file.value, "from": file.origin},
        "store": dict(found.facts),
        "cache": _cache(session.cache_directory(config)),
        "plugins": dict(plugins),
        "warnings": list(found.warnings),
        "problems": problems,
    }


def _versions() -> dict[str, str]:
    versions = {"qfzz": __version__, "python": platform.python_version(), "system": platform.platform()}
    versions |= {"sqlite": sqlite3.sqlite_version, **dict.fromkeys(_PACKAGES, "not installed as a distribution")}
    for package in (*_PACKAGES, *_OPTIONAL_PACKAGES):
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def _problems_of(record: PluginRecord) -> list[str]:
    reasons = [record.reason] if record.status not in ("active", "disabled") else []
    return [f"{record.origin}: {reason}" for reason in (*reasons, *record.problems)]


def _cache(chosen: Choice) -> dict[str, Any]:
    """Return where catalogues are kept and how many bytes they take; none if there is no such directory."""
    size = 0
    if chosen.value is not None:
        # not there yet, or not ours to read: neither is a problem, since an engine works without a cache
        with suppress(OSError), os.scandir(chosen.value) as entries:
            size = sum(entry.stat().st_size for entry in entries)
    return {"directory": chosen.value, "from": chosen.origin, "size": size}


def _store(session: Session, config: Config, engine: Engine) -> Condition:
    """Return the condition of the store, with what chose it; why it cannot be opened if so."""
    chosen = session.store_url(config)
    url = chosen.value or ""
    file = store_file(url)
    found = _not_made_yet(file) if file is not None and not os.path.lexists(file) else _opened(url, config, engine)
    return attrs.evolve(found, facts={"url": shown_url(url), "from": chosen.origin, **found.facts})


def _opened(url: str, config: Config, engine: Engine) -> Condition:
    from qfzz_core.plugins.settings import opened_store

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
    # its directory may be missing too: the nearest one that exists decides
    place = next(parent for parent in file.absolute().parents if os.path.exists(parent))
    facts = {"file": str(file), "state": "not made yet", "free": shutil.disk_usage(place).free}
    problems = [] if os.access(place, os.W_OK) else [f"{place} cannot be written by this user: choose another"]
    return Condition(facts, problems=problems)


def _print(report: dict[str, Any]) -> None:
    for title in ("versions", "configuration", "store", "cache", "plugins"):
        echo(f"{title}:")
        for name, value in report[title].items():
            print_line(f"  {name + ':':<18}{_shown(value)}".rstrip())
    for kind in ("warning", "problem"):
        for sentence in report[f"{kind}s"]:
            print_line(f"{kind}: {sentence}")
    if report["ok"]:
        echo("Nothing is wrong.")


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)
