"""The file of an export: read with errors that name it, and written whole or not at all."""

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
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ExportError(f"{path}: this is no ordinary file; without --output the export goes to stdout")
    try:
        _replace(target, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {error.strerror or error}") from error


def _replace(target: str, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".qfzz-")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
