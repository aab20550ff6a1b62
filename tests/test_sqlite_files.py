"""Which files a SQLite store takes and which it refuses."""

import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database, Migrations
from support.sqlite_files import files, made, opened

from qfzz_core.errors import (
    ForeignStoreError,
    NewerSchemaError,
    StoreCorruptError,
    StoreError,
    StoreUnavailableError,
)
from qfzz_core.model.events import Event, Interaction
from qfzz_core.testing.samples import TIME, a_feedback, a_track, create
from qfzz_core.testing.stores_events import append
from qfzz_core.testing.stores_latest import TIMESTAMPS, TYPES, read_plainly
from qfzz_core.testing.stores_transactions import everything
from qfzz_plugins.stores.sqlite import catalogue, schema
from qfzz_plugins.stores.sqlite.connection import Connection
from qfzz_plugins.stores.sqlite.store import SQLiteStore

pytest_plugins = ["support.sqlite_files"]


def changed_by(path: Path, *statements: str) -> Any:
    """Run statements on the file behind the store's back and return the last one's first value."""
    other = sqlite3.connect(path, isolation_level=None)
    found = [other.execute(statement).fetchone() for statement in statements]
    other.close()
    return found[-1] and found[-1][0]


def refused(path: Path, error: type[StoreError], match: str) -> None:
    """Check that a file is refused at once, by an error that names it, and left as it was."""
    before = files(path)
    start = time.monotonic()
    with pytest.raises(error, match=match) as caught:
        opened(path)
    assert time.monotonic() - start < 1.0
    assert str(path) in str(caught.value)
    assert files(path) == before


def test_a_new_store_says_in_its_header_what_it_is(store: SQLiteStore, path: Path) -> None:
    header = path.read_bytes()[:100]
    assert header[68:72] == b"QFZZ"
    assert int.from_bytes(header[60:64], "big") == schema.VERSION


def test_every_table_is_strict(store: SQLiteStore) -> None:
    tables = store._connections.mine().rows("PRAGMA table_list")
    own = {name: strict for _, name, _, _, _, strict in tables if not name.startswith("sqlite_")}
    assert "tracks" in own
    assert set(own.values()) == {1}


def test_an_empty_file_is_a_new_store(path: Path) -> None:
    path.touch()
    assert made(path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=rf"no directory {tmp_path}/not/there; create it"):
        opened(tmp_path / "not" / "there" / "store.db")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_missing_directory_is_refused(path: Path) -> None:
    path.symlink_to(path.parent / "missing" / "store.db")
    with pytest.raises(StoreUnavailableError, match="cannot be opened: check that path and rights"):
        opened(path)


def test_a_directory_is_no_store(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        opened(path)


@pytest.mark.parametrize(
    "content",
    [b"\n", b"just some text\n" * 100, b"SQLite format 3\0", os.urandom(8192)],
    ids=["line", "text", "beginning", "noise"],
)
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refused(path, ForeignStoreError, "is no SQLite database")


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_database_of_another_application_is_refused(path: Path, mode: str) -> None:
    changed_by(path, f"PRAGMA journal_mode={mode}", "CREATE TABLE notes (text)")
    refused(path, ForeignStoreError, "another application")


def test_a_newer_store_is_refused(path: Path) -> None:
    made(path)
    changed_by(path, f"PRAGMA user_version={schema.VERSION + 1}")
    refused(path, NewerSchemaError, "upgrade QFZZ")


def test_a_store_that_became_newer_a_moment_ago_is_refused(path: Path) -> None:
    made(path)
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    assert int.from_bytes(path.read_bytes()[60:64], "big") == schema.VERSION  # it stands in the journal still
    with pytest.raises(NewerSchemaError):
        opened(path)
    newer.close()


def test_a_store_with_a_damaged_beginning_is_refused(path: Path) -> None:
    made(path)
    path.write_bytes(b"\0" * 16 + path.read_bytes()[16:])
    refused(path, ForeignStoreError, "beginning is damaged")


@pytest.mark.parametrize("keep", [4096, 0.5])
def test_a_truncated_store_is_refused(path: Path, keep: float) -> None:
    made(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep if keep > 1 else len(content) * keep)])
    refused(path, StoreCorruptError, "restore a backup")


def test_a_store_with_a_damaged_schema_is_refused(path: Path) -> None:
    made(path)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * 3996 + content[4096:])
    refused(path, StoreCorruptError, "restore a backup")


