"""The place of a store: which file is meant, and whether what is open still is the file of that name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import quote

from qfzz_core.errors import StoreReadOnlyError, StoreUnavailableError
from qfzz_plugins.stores.sqlite.errors import moved_error
from qfzz_plugins.stores.sqlite.kept_files import beginning, create

File = tuple[str, int, int]  # path, inode and device
_BESIDE = ("-wal", "-shm")  # whoever takes one of them away takes what was committed, or the lock of a writer
_VERSION_AT, _WAL = 18, b"\x02\x02"  # https://www.sqlite.org/fileformat.html#file_format_version_numbers


class Place:
    """The path of a store, and the file that was there when it was opened.

    A file with a WAL that nobody can write, because its mount is read-only, is `frozen`: SQLite takes no lock and makes
    no file beside it, so it must not change while it is read.
    """

    def __init__(self, path: str) -> None:
        """Make an empty file, for its owner alone, where there is none; raises `StoreError`."""
        _make(path)
        self.path = path
        self.frozen = _is_frozen(path)
        self._main: list[File] = []
        self._state = (0, 0)

    @property
    def uri(self) -> str:
        """What SQLite has to open. It makes no file: where there is none any more, the store was moved."""
        path = quote(os.fsencode(self.path.replace(os.sep, "/")))
        return f"file://{'' if path.startswith('/') else '/'}{path}?mode=rw{'&immutable=1' if self.frozen else ''}"

    def remember(self) -> None:
        """Say that the file was opened that is there now."""
        self._main = [_file(self.path)]
        self._state = self._state_now()

    def check(self) -> None:
        """Raise `StoreUnavailableError` if the file is another one by now, or a frozen one was written."""
        check(self._main)
        if self.frozen and (self._state_now() != self._state or _has_journal(self.path)):
            raise StoreUnavailableError(f"{self.path} was written, although nobody could write it: open it again")

    def _state_now(self) -> tuple[int, int]:
        found = _found(self.path)
        return found.st_size, found.st_mtime_ns

    def files(self) -> list[File]:
        """Return the files that a connection has open, which was used already."""
        beside = (self.path + ending for ending in _BESIDE)
        return [*self._main, *(_file(path) for path in beside if os.path.exists(path))]


def _make(path: str) -> None:
    try:
        create(path)
    except OSError as error:
        if os.path.exists(path):  # another process was faster
            return
        why = f"it is a link to {os.path.realpath(path)}, which is missing" if os.path.islink(path) else error.strerror
        raise StoreUnavailableError(
            f"{path} cannot be opened: check that path and rights are as they should ({why})"
        ) from error


def _file(path: str) -> File:
    found = _found(path)
    return path, found.st_ino, found.st_dev


def _found(path: str, written: bool = False) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise moved_error(path, written) from error


def check(files: Iterable[File], *, written: bool = False) -> None:
    """Raise `StoreUnavailableError` if one of the files that are open is not at its path; each takes 1.1 us."""
    for path, inode, device in files:
        found = _found(path, written)
        if found.st_ino != inode or found.st_dev != device:
            raise moved_error(path, written)


def on_read_only_mount(path: str) -> bool:
    """Return whether nobody can write a file, whatever the rights."""
    return hasattr(os, "statvfs") and bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _is_frozen(path: str) -> bool:
    """Return whether SQLite has to assume that nothing will change, because it could not read the file otherwise.

    With both files of the WAL beside it, it can.
    """
    if not on_read_only_mount(path) or beginning(path, 20)[_VERSION_AT:] != _WAL:
        return False
    if all(os.path.exists(path + ending) for ending in _BESIDE):
        return False
    if _has_journal(path):
        raise StoreReadOnlyError(
            f"{path} was not closed, and what was written last can only be read from {path}-wal where there is room "
            f"for a file beside it: copy both to a place that can be written, and open the store there"
        )
    return True


def _has_journal(path: str) -> bool:
    try:
        return os.path.getsize(f"{path}-wal") > 0
    except OSError:
        return False
