"""Zip archives, opened without becoming what they can expand to."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from qfzz_core.contracts.formats import ImportFileError
from qfzz_core.formats.decompression import Expansion, expanding

T = TypeVar("T")

MOST_FILES = 10_000  # an export of 20 years has 250, one for each month
_DIRECTORY_BYTES = MOST_FILES * 400  # Python makes up to 20 times that of it
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others take memory as the archive pleases
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_COMMENT = 65_535

# what reading the files of a damaged archive raises, beside `OSError` and `EOFError`
DAMAGED = (zipfile.BadZipFile, zlib.error)
# and opening it
_DAMAGED = (*DAMAGED, EOFError, RuntimeError, ValueError, struct.error)


def is_zip(path: Path) -> bool:
    """Return whether a name says that the file is an archive."""
    return path.suffix.lower() == ".zip"


def files_in(path: Path, raw: IO[bytes], most: int) -> Iterator[tuple[Path, IO[bytes]]]:
    """Yield the path and the content of each file of an archive, in the order of their names; read one, then the next.

    Their paths begin with that of the archive. Raises `ImportFileError`, as reading does, for an archive of too many
    files, and for one whose files together expand to more than `most` times its size.
    """
    size = raw.seek(0, 2)
    if _directory_size(raw, size) > _DIRECTORY_BYTES:
        raise _too_many(path)
    expansion = Expansion(path, most, lambda: size)
    with _opened(path, lambda: zipfile.ZipFile(raw)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MOST_FILES:
            raise _too_many(path)
        for entry in sorted(entries, key=lambda entry: entry.filename):
            inner = path / entry.filename.lstrip("/")
            if entry.flag_bits & 1:
                raise ImportFileError(f"{inner}: it is encrypted; unpack the archive and name the files in it")
            if entry.compress_type not in _METHODS:
                raise ImportFileError(f"{inner}: packed by a method other than deflate; unpack the archive first")
            with _opened(inner, partial(archive.open, entry)) as content:
                packed: Any = content  # which has `read1`, as all that Python gives here
                yield inner, expanding(packed, expansion)


def _opened(path: Path, opening: Callable[[], T]) -> T:
    try:
        return opening()
    except _DAMAGED as error:
        raise ImportFileError(f"{path}: not a valid zip archive: {error}") from error


def _directory_size(raw: IO[bytes], size: int) -> int:
    """Return how many bytes the archive says that its directory has, before anything reads it; 0 if it has none."""
    raw.seek(max(0, size - _COMMENT - 100))
    end = raw.read()
    place = end.rfind(_END)
    said = end[place + 12 : place + 16]
    if place < 0 or len(said) < 4:
        return 0
    large = end[place - 76 + 40 : place - 76 + 48] if end[place - 20 : place].startswith(_END_64) else b""
    return max(int.from_bytes(said, "little"), int.from_bytes(large, "little"))


def _too_many(path: Path) -> ImportFileError:
    return ImportFileError(f"{path}: the archive holds more than {MOST_FILES:,} files")
