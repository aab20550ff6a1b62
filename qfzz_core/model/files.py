"""Files: which ones are opened at all, and files that are written whole or not at all, for their owner alone."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

AnyPath = str | os.PathLike[str]

OWNER = 0o600  # who may read and write what is made here: profiles and configurations are nobody else's business
_OWNER_DIRECTORY = 0o700
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# SQLite puts files of its own beside a database that is written.
_TEMPORARY = re.compile(r"(\.qfzz-[0-9a-f]{16}\.tmp)(?:-journal|-wal|-shm)?")


# -- which files


def ordinary(path: AnyPath) -> os.stat_result:
    """Return what the system says of an ordinary file, without opening it.

    Raises `OSError` for anything else, with a `strerror` that says what is there: a FIFO would be waited for, a device
    such as /dev/zero has no end.
    """
    found = _stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise _refusal(path, found)
    return found


def open_ordinary(path: AnyPath, *, streams: bool = False) -> BinaryIO:
    """Open an ordinary file for reading; raises `OSError`, as `ordinary` does.

    `streams` takes a FIFO too, which `<(...)` of a shell and a pipe to stdin are, and a terminal.
    """
    found = _stat(path)
    is_stream = streams and (stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode))
    if not is_stream and not stat.S_ISREG(found.st_mode):
        raise _refusal(path, found)
    file = open(path, "rb")  # noqa: SIM115 - the caller closes it
    if stat.S_ISCHR(found.st_mode) and not file.isatty():
        file.close()
        raise _refusal(path, found)
    return file


def _stat(path: AnyPath) -> os.stat_result:
    try:
        return os.stat(path)
    except ValueError as error:  # a NUL character, or what the system's encoding cannot say
        raise OSError(errno.EINVAL, f"no file can have this name: {error}", path) from None


def _refusal(path: AnyPath, found: os.stat_result) -> OSError:
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
    return OSError(errno.EINVAL, f"it is {kind}, no ordinary file", path)


def make_directory(path: Path) -> None:
    """Make a directory, and those above it that are missing, for their owner alone; raises `OSError`."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(mode=_OWNER_DIRECTORY, exist_ok=True)


# -- writing


@contextmanager
def replacing(target: AnyPath, *, private: bool = False, durable: bool = True) -> Iterator[str]:
    """Give the path of an empty file for the block to write; at its end, that takes the place of `target` at once.

    If the block raises, `target` is as it was. A new file can be read by its owner alone; in the place of an older one
    it has that one's mode, unless it is `private`. `durable` syncs it, or a crash of the machine could leave an empty
    file under the name.
    What killed writers left in the directory is removed first. Raises `OSError`, also if `target` is no ordinary file.
    """
    target = _resolved(target)
    older = _mode(target)
    directory = os.path.dirname(target)
    remove_abandoned(directory)
    temporary, descriptor = _locked_file(directory)  # in the same directory: no file can be renamed to another disk
    try:
        yield temporary
        os.chmod(temporary, OWNER if private else older)
        if durable:
            os.fsync(descriptor)
        if sys.platform == "win32":  # where no open file can be renamed
            os.close(descriptor)
            descriptor = -1
        os.replace(temporary, target)
    except BaseException:
        _unlink(temporary)
        raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    if durable:
        _sync_directory(directory)


def remove_abandoned(directory: AnyPath) -> None:
    """Remove what writers that were killed left in a directory, with the files of SQLite beside it.

    A writer holds a lock on its file, which ends with the process, even on another machine. Its process id would not
    do: it may be another's by now.
    """
    with suppress(OSError):
        for name in os.listdir(directory):
            if found := _TEMPORARY.fullmatch(name):
                _remove_if_abandoned(os.path.join(directory, found[1]))


def _remove_if_abandoned(temporary: str) -> None:
    try:
        descriptor = os.open(temporary, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        _unlink(temporary)
        return
    except OSError:
        return
    try:
        if _lock(descriptor, wait=False):
            _unlink(temporary)
    finally:
        os.close(descriptor)
    if sys.platform == "win32":  # what a writer has open there cannot be removed
        _unlink(temporary)


def _unlink(temporary: str) -> None:
    for ending in ("", "-journal", "-wal", "-shm"):
        with suppress(OSError):
            os.unlink(temporary + ending)


def _locked_file(directory: str) -> tuple[str, int]:
    """Make an empty file that holds a lock; a new one if somebody took it for abandoned before it was locked."""
    while True:
        temporary = os.path.join(directory, f".qfzz-{secrets.token_hex(8)}.tmp")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), OWNER)
        _lock(descriptor, wait=True)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(temporary)):
                return temporary, descriptor
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Lock a file; False if another has it, or where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _mode(target: str) -> int:
    try:
        return stat.S_IMODE(ordinary(target).st_mode)
    except FileNotFoundError:
        return OWNER


def _resolved(target: AnyPath) -> str:
    try:
        return os.path.realpath(target)
    except ValueError as error:
        raise OSError(errno.EINVAL, f"no file can have this name: {error}", target) from None


def _sync_directory(directory: str) -> None:
    """Make the new name durable; where directories cannot be synced, the system does it in its own time."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
