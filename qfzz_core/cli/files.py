"""Files of exports and playlists: read with errors that name them, and written whole or not at all."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from qfzz_core.errors import DocumentError, QfzzError
from qfzz_core.model.files import open_ordinary, replacing
from qfzz_core.model.plain import MAX_DEPTH, deeper_than

# Characters: 30,000 events take 15 million. What Python makes of JSON takes up to 25 times as much memory: 400 MB.
MAX_SIZE = 16_000_000
_DEPTH = MAX_DEPTH + 10  # the extra keys of an interaction stand on the fifth level of a document


class ExportError(QfzzError):
    """The file of an export cannot be written; what was there before is untouched."""


def read_document(path: Path, most: int = MAX_SIZE) -> Any:
    """Return what a file of JSON says, that of stdin for `-`.

    Raises `DocumentError` for what is no JSON, is nested too deeply, or has more than `most` characters.
    """
    try:
        text = _start(path, most + 1)
        if len(text) > most:
            raise DocumentError(f"{path}: this has more than {most:,} characters (--max-size allows more)")
        document = json.loads(text)
    except DocumentError:
        raise
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: this is no JSON in UTF-8: {error}") from error
    if deeper_than(_DEPTH, [document]):
        raise DocumentError(f"{path}: this is nested deeper than {_DEPTH} levels, and no export of a profile")
    return document


def _start(path: Path, characters: int) -> str:
    if str(path) == "-":
        return sys.stdin.read(characters)
    with TextIOWrapper(open_ordinary(path, streams=True), encoding="utf-8") as file:
        return file.read(characters)


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
