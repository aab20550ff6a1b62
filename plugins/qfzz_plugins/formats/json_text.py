"""A document of JSON that is read a value at a time: a long list takes no more memory than one of its items."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from qfzz_core.contracts.formats import ImportFileError, TrackFile

_decode = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")
# An error that stands farther from the end of what was read is no matter of where the text was cut: "-Infinity" and an
# escape such as "\ud83d\ude00" are shorter.
_CUT = 16


def problem_of(error: Exception) -> str:
    """Return what is wrong with a text that cannot be decoded."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"


class JsonText:
    """The text of a file, and how far it was taken. Every method raises `ImportFileError` where it is no JSON."""

    def __init__(self, file: TrackFile) -> None:
        self.file = file
        self._pieces = file.pieces()
        self._text = ""
        self._at = 0
        # of the first character of `_text`: the lines before it, and the characters before it in its line
        self._lines = self._columns = 0

    def peek(self) -> str:
        """Return the next character that is no white space, which stays; an empty string at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """Take the next value."""
        self.peek()
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._cut(error) or not self._more():
                    raise self._refusal(error.msg, error.pos) from None
            except (ValueError, RecursionError) as error:
                raise self.file.unusable(f"not valid JSON: {problem_of(error)}") from None
            else:
                # a number at the end of what was read may go on: "1" as "1e+20"
                if end <= len(self._text) - _CUT or not self._more():
                    self._check_length(end)
                    self._at = end
                    return value

    def items(self) -> Iterator[Any]:
        """Take a list, and yield its items."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        yield self.value()
        while self._take(",]") == ",":
            yield self.value()

    def keys(self) -> Iterator[str]:
        """Take an object, and yield its keys; the value of each is to be taken before the next key is."""
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            if self.peek() != '"':
                raise self._refusal("Expecting property name enclosed in double quotes", self._at)
            key: str = self.value()
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def end(self) -> None:
        """Check that nothing follows."""
        if self.peek():
            raise self._refusal("Extra data", self._at)

    def _take(self, wanted: str) -> str:
        found = self.peek()
        if not found or found not in wanted:
            raise self._refusal(f"Expecting {wanted[0]!r} delimiter", self._at)
        self._at += 1
        return found

    def _cut(self, error: json.JSONDecodeError) -> bool:
        """Return whether the text may be valid if it goes on."""
        return error.msg.startswith("Unterminated string") or error.pos > len(self._text) - _CUT

    def _more(self) -> bool:
        """Read on, at least as much as is left, so that a long value is decoded only a few times; False at the end."""
        self._check_length(len(self._text))
        left, read, pieces = len(self._text) - self._at, 0, []
        for piece in self._pieces:
            pieces.append(piece)
            read += len(piece)
            if read >= left:
                break
        if pieces:
            self._lines, self._columns = (number - 1 for number in self._place(self._at))
            self._text, self._at = self._text[self._at :] + "".join(pieces), 0
        return bool(pieces)

    def _check_length(self, end: int) -> None:
        if end - self._at > self.file.limits.line:
            raise self.file.too_long("a value", self._place(self._at)[0])

    def _place(self, position: int) -> tuple[int, int]:
        """Return the line and the column of a position, from 1."""
        lines = self._text.count("\n", 0, position)
        begin = self._text.rfind("\n", 0, position) + 1
        before = 0 if lines else self._columns
        return self._lines + lines + 1, before + position - begin + 1

    def _refusal(self, message: str, position: int) -> ImportFileError:
        line, column = self._place(position)
        return self.file.unusable(f"not valid JSON: {message} at column {column}", line)
