"""The files of exports and playlists: read with errors that name them, and written whole or not at all."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from qfzz_core.errors import DocumentError, QfzzError


class ExportError(QfzzError):
    """The file of an export cannot be written; what was there before is untouched."""


def read_document(path: Path) -> Any:
    """Return what a file of JSON says, that of stdin for `-`; raises `DocumentError` for what is no JSON."""
    try:
        return json.loads(sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: this is no JSON in UTF-8: {error}") from error


def write_whole(path: Path, value: Any) -> None:
    """Write JSON to a file that only its owner can read, replacing what is there at once; raises `ExportError`."""
    write_bytes(path, f"{json.dumps(value, indent=2, ensure_ascii=False)}\n".encode(), private=True)


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file, replacing what is there at once; raises `ExportError`.

    `private`: only its owner can read it. Otherwise whoever can read what this process makes.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ExportError(f"{path}: this is no ordinary file; without --output the export goes to stdout")
    try:
        _replace(target, content, private=private)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {error.strerror or error}") from error


def _replace(target: str, content: bytes, *, private: bool) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".qfzz-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0o077)  # which can only be asked for by setting it
    os.umask(mask)
    return mask
