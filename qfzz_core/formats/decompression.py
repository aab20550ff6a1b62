"""Reading compressed files without becoming what they can expand to."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from qfzz_core.contracts.formats import ImportFileError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# bytes before the ratio counts: a short list of equal lines may well compress to a thousandth
_FREE = 10_000_000
_BUFFER = 1 << 17


def decompressed(path: Path, raw: IO[bytes], most: int) -> IO[bytes]:
    """Return the content of a gzip file as a stream.

    Raises `ImportFileError`, as reading does, for content of more than `most` times the size of what was read of `raw`.
    """

    def stream() -> IO[bytes]:
        counted: Any = _Counted(raw)  # which has what gzip calls
        return expanding(gzip.GzipFile(fileobj=counted, mode="rb"), Expansion(path, most, lambda: counted.size))

    if raw.seekable():  # refused at once, not after seconds of reading rows: 10 MB take 0.05 s to decompress
        ahead = stream()
        for _ in range(_FREE // _BUFFER + 1):
            ahead.read(_BUFFER)
        raw.seek(0)
    return stream()


class Expansion:
    """How much a compressed file has become: more than `most` times what was `read` of it raises `ImportFileError`."""

    def __init__(self, path: Path, most: int, read: Callable[[], int]) -> None:
        self._path = path
        self._most = most
        self._read = read
        self._size = 0

    def add(self, size: int) -> None:
        """Count bytes that were decompressed."""
        self._size += size
        if self._size > _FREE and self._size > self._most * self._read():
            reason = f"expands to more than {self._most:,} times its size (--max-expansion allows more)"
            raise ImportFileError(f"{self._path}: {reason}")


def expanding(stream: _Reads, expansion: Expansion) -> IO[bytes]:
    """Return a stream that decompresses, with its pieces counted."""
    return io.BufferedReader(_Expanding(stream, expansion), _BUFFER)


class _Reads(Protocol):
    def read1(self, size: int, /) -> bytes: ...


class _Counted:
    """A file of which the bytes that were read are counted; a pipe has no position that could say it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._raw.read(size)
        self.size += len(piece)
        return piece


class _Expanding(io.RawIOBase):
    """A raw stream over one that decompresses, so that whatever is read of the buffer over it is checked."""

    def __init__(self, stream: _Reads, expansion: Expansion) -> None:
        super().__init__()
        self._stream = stream
        self._expansion = expansion

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read up to as much as the buffer holds, and return how much that was."""
        view = memoryview(buffer).cast("B")
        piece = self._stream.read1(len(view))
        view[: len(piece)] = piece
        self._expansion.add(len(piece))
        return len(piece)
