"""What becomes of a SQLite store whose file goes away, is none, or can be written by nobody."""

import logging
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.sqlite_files import made, opened

from qfzz import PersonalizedDJ
from qfzz_core.config import Config
from qfzz_core.contracts.stores import Store
from qfzz_core.errors import StoreReadOnlyError, StoreUnavailableError
from qfzz_core.storage import copy_store
from qfzz_core.testing.samples import create, some_tracks
from qfzz_core.testing.stores_transactions import everything
from qfzz_plugins.stores.memory import MemoryStore
from qfzz_plugins.stores.sqlite import SQLiteOptions
from qfzz_plugins.stores.sqlite.place import Place
from qfzz_plugins.stores.sqlite.store import SQLiteStore

pytest_plugins = ["support.sqlite_files"]

ENDINGS = ("", "-wal", "-shm")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory of a store, which can be moved."""
    found = tmp_path / "own"
    found.mkdir()
    return found


@pytest.fixture(params=["WAL", "DELETE"])
def dj(request: pytest.FixtureRequest, home: Path) -> Iterator[PersonalizedDJ]:
    config = Config.from_dict({"store": {"url": f"sqlite:///{home}/music.db", "journal_mode": request.param}})
    with PersonalizedDJ(config=config, seed=1) as found:
        found.add_content(some_tracks(20))
        found.record_feedback("alice", "t1", "like", event_id="before")
        yield found


# ---- a file that goes away -------------------------------------------------------------------------------------------


def removed(home: Path) -> None:
    for ending in ENDINGS:
        Path(f"{home}/music.db{ending}").unlink(missing_ok=True)


def moved(home: Path) -> None:
    (home / "music.db").rename(home / "elsewhere.db")


def directory_moved(home: Path) -> None:
    home.rename(home.parent / "elsewhere")


def replaced(home: Path) -> None:
    made(home.parent / "other.db")
    (home.parent / "other.db").replace(home / "music.db")


def copied_over(home: Path) -> None:
    """As editors and synchronising programs do."""
    shutil.copy(home / "music.db", home / "copy.db")
    (home / "copy.db").replace(home / "music.db")


def made_a_directory(home: Path) -> None:
    (home / "music.db").unlink()
    (home / "music.db").mkdir()


WAYS = [removed, moved, directory_moved, replaced, copied_over, made_a_directory]


def _edit(dj: PersonalizedDJ) -> None:
    with dj.edit("alice") as profile:
        profile.energy_level = 0.9


WRITES: dict[str, Callable[[PersonalizedDJ], Any]] = {
    "feedback": lambda dj: dj.record_feedback("alice", "t1", "like"),
    "many feedbacks": lambda dj: dj.engine.record_many(
        [{"user_id": "alice", "track_id": "t1", "interaction_type": "like"}]
    ),
    "edit": _edit,
    "a new profile": lambda dj: dj.get_or_create_profile("bob"),
    "tracks": lambda dj: dj.add_content(some_tracks(3)),
    "removal": lambda dj: dj.remove_content(["t1"]),
    "forget": lambda dj: dj.engine.forget("alice"),
    "rebuild": lambda dj: dj.engine.rebuild("alice"),
    "load": lambda dj: copy_store(MemoryStore(), dj.engine.store, replace=True),
    "vacuum": lambda dj: dj.engine.store.vacuum(),
}
READS: dict[str, Callable[[PersonalizedDJ], Any]] = {
    "recommend": lambda dj: dj.recommend("alice"),
    "profile": lambda dj: dj.get_profile("alice"),
    "plan": lambda dj: dj.engine.plan("alice"),
    "check": lambda dj: dj.engine.store.check(),
    "condition": lambda dj: dj.engine.store.condition(),
    "record": lambda dj: dj.engine.store.record("alice"),
    "users": lambda dj: list(dj.engine.store.user_ids()),
    "catalogue": lambda dj: dj.engine.store.catalogue_since(None),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_call_on_a_file_that_went_away_raises_and_names_it(
    dj: PersonalizedDJ, home: Path, way: Callable[[Path], None]
) -> None:
    held = dj.get_or_create_profile("alice")
    way(home)
    for call in (*WRITES.values(), *READS.values(), lambda _: setattr(held, "energy_level", 0.9)):
        with pytest.raises(StoreUnavailableError, match=r"/own/music\.db was removed or moved .*put it back, or open"):
            call(dj)
        with ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailableError, match=r"/own/music\.db "):
            pool.submit(call, dj).result()
    assert held.energy_level == 0.5
    with pytest.raises(StoreUnavailableError, match=r"/own/music\.db "):
        dj.engine.store.backup(str(home.parent / "backup.db"))


@pytest.mark.parametrize("way", [moved, directory_moved])
def test_a_file_that_is_put_back_is_used_again(dj: PersonalizedDJ, home: Path, way: Callable[[Path], None]) -> None:
    way(home)
    with pytest.raises(StoreUnavailableError):
        dj.record_feedback("alice", "t1", "like", event_id="meanwhile")
    if way is moved:
        (home / "elsewhere.db").rename(home / "music.db")
    else:
        (home.parent / "elsewhere").rename(home)
    dj.record_feedback("alice", "t1", "like", event_id="after")
    with PersonalizedDJ(store=f"sqlite:///{home}/music.db") as other:
        assert event_ids(other) == ["before", "after"]


def event_ids(dj: PersonalizedDJ) -> list[str | None]:
    return [event.event_id for event in dj.engine.store.events("alice") if event.kind == "feedback"]


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
def test_without_a_file_of_the_wal_nothing_is_written_and_no_thread_begins(home: Path, ending: str) -> None:
    with PersonalizedDJ(store=f"sqlite:///{home}/music.db", seed=1) as dj:
        dj.add_content(some_tracks(20))
        dj.record_feedback("alice", "t1", "like", event_id="before")
        (home / f"music.db{ending}").rename(home / "aside")
        for write in WRITES.values():
            with pytest.raises(StoreUnavailableError, match=f"music.db{ending} was removed or moved"):
                write(dj)
        with ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailableError, match=f"music.db{ending} was"):
            pool.submit(dj.get_profile, "alice").result()
        assert not (home / f"music.db{ending}").exists()
        assert event_ids(dj) == ["before"]
        (home / "aside").rename(home / f"music.db{ending}")
        dj.record_feedback("alice", "t1", "like", event_id="after")
    with PersonalizedDJ(store=f"sqlite:///{home}/music.db") as dj:
        assert event_ids(dj) == ["before", "after"]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_goes_away_inside_a_transaction_is_reported_by_its_end(
    dj: PersonalizedDJ, home: Path, way: Callable[[Path], None]
) -> None:
    with pytest.raises(StoreUnavailableError, match=r"music\.db"):
        _write(dj.engine.store, lambda: way(home))


def _write(store: Store, meanwhile: Callable[[], None]) -> None:
    with store.transaction(["alice"]) as transaction:
        transaction.user("alice").put_weight("genres", "jazz", 0.75)
        meanwhile()
        transaction.finish()


def test_what_went_to_the_file_that_was_moved_is_said_to_be_there(home: Path) -> None:
    store = opened(home / "music.db")
    create(store, "alice")
    with pytest.raises(StoreUnavailableError, match="went to the file that was open; put that one back"):
        _write(store, lambda: directory_moved(home))
    store.close()
    there = opened(home.parent / "elsewhere" / "music.db")
    found = there.snapshot("alice")
    assert found is not None
    assert dict(found.genres) == {"jazz": 0.75}
    there.close()


def test_a_link_that_leads_elsewhere_now_is_another_file(tmp_path: Path) -> None:
    made(tmp_path / "a.db")
    made(tmp_path / "b.db")
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "a.db")
    store = opened(link)
    create(store, "bob")
    link.unlink()
    link.symlink_to(tmp_path / "b.db")
    with pytest.raises(StoreUnavailableError, match=r"link\.db was removed or moved"):
        create(store, "carol")
    store.close()


# ---- no file ---------------------------------------------------------------------------------------------------------


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(path.parent)  # the names of sockets are short
        listening.bind(path.name)
        os.chdir(here)


def _link_to(target: str) -> Callable[[Path], None]:
    def link(path: Path) -> None:
        path.symlink_to(target)

    return link


SPECIAL = {
    "FIFO": _fifo,
    "socket": _socket,
    "directory": Path.mkdir,
    "missing target": _link_to("missing.db"),
    "loop": _link_to("store.db"),
    "/dev/null": _link_to("/dev/null"),
    "/dev/zero": _link_to("/dev/zero"),
    "/proc/self/mem": _link_to("/proc/self/mem"),
}


@pytest.mark.skipif(os.name != "posix", reason="made by POSIX calls")
@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_file_is_refused_as_a_store_and_not_waited_for(path: Path, kind: str) -> None:
    SPECIAL[kind](path)
    before = os.lstat(path)
    with pytest.raises(StoreUnavailableError, match=r"store\.db cannot be (read|opened)"):
        opened(path)
    assert os.path.samestat(os.lstat(path), before)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["x" * 300, "file/store.db", "none/store.db"])
def test_a_path_where_no_file_can_be_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailableError, match="cannot be"):
        opened(tmp_path / name)


def test_a_store_that_another_process_made_at_this_moment_is_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.touch()
    exists = iter([False])
    known = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: next(exists, known(path)))
    assert Place(str(path)).path == str(path)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_store_can_be_read_by_its_owner_alone_and_one_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        store = opened(tmp_path / "new.db")
        create(store, "alice")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        store.backup(str(tmp_path / "backup.db"))
        store.close()
    finally:
        os.umask(mask)
    assert modes == {f"new.db{ending}": 0o600 for ending in ENDINGS}
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600
    (tmp_path / "new.db").chmod(0o640)
    opened(tmp_path / "new.db").close()
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o640


# ---- a mount that nobody can write -----------------------------------------------------------------------------------


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system of its own, or mounts it again with other options."""
    place = tmp_path / "mount"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", place], check=False, capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")

    def again(options: str) -> Path:
        subprocess.run(["mount", "-o", f"remount,{options}", place], check=True, capture_output=True)
        return place

    yield again
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_store_on_a_read_only_mount_can_be_read_and_says_what_to_do_to_write(
    mount: Callable[[str], Path], mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = mount("rw") / "store.db"
    held = made(path, SQLiteOptions(journal_mode=mode))
    mount("ro")
    with PersonalizedDJ(store=f"sqlite:///{path}", seed=1) as dj:
        store = dj.engine.store
        assert everything(store) == held
        assert store.check() == []
        assert [warning for warning in store.condition().warnings if "read-only mount" in warning]
        assert not store.condition().problems
        assert len(dj.recommend("alice", limit=5)) == 5
        with caplog.at_level(logging.DEBUG, "qfzz"):
            assert len(dj.recommend("nobody", limit=5)) == 5
        assert "served by default preferences and not created" in caplog.text
        assert dj.get_profile("nobody") is None
        for write in [write for name, write in WRITES.items() if name != "rebuild"]:  # which writes what is different
            with pytest.raises(StoreReadOnlyError, match="give this user the right to write there, or copy it"):
                write(dj)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(everything, store).result() == held
        store.backup(str(tmp_path / "backup.db"))
        with PersonalizedDJ(store=f"sqlite:///{tmp_path}/copy.db") as copy:
            assert copy_store(store, copy.engine.store).users == 1
    backup = opened(tmp_path / "backup.db")
    assert everything(backup) == held
    backup.close()


def test_a_new_store_on_a_read_only_mount_is_refused(mount: Callable[[str], Path]) -> None:
    with pytest.raises(StoreUnavailableError, match=r"cannot be opened: .*Read-only file system"):
        opened(mount("ro") / "store.db")


def crashed(place: Path) -> list[Any]:
    """Leave the files of a store in a directory as a process that was killed does, and return what they hold."""
    made(place / "store.db")
    store = opened(place / "store.db")
    create(store, "carol")
    held = everything(store)
    (place / "crashed").mkdir()
    for ending in ENDINGS:
        shutil.copy(place / f"store.db{ending}", place / "crashed")
    store.close()
    return held


def test_what_stands_in_the_journal_of_a_read_only_store_is_read_or_the_store_is_refused(
    mount: Callable[[str], Path],
) -> None:
    place = mount("rw")
    held = crashed(place)
    mount("ro")
    store = opened(place / "crashed" / "store.db")
    assert everything(store) == held
    store.close()
    mount("rw")
    before = (place / "store.db").read_bytes()
    (place / "crashed" / "store.db-shm").unlink()
    for ending in ENDINGS[1:]:
        (place / f"store.db{ending}").touch()
    mount("ro")
    store = opened(place / "store.db")  # with a journal in which nothing stands
    assert everything(store) == held
    store.close()
    assert (place / "store.db").read_bytes() == before
    with pytest.raises(StoreReadOnlyError, match=r"store\.db-wal .*copy both to a place that can be written"):
        opened(place / "crashed" / "store.db")


def test_a_read_only_store_that_was_written_through_another_mount_gives_nothing_that_it_read(
    mount: Callable[[str], Path], tmp_path: Path
) -> None:
    place = mount("rw")
    made(place / "store.db")
    second = tmp_path / "second"
    second.mkdir()
    if subprocess.run(["mount", "--bind", place, second], check=False, capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted twice here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", second], check=True)
        store = opened(second / "store.db")
        assert store.revision("alice") is not None
        writing = opened(place / "store.db")
        create(writing, "bob")
        for read in (store.catalogue_token, lambda: store.revision("alice"), lambda: store.catalogue_since(None)):
            with pytest.raises(StoreUnavailableError, match="was written, although nobody could"):
                read()
        assert _reads_both(second / "store.db")  # with the journal there, SQLite can lock and see
        writing.close()
        store.close()
        assert _reads_both(second / "store.db")
    finally:
        subprocess.run(["umount", "-l", second], check=True)


def _reads_both(path: Path) -> bool:
    store = opened(path)
    found = list(store.user_ids())
    store.close()
    return found == ["alice", "bob"]


def test_a_stream_of_a_read_only_store_ends_when_it_was_written(
    path: Path, monkeypatch: pytest.MonkeyPatch, store: SQLiteStore
) -> None:
    store.write_tracks(some_tracks(5000))
    store.close()
    monkeypatch.setattr("qfzz_plugins.stores.sqlite.place.on_read_only_mount", lambda _: True)
    frozen = opened(path)
    tracks = iter(frozen.catalogue_since(None).written)
    next(tracks)
    os.utime(path)
    with pytest.raises(StoreUnavailableError, match="was written, although nobody could"):
        list(tracks)
    frozen.close()
