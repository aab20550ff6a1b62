"""The commands of whoever runs a store: on real SQLite files, through the command line."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.cli_runs import Cli, install, isolated, json_lines, track
from support.sqlite_files import files, opened

from qfzz_core import Engine
from qfzz_core.cli import output
from qfzz_core.cli.commands import doctor
from qfzz_core.contracts.stores import Maintainable
from qfzz_core.errors import StoreError, StoreLockedError, StoreNotEmptyError, StoreUnavailableError
from qfzz_core.testing.samples import create, some_tracks
from qfzz_plugins.stores.memory import MemoryStore
from qfzz_plugins.stores.sqlite import SQLiteOptions, kept_files, maintenance


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A command line over a store with two tracks and two users."""
    cli = isolated(tmp_path, monkeypatch)
    cli.ok("import", cli.write("tracks.jsonl", json_lines(track("a"), track("b", genre="blues"))))
    for user, what in (("alice", "like"), ("bob", "favorite")):
        cli.ok("feedback", user, "a", what, "--event-id", f"of {user}")
    return cli


def spoil(cli: Cli, user: str = "alice") -> None:
    with Engine(store=cli.store) as engine, engine.store.transaction([user]) as transaction:
        transaction.user(user).put_weight("genres", "jazz", 0.75)


def bare(content: dict[str, Any]) -> dict[str, Any]:
    """What a store holds but for tokens and revisions, which are its own."""
    users = [
        (snapshot.user_id, dict(snapshot.genres), len(events), states) for snapshot, events, states in content["users"]
    ]
    return {"tracks": content["tracks"], "users": users}


# ---- backup ---------------------------------------------------------------------------------------------------------


def test_a_backup_is_a_store_that_holds_the_same(cli: Cli) -> None:
    target = cli.directory / "backup.db"
    assert cli.ok("store", "backup", str(target)) == (
        f"Wrote {cli.store} to {target} ({target.stat().st_size:,} bytes).\n"
    )
    before = cli.content()
    cli.ok("feedback", "alice", "b", "like")
    assert cli.content(f"sqlite:///{target}") == before
    assert target.stat().st_mode == (cli.directory / "store.db").stat().st_mode


def test_a_backup_is_one_file_without_a_journal(cli: Cli) -> None:
    target = cli.directory / "backups" / "backup.db"
    target.parent.mkdir()
    said = cli.json("store", "backup", str(target))
    assert said == {"store": cli.store, "file": str(target), "size": target.stat().st_size}
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes()[18:20] == b"\x01\x01"  # the file format without WAL


def test_a_file_that_exists_is_kept_unless_its_replacement_is_asked_for(cli: Cli) -> None:
    target = cli.directory / "backup.db"
    target.write_text("older")
    assert "exists already" in cli.fails("store", "backup", str(target))
    assert target.read_text() == "older"
    cli.ok("store", "backup", str(target), "--replace")
    assert cli.content(f"sqlite:///{target}") == cli.content()


def test_a_backup_never_goes_over_the_store_nor_over_one_in_use(cli: Cli) -> None:
    assert "is the store itself" in cli.fails("store", "backup", str(cli.directory / "store.db"), "--replace")
    used = cli.directory / "used.db"
    with Engine(store=f"sqlite:///{used}") as engine:
        engine.record_feedback("carol", "a", "like")
        assert "is in use or was not closed" in cli.fails("store", "backup", str(used), "--replace")


def test_where_no_backup_can_be_written_the_sentence_says_so(cli: Cli) -> None:
    assert "cannot be written: No such file" in cli.fails("store", "backup", str(cli.directory / "missing" / "b.db"))
    assert "is no ordinary file" in cli.fails("store", "backup", str(cli.directory), "--replace")