def test_a_damaged_page_is_reported_when_it_is_read(path: Path) -> None:
    made(path)
    page = changed_by(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'users'")
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    store = opened(path)
    with pytest.raises(StoreCorruptError, match="restore a backup"):
        everything(store)
    assert f"{path} is damaged" in store.check()[0]
    store.close()


def test_a_check_says_what_is_wrong(path: Path) -> None:
    made(path)
    changed_by(
        path,
        "DELETE FROM users",
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_schema SET sql = replace(sql, '(changed)', '(position)') WHERE name = 'tracks_changed'",
    )
    store = opened(path)
    found = store.check()
    store.close()
    assert f"{path} has a row of a user who is not there, in weights" in found
    assert any("missing from index tracks_changed" in sentence for sentence in found)


def test_a_check_that_cannot_go_on_says_why(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(*_: object) -> None:
        raise StoreCorruptError("the file is damaged")

    monkeypatch.setattr(Connection, "rows", rows)
    assert store.check() == ["the file is damaged"]


def test_a_store_without_its_tables_is_reported(path: Path) -> None:
    made(path)
    store = opened(path)
    changed_by(path, "DROP TABLE commits", "DROP TABLE weights")
    with pytest.raises(StoreError, match="no such table: commits"):
        store.write_tracks([a_track()])
    with pytest.raises(StoreError, match="no such table: commits"):
        store.catalogue_since(None)
    with pytest.raises(StoreError, match="no such table: weights"):
        store.snapshot("alice")
    with pytest.raises(StoreError, match="no such table: weights"):
        store.record("alice")
    assert store.revision("alice") is not None
    store.close()
    changed_by(path, "DROP TABLE store")
    with pytest.raises(StoreError, match="no such table: store"):
        opened(path)


def test_a_store_that_was_removed_while_in_use_is_not_made_again(store: SQLiteStore, path: Path) -> None:
    path.unlink()
    with ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailableError, match="was removed"):
        pool.submit(store.catalogue_token).result()
    assert not path.exists()


def test_a_store_that_was_replaced_while_in_use_is_refused(store: SQLiteStore, path: Path) -> None:
    store.close()
    store = opened(path)
    for name in files(path):
        (path.parent / name).unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes (text)")
    with ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailableError, match="another file is there now"):
        pool.submit(store.catalogue_token).result()
    other.close()
    store.close()


def test_an_older_store_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = made(path)
    later = Migrations("qfzz")
    for migration in (schema.first_tables, schema.latest_interactions, schema.normal_forms, _added):
        later()(migration)
    monkeypatch.setattr(schema, "migrations", later)
    monkeypatch.setattr(schema, "VERSION", 4)
    for _ in range(2):
        store = opened(path)
        assert everything(store) == held
        assert store._connections.mine().row("SELECT count(*) FROM added_later") == (0,)
        store.close()
    monkeypatch.undo()
    refused(path, NewerSchemaError, "schema 4")


def _added(db: Any) -> None:
    db.execute("CREATE TABLE added_later (x INTEGER) STRICT")


TO_VERSION_1 = (
    "DROP TABLE latest",
    "DELETE FROM _sqlite_migrations WHERE name IN ('latest_interactions', 'normal_forms')",
    "PRAGMA user_version=1",
)


def test_a_store_of_version_1_gets_the_latest_interactions_of_its_log(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schema, "_MIGRATED", 100)
    made(path)
    with closing(opened(path)) as store:
        create(store, "bob")
        for user_id in ("alice", "bob"):
            done = [Interaction(f"t{n % 70}", TYPES[n % 3], None, TIMESTAMPS[n % 8]) for n in range(500)]
            append(store, user_id, *(Event("interaction", TIME, each) for each in done))
        expected = [read_plainly(store, user_id, TYPES) for user_id in ("alice", "bob")]
    changed_by(path, *TO_VERSION_1)
    with caplog.at_level("INFO", "qfzz.stores"), closing(opened(path)) as store:
        found = [sorted(store.latest_interactions(user_id, TYPES)) for user_id in ("alice", "bob")]
    assert found == expected
    assert "migrating a store of an older version" in caplog.text
    with closing(opened(path)) as store:
        assert store.check() == []


def test_a_damaged_event_does_not_keep_an_older_store_from_being_opened(path: Path) -> None:
    made(path)
    with closing(opened(path)) as store:
        append(store, "alice", *(a_feedback(track_id) for track_id in ("t1", "t2", "t3", "t4", "t5")))
    bodies = ("{", "[]", '{"track_id": [], "type": "like"}', '{"track_id": "t1"}')
    for number, body in enumerate(bodies):
        place = f"(SELECT position FROM events ORDER BY position DESC LIMIT 1 OFFSET {number})"
        changed_by(path, f"UPDATE events SET body = '{body}' WHERE position = {place}")
    changed_by(path, *TO_VERSION_1)
    with closing(opened(path)) as store:
        assert [row[1] for row in store.latest_interactions("alice", ["like"])] == ["t1"]


def test_what_another_process_migrated_meanwhile_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = made(path)
    versions = iter([schema.VERSION - 1])
    checked = schema.checked_version
    monkeypatch.setattr(schema, "checked_version", lambda connection: next(versions, checked(connection)))
    store = opened(path)
    assert everything(store) == held
    store.close()


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(path)
    later = Migrations("qfzz")
    for migration in (schema.first_tables, schema.latest_interactions, schema.normal_forms, _added, _broken):
        later()(migration)
    monkeypatch.setattr(schema, "migrations", later)
    monkeypatch.setattr(schema, "VERSION", 5)
    refused(path, StoreError, "syntax error")


def _broken(db: Any) -> None:
    db.execute("CREATE NONSENSE")


def test_the_version_counts_the_migrations() -> None:
    with sqlite3.connect(":memory:") as connection:
        pending = schema.migrations.pending(Database(connection, execute_plugins=False))
    connection.close()
    assert len(pending) == schema.VERSION


def test_commits_of_long_ago_are_forgotten(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "KEPT_COMMITS", 10)
    tokens = [store.catalogue_token()]
    for number in range(30):
        store.write_tracks([a_track(f"t{number}")])
        store.remove_tracks([f"t{number - 1}"])
        tokens.append(store.catalogue_token())
    changes = {token.counter: store.catalogue_since(token) for token in tokens}
    assert {counter for counter, change in changes.items() if not change.complete} == {51, 53, 55, 57, 59}
    assert store._connections.mine().row("SELECT count(*) FROM commits") == (10,)
    assert store._connections.mine().row("SELECT count(*) <= 10 FROM removed") == (1,)
