"""Files of exports and playlists: read with errors that name them, and written whole or not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from qfzz_core.errors import DocumentError, QfzzError
from qfzz_core.model.files import open_ordinary, replacing


class ExportError(QfzzError):
    """The file of an export cannot be written; what was there before is untouched."""


def read_document(path: Path) -> Any:
    """Return what a file of JSON says, that of stdin for `-`; raises `DocumentError` for what is no JSON."""
    try:
        return json.loads(sys.stdin.read() if str(path) == "-" else _text(path))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: this is no JSON in UTF-8: {error}") from error


def _text(path: Path) -> str:
    with open_ordinary(path, streams=True) as file:
        return file.read().decode("utf-8")


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file that its owner alone can read, or replace one at once; raises `ExportError`.

    A file that is replaced keeps its mode, unless what is written is `private`.
    """
    try:
        with replacing(path, private=private) as temporary:
            Path(temporary).write_bytes(content)
    except OSError as error:
        raise ExportError(
            f"{path}: cannot be written: {error.strerror or error}; without --output, the export goes to stdout"
        ) from error