def test_a_backup_that_fails_leaves_the_older_file_and_no_other(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    target = cli.directory / "backups" / "backup.db"
    target.parent.mkdir()
    target.write_text("older")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "cannot be written: No space left" in cli.fails("store", "backup", str(target), "--replace")
    assert (list(target.parent.iterdir()), target.read_text()) == ([target], "older")
    monkeypatch.setattr(os, "fsync", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert cli("store", "backup", str(target), "--replace").exit_code == 130
    assert (list(target.parent.iterdir()), target.read_text()) == ([target], "older")


def test_a_backup_taken_while_others_write_is_a_moment_of_the_store(tmp_path: Path) -> None:
    store, done = opened(tmp_path / "store.db"), threading.Event()
    engine = Engine(store=store)
    engine.add_content(some_tracks(200, nul="x" * 1000))

    def listen() -> None:
        while not done.is_set():
            engine.record_feedback("alice", "t1", "play", 0.51)

    listening = threading.Thread(target=listen)
    listening.start()
    try:
        for number in range(5):
            store.backup(str(tmp_path / f"{number}.db"))
    finally:
        done.set()
        listening.join()
    for number in range(5):
        with Engine(store=f"sqlite:///{tmp_path}/{number}.db") as copied:
            assert copied.store.check() == []
            assert all(copied.check_log(user) == [] for user in copied.store.user_ids())
    store.close()


def test_a_backup_of_a_store_that_stays_locked_gives_up_after_the_timeout(tmp_path: Path) -> None:
    store = opened(tmp_path / "store.db", SQLiteOptions(journal_mode="DELETE", timeout=0.3))
    connection = store._connections.mine()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreLockedError):
        maintenance.backup(connection, str(tmp_path / "backup.db"), replace=False)
    other.close()
    assert not (tmp_path / "backup.db").exists()
    store.close()


def test_a_damaged_store_is_not_taken_for_a_backup(cli: Cli) -> None:
    cli.ok("store", "vacuum")
    os.truncate(cli.directory / "store.db", 8192)
    result = cli("store", "backup", str(cli.directory / "backup.db"))
    assert result.exit_code == 1
    assert "damaged" in result.stderr


# ---- check ----------------------------------------------------------------------------------------------------------


def test_a_sound_store_has_no_findings(cli: Cli) -> None:
    assert cli.ok("store", "check") == f"{cli.store}: 2 users checked, 0 findings.\n"
    assert cli.json("store", "check") == {"store": cli.store, "ok": True, "users": 2, "findings": []}


def test_weights_that_the_log_does_not_say_are_found(cli: Cli) -> None:
    spoil(cli)
    result = cli("store", "check")
    assert (result.exit_code, result.stdout) == (
        1,
        "alice: genres, 'jazz': 0.75 is stored, the log says 0.1\n" + f"{cli.store}: 2 users checked, 1 finding.\n",
    )
    result = cli("store", "check", "--json")
    assert (result.exit_code, json.loads(result.stdout)["findings"]) == (
        1,
        [{"user_id": "alice", "finding": "genres, 'jazz': 0.75 is stored, the log says 0.1"}],
    )


def test_a_damaged_page_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = isolated(tmp_path, monkeypatch)
    with Engine(store=cli.store) as engine:
        for number in range(300):
            engine.record_feedback(f"user {number}", "a", "like")
    path = tmp_path / "store.db"
    content = bytearray(path.read_bytes())
    for start in range(40 * 4096, 60 * 4096, 4096):
        content[start : start + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    result = cli("store", "check")
    assert result.exit_code == 1
    assert "damaged" in result.stdout


# ---- vacuum ---------------------------------------------------------------------------------------------------------


def test_vacuum_gives_room_back_and_changes_nothing_else(cli: Cli) -> None:
    with Engine(store=cli.store) as engine:
        engine.add_content(some_tracks(500, text="x" * 1000))
        engine.remove_content([f"t{number}" for number in range(500)])
    before = cli.content()
    said = cli.json("store", "vacuum")
    assert said["store"] == cli.store
    assert said["size"] < said["size_before"] / 4
    assert cli.content() == before
    assert cli.ok("store", "vacuum").startswith(f"{cli.store}: ")


def test_other_stores_say_what_they_do_not_offer(cli: Cli) -> None:
    for call in (["vacuum"], ["backup", "b.db"]):
        assert "memory: offers neither backup nor vacuum" in cli.fails("--store", "memory:", "store", *call)


@pytest.mark.parametrize("call", [["check"], ["vacuum"], ["rebuild"], ["backup", "b.db"]])
def test_a_store_that_does_not_exist_is_not_made(cli: Cli, call: list[str]) -> None:
    missing = cli.directory / "missing.db"
    assert f"there is no store {missing}" in cli.fails("--store", f"sqlite:///{missing}", "store", *call)
    assert not missing.exists()


# ---- rebuild --------------------------------------------------------------------------------------------------------


def test_rebuild_says_what_was_different_and_mends_it(cli: Cli) -> None:
    spoil(cli, "bob")
    assert cli.ok("store", "rebuild") == (
        "bob: genres, 'jazz': 0.75 is stored, the log says 0.2\n2 users rebuilt, 1 of them changed.\n"
    )
    assert cli.json("store", "rebuild") == {"users": 2, "changed": [], "failed": []}


def test_rebuild_takes_the_users_that_are_named_alone(cli: Cli) -> None:
    spoil(cli, "alice")
    spoil(cli, "bob")
    assert [each["user_id"] for each in cli.json("store", "rebuild", "bob")["changed"]] == ["bob"]
    assert cli("store", "check").exit_code == 1
    assert "there is no user 'carol'" in cli.fails("store", "rebuild", "alice", "carol")


def test_a_user_who_cannot_be_rebuilt_stops_nobody_else(cli: Cli) -> None:
    spoil(cli, "bob")
    with Engine(store=cli.store) as engine:
        create(engine.store, "aaron")
    result = cli("store", "rebuild", "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, said["users"], [each["user_id"] for each in said["failed"]]) == (1, 2, ["aaron"])
    assert "aaron: 'aaron' cannot be rebuilt" in cli("store", "rebuild").stdout


# ---- copy -----------------------------------------------------------------------------------------------------------


def test_a_copy_gives_the_same_lists_for_the_same_seed(cli: Cli) -> None:
    target = f"sqlite:///{cli.directory}/copy.db"
    assert cli.ok("store", "copy", cli.store, target) == (
        f"Copied 2 users and 2 tracks from {cli.store} to {target}.\n"
    )
    assert bare(cli.content(target)) == bare(cli.content())
    call = ["recommend", "alice", "--seed", "3"]
    assert cli.json("--store", target, *call) == cli.json(*call)


def test_a_target_that_is_not_empty_is_refused(cli: Cli) -> None:
    target = f"sqlite:///{cli.directory}/copy.db"
    cli.ok("--store", target, "feedback", "carol", "a", "like")
    before = cli.content(target)
    assert "allow their replacement" in cli.fails("store", "copy", cli.store, target)
    assert cli.content(target) == before
    assert cli.json("store", "copy", cli.store, target, "--replace") == {
        "from": cli.store,
        "to": target,
        "users": 2,
        "tracks": 2,
    }
    assert [user[0] for user in bare(cli.content(target))["users"]] == ["alice", "bob"]


def test_a_source_that_does_not_exist_erases_nothing(cli: Cli) -> None:
    missing = cli.directory / "missing.db"
    message = cli.fails("store", "copy", f"sqlite:///{missing}", cli.store, "--replace")
    assert f"there is no store {missing}; check the path" in message
    assert not missing.exists()
    assert "onto itself" in cli.fails("store", "copy", cli.store, cli.store, "--replace")
    assert "no store is registered" in cli.fails("store", "copy", "nothing:", cli.store)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_in_the_middle_leaves_the_target_as_it_was(cli: Cli) -> None:
    big, target = f"sqlite:///{cli.directory}/big.db", f"sqlite:///{cli.directory}/copy.db"
    with Engine(store=big) as engine:
        engine.write_tracks(some_tracks(20_000, text="x" * 500))
    cli.ok("--store", target, "feedback", "carol", "a", "like")
    before = cli.content(target)
    command = [sys.executable, "-c", "from qfzz_core.cli import main; main()", "store", "copy", big, target]
    with subprocess.Popen([*command, "--replace"], env=cli.environment, stderr=subprocess.PIPE) as running:
        journal = cli.directory / "copy.db-wal"
        while running.poll() is None and not (journal.exists() and journal.stat().st_size > 1 << 20):
            time.sleep(0.001)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 130
    assert cli.content(target) == before


# ---- profile import -------------------------------------------------------------------------------------------------


def test_an_export_can_be_imported_again(cli: Cli) -> None:
    before = bare(cli.content())
    file = str(cli.directory / "alice.json")
    cli.ok("profile", "export", "alice", "--output", file)
    assert "there is a user 'alice' already" in cli.fails("profile", "import", file)
    cli.ok("profile", "forget", "alice", "--yes")
    assert cli.ok("profile", "import", file) == "Imported the profile and 2 events of alice.\n"
    after = bare(cli.content())
    assert (after["tracks"], sorted(after["users"])) == (before["tracks"], sorted(before["users"]))
    assert cli("store", "check").exit_code == 0


def test_an_import_replaces_a_user_when_asked_to_and_reads_stdin(cli: Cli) -> None:
    exported = cli.ok("profile", "export", "alice")
    cli.ok("feedback", "alice", "b", "like")
    said = json.loads(cli.ok("profile", "import", "-", "--replace", "--json", input=exported))
    assert said == {"user_id": "alice", "events": 2}
    assert json.loads(cli.ok("profile", "export", "alice"))["profile"] == json.loads(exported)["profile"]


def test_what_is_no_export_is_refused(cli: Cli) -> None:
    for text, message in (("{", "this is no JSON"), ("[]", "must be an object"), ("\ufeff{}", "this is no JSON")):
        assert message in cli.fails("profile", "import", cli.write("bad.json", text))
    (cli.directory / "bad.json").write_bytes(b"\xff")
    assert "this is no JSON in UTF-8" in cli.fails("profile", "import", str(cli.directory / "bad.json"))
    assert "No such file" in cli.fails("profile", "import", str(cli.directory / "none.json"))


# ---- forget ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["WAL", "DELETE", "TRUNCATE"])
@pytest.mark.parametrize("padding", [0, 40])
def test_forgetting_leaves_no_byte_of_a_distinctive_id_in_any_file(tmp_path: Path, mode: str, padding: int) -> None:
    store = opened(tmp_path / "store.db", SQLiteOptions(journal_mode=mode, synchronous="OFF"))
    engine = Engine(store=store)
    ids = [f"{number * 7919 % 400:04d}-distinctive-{'q' * (number * 31 % (padding + 1))}" for number in range(400)]
    for place, user in enumerate(ids):
        events = [{"user_id": user, "track_id": "t", "interaction_type": "like"} for _ in range(place % 9 + 1)]
        engine.record_many([{**event, "event_id": f"{user}:{n}"} for n, event in enumerate(events)])
    for user in ids[::3]:
        assert engine.forget(user)
        left = [name for name, content in files(tmp_path / "store.db").items() if user[:16].encode() in content]
        assert left == []
    assert store.check() == []
    assert sorted(store.user_ids()) == sorted(set(ids) - set(ids[::3]))
    store.close()


def test_a_trace_that_cannot_be_erased_now_does_not_fail_the_forgetting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path / "store.db")
    create(store, "a-distinctive-user")

    def fails(*_: Any) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(maintenance, "holds", fails)
    assert store.forget("a-distinctive-user")
    store.close()


def test_bytes_are_found_across_blocks_and_only_if_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_files, "_BLOCK", 4)
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    assert [kept_files.holds(str(file), wanted) for wanted in (b"0", b"9", b"2345", b"3456789", b"46", b"90")] == [
        *[True] * 4,
        *[False] * 2,
    ]


def test_neither_reading_the_file_nor_opening_it_again_gives_up_a_lock(tmp_path: Path) -> None:
    path, options = tmp_path / "store.db", SQLiteOptions(journal_mode="DELETE", timeout=0.1)
    store = opened(path, options)
    with store.transaction(["alice"]) as transaction:
        transaction.user("alice").create("2026-01-01T00:00:00.000000+00:00")
        assert not kept_files.holds(str(path), b"something")
        opened(path, options).close()
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        command = [sys.executable, "-c", code, str(path)]
        assert "database is locked" in subprocess.run(command, capture_output=True, text=True, check=False).stderr
    store.close()


def test_a_file_that_was_read_is_closed_with_the_store(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    kept = dict(kept_files._kept)
    assert kept_files.beginning(os.devnull, 10) == b""
    first, second = opened(path), opened(path)
    assert kept_files.holds(str(path), b"SQLite format 3")
    first.close()
    first.close()
    assert str(path.resolve()) in kept_files._kept
    shutil.copy(path, tmp_path / "copy")
    (tmp_path / "copy").replace(path)
    assert kept_files.holds(str(path), b"SQLite format 3")
    second.close()
    assert kept_files._kept == kept


# ---- doctor ---------------------------------------------------------------------------------------------------------


def test_the_doctor_shows_versions_store_and_plugins(cli: Cli) -> None:
    said = cli.json("doctor")
    assert said["ok"] is True
    assert said["problems"] == []
    assert {"qfzz", "python", "sqlite", "numpy", "pluggy", "system"} <= said["versions"].keys()
    store = said["store"]
    assert (store["url"], store["from"]) == (cli.store, "the environment variable QFZZ_STORE")
    assert (store["tracks"], store["users"], store["journal_mode"]) == (2, 2, "WAL")
    assert store["size"] > 4096
    assert store["free"] > 0
    text = cli.ok("doctor")
    assert "  users:            2\n" in text
    assert text.endswith("Nothing is wrong.\n")


@pytest.mark.parametrize(
    ("version", "vulnerable"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_the_versions_with_the_wal_reset_bug_are_known(version: tuple[int, ...], vulnerable: bool) -> None:
    assert maintenance.has_wal_reset_bug(version) is vulnerable


def test_a_sqlite_with_the_wal_reset_bug_is_a_warning_in_wal_mode_alone(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance.sqlite3, "sqlite_version_info", (3, 51, 2))
    said = cli.json("doctor")
    assert said["ok"]
    assert ["WAL-reset bug" in warning for warning in said["warnings"]] == [True]
    assert "\nwarning: SQLite" in cli.ok("doctor")
    config = cli.write("qfzz.toml", f'[store]\nurl = "{cli.store}"\njournal_mode = "DELETE"\n')
    monkeypatch.delenv("QFZZ_STORE")
    said = cli.json("--config", config, "doctor")
    assert (said["store"]["journal_mode"], said["warnings"]) == ("DELETE", [])


def test_the_doctor_makes_no_store(cli: Cli) -> None:
    missing = cli.directory / "no" / "such" / "store.db"
    said = cli.json("--store", f"sqlite:///{missing}", "doctor")
    assert (said["store"]["state"], said["ok"]) == ("not made yet", True)
    assert not (cli.directory / "no").exists()


def problems(cli: Cli, *args: str) -> str:
    result = cli(*args, "doctor", "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, said["ok"]) == (1, False)
    assert "problem: " in cli(*args, "doctor").stdout
    return "\n".join(said["problems"])


def test_a_store_that_cannot_be_opened_is_a_problem(cli: Cli) -> None:
    cli.write("notes.txt", "buy milk")
    assert "is no SQLite database" in problems(cli, "--store", f"sqlite:///{cli.directory}/notes.txt")
    assert "no store is registered" in problems(cli, "--store", "nothing:")


def test_a_place_that_cannot_be_written_or_is_full_is_a_problem(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(cli.directory)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    assert "has hardly any room left (1,000 bytes)" in problems(cli)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=maintenance._LITTLE_ROOM))
    monkeypatch.setattr(maintenance.os.path, "getsize", lambda _: maintenance._LITTLE_ROOM)
    assert "less room than a vacuum needs" in cli.ok("doctor")
    monkeypatch.undo()
    monkeypatch.setattr(os, "access", lambda place, how: how != os.W_OK)
    assert "cannot be written by this user" in problems(cli, "--store", cli.store)
    assert "cannot be written by this user" in problems(cli, "--store", f"sqlite:///{cli.directory}/new.db")


def test_a_configuration_that_cannot_be_used_is_a_problem(cli: Cli) -> None:
    config = cli.write("qfzz.toml", "discovry = 1\n")
    assert "qfzz.toml:1" in problems(cli, "--config", config)


def test_a_plugin_with_problems_is_a_problem_and_a_disabled_one_is_not(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", monkeypatch, "broken", "raise RuntimeError('no luck')\n")
    assert "RuntimeError: no luck" in problems(cli)
    monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "broken")
    assert cli.json("doctor")["plugins"]["disabled"] == 1


def test_a_store_without_more_to_say_is_counted(cli: Cli) -> None:
    said = cli.json("--store", "memory:", "doctor")
    assert (said["store"]["tracks"], said["store"]["users"]) == (0, 0)


def test_a_package_that_is_not_installed_is_reported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package",))
    monkeypatch.setattr(doctor, "_OPTIONAL_PACKAGES", ("no-such-option",))
    versions = cli.json("doctor")["versions"]
    assert versions["no-such-package"] == "not installed as a distribution"
    assert "no-such-option" not in versions


# ---- beneath the commands -------------------------------------------------------------------------------------------


def test_sqlite_offers_what_an_operator_needs_and_memory_does_not(tmp_path: Path) -> None:
    store = opened(tmp_path / f"{quote('ü')}.db")
    assert isinstance(store, Maintainable)
    assert not isinstance(MemoryStore(), Maintainable)
    store.backup(str(tmp_path / "b.db"))
    with pytest.raises(StoreUnavailableError, match="or the backup of it, cannot be opened"):
        store._connections.mine().copy_to(str(tmp_path / "missing" / "b.db"))
    with pytest.raises(StoreNotEmptyError):
        store.backup(str(tmp_path / "b.db"))
    with pytest.raises(StoreUnavailableError):
        store.backup(str(tmp_path), replace=True)
    with store.transaction([]), pytest.raises(StoreError, match="open already"):
        store.vacuum()
    store.close()


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with output.progress_line() as show:
        show("user 1\x1b")
        time.sleep(0.2)
    assert "user 1\\x1b" in capsys.readouterr().err


# ---- the cache of the catalogue -------------------------------------------------------------------------------------


@pytest.fixture
def keeping_small_catalogues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qfzz_core.catalogue.cache.schedule.LEAST_TRACKS", 1)


@pytest.mark.usefixtures("keeping_small_catalogues")
def test_the_command_line_keeps_catalogues_in_the_users_cache(cli: Cli) -> None:
    assert cli.json("doctor")["cache"] == {"directory": f"{cli.directory}/cache", "from": "the default", "size": 0}
    first = cli.json("recommend", "alice", "--seed", "1")
    (kept,) = (cli.directory / "cache").glob("*.catalogue")
    assert cli.json("doctor")["cache"]["size"] >= kept.stat().st_size > 0
    assert f"  size:             {cli.json('doctor')['cache']['size']:,}\n" in cli.ok("doctor")
    assert cli.json("recommend", "alice", "--seed", "1") == first


@pytest.mark.usefixtures("keeping_small_catalogues")
def test_the_configuration_says_where_catalogues_are_kept_if_at_all(cli: Cli) -> None:
    config = cli.write("qfzz.toml", "[catalogue]\ncache = false\n")
    cli.ok("--config", config, "recommend", "alice")
    assert not (cli.directory / "cache").exists()
    assert cli.json("--config", config, "doctor")["cache"] == {
        "directory": None,
        "from": "the configuration",
        "size": 0,
    }
    place = cli.directory / "elsewhere"
    config = cli.write("qfzz.toml", f'[catalogue]\ncache = "{place}"\n')
    cli.ok("--config", config, "recommend", "alice")
    assert len(list(place.glob("*.catalogue"))) == 1
