"""What only a store in a DuckDB file has to say: files that are foreign, newer, or open elsewhere."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import duckdb
import pytest
from qfzz import PersonalizedDJ
from qfzz_core import errors
from qfzz_core.testing.samples import a_track, create

from qfzz_store_duckdb import open_duckdb

OPEN = """
import sys
from qfzz_core.errors import StoreLockedError
from qfzz_store_duckdb import open_duckdb

try:
    open_duckdb(sys.argv[1])
except StoreLockedError as error:
    print(error)
"""


def url(path: Path) -> str:
    return f"duckdb:///{path}"


def test_an_application_chooses_it_by_its_url(tmp_path: Path) -> None:
    for _ in range(2):
        with PersonalizedDJ(store=url(tmp_path / "music.duckdb"), seed=1) as dj:
            dj.add_content([a_track()] if dj.get_track("t1") is None else [])
            dj.record_feedback("alice", "t1", "like")
    with PersonalizedDJ(store=url(tmp_path / "music.duckdb"), seed=1) as dj:
        assert dj.get_profile("alice").genres == {"jazz": 0.2}


@pytest.mark.parametrize("content", [b"", b"buy milk", b"SQLite format 3\0" + bytes(4080)])
def test_a_file_of_another_kind_is_refused_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(errors.ForeignStoreError, match="file is no DuckDB file"):
        open_duckdb(url(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == content


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("CREATE TABLE other (a INTEGER)", errors.ForeignStoreError),
        ("CREATE TABLE qfzz AS SELECT 2 AS version, 'x' AS identity", errors.NewerSchemaError),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_as_it_is(
    tmp_path: Path, statement: str, error: type[errors.StoreError]
) -> None:
    path = tmp_path / "database"
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)
    before = path.read_bytes()
    with pytest.raises(error):
        open_duckdb(url(path))
    assert path.read_bytes() == before


def test_a_truncated_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "music.duckdb"
    open_duckdb(url(path)).close()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(errors.StoreCorruptError, match="restore a backup"):
        open_duckdb(url(path))


@pytest.mark.parametrize(
    ("table", "change"),
    [("tracks", "body = '['"), ("users", "body = '{\"weights\":1}'"), ("events", "body = '[]'")],
)
def test_a_row_that_is_damaged_is_named(tmp_path: Path, table: str, change: str) -> None:
    path = tmp_path / "music.duckdb"
    again = {"user_id": "alice", "track_id": "t1", "interaction_type": "like"}
    with PersonalizedDJ(store=url(path), seed=1) as dj:
        dj.add_content([a_track()])
        dj.record_feedback("alice", "t1", "like", event_id="e1")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"UPDATE {table} SET {change}")
    with PersonalizedDJ(store=url(path), seed=1) as dj:
        assert any(f"table {table}, " in sentence for sentence in dj.engine.store.check())
        with pytest.raises(errors.StoreCorruptError, match=f"music.duckdb: table {table}, "):
            dj.record_many([{**again, "event_id": "e1"}, {**again, "event_id": "e2"}])


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.StoreUnavailableError, match="No such file or directory"):
        open_duckdb(url(tmp_path / "missing" / "music.duckdb"))


@pytest.mark.parametrize(
    "wrong", ["duckdb:", "duckdb:///", "duckdb://music.duckdb", "duckdb:///a?b=c", "duckdb:///%00"]
)
def test_a_url_without_a_file_is_refused(wrong: str) -> None:
    with pytest.raises(errors.StoreURLError, match="write duckdb:///relative/path"):
        open_duckdb(wrong)


def test_another_process_gets_an_error_that_says_the_file_is_open(tmp_path: Path) -> None:
    store = open_duckdb(url(tmp_path / "music.duckdb"))
    command = [sys.executable, "-c", OPEN, url(tmp_path / "music.duckdb")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "is open in another process" in done.stdout
    store.close()
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout == ""


def test_opened_twice_in_one_process_it_is_one_store(tmp_path: Path) -> None:
    stores = [open_duckdb(url(tmp_path / "music.duckdb")) for _ in range(2)]
    create(stores[0], "alice")

    def work(number: int) -> None:
        for _ in range(25):
            with stores[number].transaction(["alice"]) as transaction:
                user = transaction.user("alice")
                user.put_state("count", "all", (user.state("count", "all") or 0) + 1)

    threads = [Thread(target=work, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict(stores[0].states("alice", "count")) == {"all": 50}
    for store in stores:
        store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_is_refused_the_file_of_its_parent(tmp_path: Path) -> None:
    store = open_duckdb(url(tmp_path / "store.duckdb"))
    child = os.fork()
    if not child:
        try:
            store.user_ids()
        except errors.StoreUnavailableError:
            store.close()
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    create(store, "alice")
    store.close()
