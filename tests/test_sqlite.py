"""How a SQLite store is named and set up, and what its errors say."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.sqlite_files import made, opened

from qfzz_core.errors import (
    ForeignStoreError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreURLError,
)
from qfzz_core.testing.samples import create
from qfzz_core.testing.stores_transactions import everything
from qfzz_plugins.stores.sqlite import SQLiteOptions, open_sqlite
from qfzz_plugins.stores.sqlite.errors import store_error
from qfzz_plugins.stores.sqlite.store import path_of

pytest_plugins = ["support.sqlite_files"]


# ---- URLs and options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/qfzz.db", "/var/lib/qfzz.db"),
        ("sqlite:////a%20b/%C3%A9%3F%23%25.db", "/a b/é?#%.db"),
        ("sqlite:////a b/é#.db", "/a b/é#.db"),
        ("sqlite:////a/../b.db", "/b.db"),
        ("sqlite:///here.db", "here.db"),
        ("sqlite:///below/here.db", "below/here.db"),
        ("sqlite:///C:/music/qfzz.db", "C:/music/qfzz.db"),
        ("sqlite:////not/utf8/%FF.db", "/not/utf8/\udcff.db"),
    ],
)
def test_a_url_names_a_path(url: str, path: str) -> None:
    assert path_of(url) == os.path.abspath(path)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("sqlite:", "write sqlite:///relative/path.db"),
        ("sqlite://here.db", "write sqlite:///relative/path.db"),
        ("sqlite:here.db", "write sqlite:///relative/path.db"),
        ("sqlite:///", "write memory:"),
        ("sqlite:///:memory:", "write memory:"),
        ("sqlite:///a.db?mode=ro", r"\[store\].*%3F"),
        ("sqlite:///a%00.db", "NUL"),
    ],
)
def test_a_url_that_names_no_file_is_refused(url: str, advice: str) -> None:
    with pytest.raises(StoreURLError, match=advice):
        open_sqlite(url)


def test_a_relative_path_stays_the_same_when_the_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = open_sqlite("sqlite:///a%20store.db")
    assert store.name == "sqlite:///a%20store.db"
    monkeypatch.chdir(tmp_path / "elsewhere")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(create, store, "alice").result()
    store.close()
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["a store.db"]


def test_options_are_as_documented() -> None:
    assert SQLiteOptions() == SQLiteOptions(synchronous="full", journal_mode="wal", timeout=10)


@pytest.mark.parametrize(
    "options",
    [
        {"synchronous": "SOMETIMES"},
        {"synchronous": 2},
        {"journal_mode": "OFF"},
        {"journal_mode": None},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"timeout": 3601},
        {"timeout": True},
        {"timeout": "10"},
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be"):
        SQLiteOptions(**options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (SQLiteOptions(), ("wal", 2)),
        (SQLiteOptions(synchronous="EXTRA", journal_mode="DELETE"), ("delete", 3)),
        (SQLiteOptions(synchronous="NORMAL"), ("wal", 1)),
        (SQLiteOptions(synchronous="OFF", journal_mode="TRUNCATE"), ("truncate", 0)),
    ],
)
def test_every_connection_keeps_the_options(path: Path, options: SQLiteOptions, expected: tuple[str, int]) -> None:
    store = opened(path, options)

    def settings(_: int) -> tuple[Any, ...]:
        connection = store._connections.mine()
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return tuple((connection.row(f"PRAGMA {name}") or (None,))[0] for name in names)

    with ThreadPoolExecutor(1) as pool:
        assert {settings(0), *pool.map(settings, [0])} == {(*expected, 1, 1)}
    store.close()


def test_the_journal_mode_can_be_changed_when_nobody_else_is_there(path: Path) -> None:
    held = made(path)
    other = opened(path)
    with pytest.raises(StoreLockedError, match="locked"):
        opened(path, SQLiteOptions(journal_mode="DELETE", timeout=0.05))
    other.close()
    store = opened(path, SQLiteOptions(journal_mode="DELETE"))
    assert everything(store) == held
    store.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_that_can_only_be_read_keeps_its_journal_mode(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    store = opened(path, SQLiteOptions(journal_mode="DELETE"))
    assert store._connections.mine().row("PRAGMA journal_mode") == ("wal",)
    store.close()


@pytest.mark.usefixtures("unmeasured")
def test_a_plugin_list_does_not_import_sqlite() -> None:
    code = "import sys, qfzz_plugins.stores.sqlite; print({'sqlite3', 'sqlite_utils'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreLockedError),
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, StoreLockedError),
        (sqlite3.SQLITE_FULL, StoreFullError),
        (sqlite3.SQLITE_IOERR_WRITE, StoreFullError),
        (sqlite3.SQLITE_IOERR_READ, StoreUnavailableError),
        (sqlite3.SQLITE_READONLY_ROLLBACK, StoreReadOnlyError),
        (sqlite3.SQLITE_READONLY_DBMOVED, StoreUnavailableError),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreCorruptError),
        (sqlite3.SQLITE_NOTADB, ForeignStoreError),
        (sqlite3.SQLITE_CANTOPEN, StoreUnavailableError),
        (sqlite3.SQLITE_NOMEM, StoreError),
    ],
)
def test_every_error_of_sqlite_has_a_meaning(code: int, kind: type[StoreError]) -> None:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    found = store_error(error, "/nowhere/store.db")
    assert type(found) is kind
    assert str(found).startswith("/nowhere/store.db ")
    assert str(found).endswith("(what SQLite says)")


def test_an_error_without_a_code_is_kept() -> None:
    assert str(store_error(sqlite3.InterfaceError("misuse"), "a.db")) == "a.db: misuse"
