"""What a sentence says of bytes that are no text in the encoding they were read with."""

from __future__ import annotations

_MARKED = 0xDC00  # a byte that cannot be decoded becomes the lone surrogate of this number and its own
# what Windows programs write beside letters: quotes, dashes, dots, currencies, degrees and the space that never breaks
_PLAUSIBLE = frozenset(bytes.fromhex("80 82 84 85 91 92 93 94 95 96 97 a0 a1 a3 a9 ab ae b0 b4 bb bf").decode("cp1252"))


def marked(byte: int) -> str:
    """Return the lone surrogate that stands for a byte which cannot be decoded."""
    return chr(_MARKED + byte)


def undecodable(text: str, encoding: str) -> str:
    """Return what is wrong with text in which undecodable bytes are marked, and what may be right."""
    place, byte = next(
        (place, ord(character) & 0xFF) for place, character in enumerate(text) if 0xD800 <= ord(character) <= 0xDFFF
    )
    column = place - text.rfind("\n", 0, place)
    return f"not {encoding.upper()} text: byte 0x{byte:02x} at character {column}; {_hint(text, byte, encoding)}"


def _hint(text: str, byte: int, encoding: str) -> str:
    """Return which encoding to try: Windows-1252 if all its bytes would be letters or usual signs there."""
    bad = bytes(ord(character) & 0xFF for character in text if 0xD800 <= ord(character) <= 0xDFFF)
    read = bad.decode("cp1252", "replace")
    if encoding == "utf-8" and all(sign.isalpha() or sign in _PLAUSIBLE for sign in read):
        return f'with --encoding cp1252 it would read "{read[0]}"'
    return "name the encoding with --encoding, such as cp1252 or utf-16"
