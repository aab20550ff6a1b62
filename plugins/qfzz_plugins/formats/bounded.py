"""A file that a parser of somebody else's reads: as often and as much as a sound file asks for, and no more."""

from __future__ import annotations

import os
from typing import IO

# An hour of Ogg in small pages takes 50,000 reads; bytes without any frame are gone through one or a few at a time, and
# a million reads take a second and a half.
_READS = 1_000_000
_AT_ONCE = 32_000_000  # bytes: covers are skipped, or stand in a comment as text, which takes a third more
_ALTOGETHER = 256_000_000


class ExcessiveError(Exception):
    """A file makes its parser read without end, or more than memory should hold."""


class BoundedFile:
    """A seekable file of which too much reading raises `ExcessiveError`."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size
        self._reads = _READS
        self._left = _ALTOGETHER

    def read(self, size: int = -1) -> bytes:
        """Read as much as there is of `size` bytes."""
        wanted = max(0, self._size - self._file.tell())
        wanted = wanted if size < 0 else min(size, wanted)
        self._reads -= 1
        self._left -= wanted
        if wanted > _AT_ONCE or self._left < 0:
            raise ExcessiveError(f"one of its parts has more than {_AT_ONCE:,} bytes")
        if self._reads < 0:
            raise ExcessiveError("no end of it is found")
        return self._file.read(wanted)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place of the file."""
        self._reads -= 1
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place in the file."""
        return self._file.tell()
