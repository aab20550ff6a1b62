"""Which files are opened, and files that are written whole or not at all."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfzz_core.model.files import make_directory, open_ordinary, ordinary, remove_abandoned, replacing

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes, FIFOs and locks are POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---- which files -----------------------------------------------------------------------------------------------------


@POSIX
def test_a_fifo_a_device_and_a_directory_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, kind in ((tmp_path / "fifo", "a FIFO"), ("/dev/zero", "a device"), (tmp_path, "a directory")):
        for refuse in (ordinary, open_ordinary):
            with pytest.raises(OSError, match=f"it is {kind}, no ordinary file"):
                refuse(path)


@given(name=st.text(max_size=300))
def test_whatever_the_name_what_cannot_be_opened_is_an_os_error(name: str) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - of any number
        open_ordinary(f"/nowhere/{name}", streams=True)
    assert caught.value.strerror


@POSIX
def test_a_stream_may_be_a_fifo_and_no_device_but_a_terminal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    writing = threading.Thread(target=lambda: (tmp_path / "fifo").write_text("rows"))
    writing.start()
    with open_ordinary(tmp_path / "fifo", streams=True) as file:
        assert file.read() == b"rows"
    writing.join()
    with pytest.raises(OSError, match="it is a device"):
        open_ordinary("/dev/zero", streams=True)
    ours, theirs = os.openpty()
    with open_ordinary(os.ttyname(theirs), streams=True) as file:
        assert file.isatty()
    os.close(ours)
    os.close(theirs)


@POSIX
def test_every_directory_that_is_made_is_for_its_owner(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    there.chmod(0o755)
    mask = os.umask(0)
    try:
        for _ in range(2):
            make_directory(there / "a" / "b")
    finally:
        os.umask(mask)
    assert [mode(path) for path in (there, there / "a", there / "a" / "b")] == [0o755, 0o700, 0o700]
    (there / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_directory(there / "file" / "below")


# ---- writing ---------------------------------------------------------------------------------------------------------


@POSIX
@pytest.mark.parametrize(("private", "replaced"), [(False, 0o644), (True, 0o600)])
def test_a_new_file_is_for_its_owner_and_an_older_one_keeps_its_mode_unless_it_is_private(
    tmp_path: Path, private: bool, replaced: int
) -> None:
    target = tmp_path / "target"
    mask = os.umask(0)
    try:
        with replacing(target, private=private) as temporary:
            assert mode(Path(temporary)) == 0o600
        made = mode(target)
        target.chmod(0o644)
        with replacing(target, private=private) as temporary:
            Path(temporary).write_text("new")
    finally:
        os.umask(mask)
    assert (made, mode(target), target.read_text()) == (0o600, replaced, "new")


def test_a_block_that_raises_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("older")

    def write() -> None:
        with replacing(target) as temporary:
            Path(temporary).write_text("new")
            Path(f"{temporary}-journal").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert (list(tmp_path.iterdir()), target.read_text()) == ([target], "older")


@POSIX
@pytest.mark.parametrize("target", ["fifo", "directory", "loop", "/dev/null", "a\0b", "\ud800", "x" * 300, "no/where"])
def test_what_cannot_be_replaced_is_an_os_error_before_the_block(tmp_path: Path, target: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "directory").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    entered = []

    def write() -> None:
        with replacing(tmp_path / target):
            entered.append(target)

    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError) as caught:  # noqa: PT011 - of any number
        write()
    assert caught.value.strerror
    assert (entered, sorted(tmp_path.iterdir())) == ([], before)


WRITER = """
import sys
from qfzz_core.model.files import replacing
with replacing(sys.argv[1]) as temporary:
    open(temporary + "-journal", "w").close()
    print(temporary, flush=True)
    sys.stdin.read()
"""


@POSIX
def test_what_killed_writers_left_is_removed_and_never_what_a_live_one_writes(tmp_path: Path) -> None:
    target = tmp_path / "target"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    names = [Path((writer.stdout and writer.stdout.readline().strip()) or "") for writer in writers]
    assert all(name.exists() for name in names)
    for writer in writers[:3]:
        writer.kill()
        writer.wait()
    orphan = tmp_path / f".qfzz-{'0' * 16}.tmp-wal"
    orphan.touch()
    (tmp_path / ".qfzz-own").touch()  # somebody else's name
    with replacing(target) as temporary:
        left = {path.name for path in tmp_path.iterdir()}
        own = {Path(temporary).name, ".qfzz-own"}
        assert left == own | {names[3].name, f"{names[3].name}-journal"}
    writers[3].communicate()
    assert writers[3].returncode == 0
    names[3].with_name(f"{names[3].name}-journal").unlink()
    for writer in writers:
        for stream in (writer.stdin, writer.stdout):
            if stream:
                stream.close()
    assert {path.name for path in tmp_path.iterdir()} == {"target", ".qfzz-own"}


def test_many_threads_that_write_one_file_all_succeed(tmp_path: Path) -> None:
    target, failed = tmp_path / "target", []

    def write(number: int) -> None:
        try:
            for _ in range(30):
                with replacing(target, durable=False) as temporary:
                    Path(temporary).write_text(str(number) * 1000)
        except BaseException as error:  # noqa: BLE001 - it would be lost with the thread
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert (len(target.read_text()), list(tmp_path.iterdir())) == (1000, [target])


def test_a_file_that_was_taken_for_abandoned_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = iter(["1" * 16, "2" * 16])

    def token(_: int) -> str:
        return next(tokens)

    opened = os.open

    def open_and_lose(path: str, flags: int, *rest: int) -> int:
        descriptor = opened(path, flags, *rest)
        if "1" * 16 in path:
            os.unlink(path)
        return descriptor

    monkeypatch.setattr("secrets.token_hex", token)
    monkeypatch.setattr(os, "open", open_and_lose)
    with replacing(tmp_path / "target") as temporary:
        assert "2" * 16 in temporary
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


@POSIX
def test_where_there_are_no_locks_files_are_written_and_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refuse(*_: int) -> None:
        raise OSError("no locks available")

    left = tmp_path / f".qfzz-{'0' * 16}.tmp"
    left.touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    with replacing(tmp_path / "target"):
        pass
    assert sorted(tmp_path.iterdir()) == [left, tmp_path / "target"]
    monkeypatch.undo()
    left.unlink()
    left.symlink_to("target")  # which nobody here makes
    remove_abandoned(tmp_path)
    assert left.is_symlink()
    remove_abandoned(tmp_path / "missing")
