"""From bytes to text: which encoding a file has, and decoding that lets no bad byte pass unseen."""

from __future__ import annotations

import codecs
import io
import json
from typing import IO, Any, TextIO

from qfzz_core.contracts.formats import ImportFileError
from qfzz_core.model.encodings import marked

# UTF-32 first: its mark begins like that of UTF-16
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# which Python refuses to read without a mark; nearly all such files are of Windows
_UNMARKED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_MARKING = "qfzz.marked"


def encoding_of(stream: IO[bytes], asked: str | None = None) -> str:
    """Return the encoding that the byte order mark of a buffered stream says, else the one asked for, else UTF-8."""
    buffered: Any = stream
    start = buffered.peek(4)[:4]
    named = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    if named or asked is None:
        return named or "utf-8"
    return _UNMARKED.get(codecs.lookup(asked).name, asked)


def check_encoding(encoding: str) -> None:
    """Raise `ImportFileError` unless Python knows the encoding as one of text, in which bad bytes can be marked."""
    try:
        decoded(io.BytesIO("a".encode(encoding) + b"\xff"), encoding).read()
    except (LookupError, ValueError):
        examples = "utf-8, utf-16, cp1252, latin-1, shift_jis"
        raise ImportFileError(
            f"there is no encoding {json.dumps(encoding)}; there are {examples} and others of Python"
        ) from None


def decoded(stream: IO[bytes], encoding: str) -> TextIO:
    """Return a stream as text, in which each byte that cannot be decoded is marked by a lone surrogate."""
    # newline="", because CSV may hold line breaks within quotes, which must not be translated
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    return io.TextIOWrapper(stream, encoding=name, errors=_MARKING, newline="")


def _mark(error: Any) -> tuple[str, int]:
    """Return marks for the bytes of a `UnicodeDecodeError`, and where to go on."""
    return "".join(map(marked, error.object[error.start : error.end])), error.end


codecs.register_error(_MARKING, _mark)
