"""Files of exports and playlists: read with errors that name them, and written whole or not at all."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from qfzz_core.errors import DocumentError, QfzzError


class ExportError(QfzzError):
    """The file of an export cannot be written; what was there before is untouched."""


def read_document(path: Path) -> Any:
    """Return what a file of JSON says, that of stdin for `-`; raises `DocumentError` for what is no JSON."""
    try:
        return json.loads(sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: this is no JSON in UTF-8: {error}") from error


def write_bytes(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file, replacing what is there at once, with the permissions that the umask leaves of `mode`.

    Raises `ExportError`.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ExportError(f"{path}: this is no ordinary file; without --output, the export goes to stdout")
    try:
        _replace(target, content, mode)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {error.strerror or error}") from error


def _replace(target: str, content: bytes, mode: int) -> None:
    # in the same directory: a file cannot be renamed to another file system
    temporary = os.path.join(os.path.dirname(target), f".qfzz-{uuid4().hex}")
    try:
        with open(temporary, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a crash of the machine could leave an empty file under the old name
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
