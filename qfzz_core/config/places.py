"""On which line of a TOML text a key stands, so that an error can say it; the values are tomllib's business."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

KeyPath = tuple[str | int, ...]
"""The keys that lead to a value from the top of the text, with the position where a list is on the way."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

# Strings come first: a bracket, "#" or line break in one is none. Up to five quotes close a string of several lines,
# because two of them may belong to it. What is no valid TOML is read somehow: tomllib has refused it before.
_TOKEN = re.compile(
    r'''
      (?P<string> """(?:\\.|[^\\])*?"{3,5} | \'\'\'.*?\'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<open> [\[{] )
    | (?P<close> [\]}] )
    | (?P<equals> = )
    | (?P<other> [^"'\#\n\[\]{}=]+ | . )
    ''',
    re.VERBOSE | re.DOTALL,
)


def quoted(text: str) -> str:
    """Return the text between quotes as TOML would write it, on one line and safe to print on a terminal."""
    return "".join(map(_printable, json.dumps(text, ensure_ascii=False)))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\u{ord(character):04X}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08X}"


def shown_key(key: str) -> str:
    """Return a key as TOML would write it: bare, or between quotes if it needs them."""
    return key if _BARE_KEY.fullmatch(key) else quoted(key)


def dotted(path: Iterable[str | int]) -> str:
    """Return the keys of a path as the header of a table would write them."""
    return ".".join(shown_key(str(key)) for key in path)


class Places:
    """The lines of a text, counted from 1, on which its keys and tables stand."""

    def __init__(self, text: str) -> None:
        # `[a.b]` on line 1 implies `a`, but a header `[a]` on line 3 is where somebody looks for it.
        self._stated: dict[KeyPath, int] = {}
        self._implied: dict[KeyPath, int] = {}
        self._last_elements: dict[KeyPath, int] = {}
        self._scan(text.replace("\r\n", "\n"))

    def line(self, path: KeyPath) -> int:
        """Return the line of a key; of the nearest table around it if it is not found; else 1.

        A key inside an inline table or a list stands where that begins.
        """
        for length in range(len(path), 0, -1):
            for lines in (self._stated, self._implied):
                if path[:length] in lines:
                    return lines[path[:length]]
        return 1

    def _scan(self, text: str) -> None:
        table: KeyPath = ()
        for line, head in _statements(text):
            if head.startswith("[["):
                table = self._new_element(_keys(head[2:-2]))
                self._note(table, line)
            elif head.startswith("["):
                table = self._resolved(_keys(head[1:-1]))
                self._note(table, line)
            else:
                self._note(table + _keys(head), line)

    def _note(self, path: KeyPath, line: int) -> None:
        self._stated.setdefault(path, line)
        for length in range(1, len(path)):
            self._implied.setdefault(path[:length], line)

    def _resolved(self, keys: tuple[str, ...]) -> KeyPath:
        """Return the path that a header means: of an array of tables, always the last element so far."""
        path: KeyPath = ()
        for key in keys:
            path = (*path, key)
            if path in self._last_elements:
                path = (*path, self._last_elements[path])
        return path

    def _new_element(self, keys: tuple[str, ...]) -> KeyPath:
        path = (*self._resolved(keys[:-1]), *keys[-1:])
        self._last_elements[path] = self._last_elements.get(path, -1) + 1
        return (*path, self._last_elements[path])


def too_deep(text: str, most: int) -> int | None:
    """Return the line of the first key of more than `most` parts, None if there is none."""
    if text.count(".") < most:
        return None
    line, dots = 1, 0
    for token in _TOKEN.finditer(text):
        kind, part = token.lastgroup, token.group()
        if kind == "other":
            for number, each in enumerate(part.split(",")):  # the numbers of a list are no key
                dots = each.count(".") + (0 if number else dots)
                if dots >= most:
                    return line
        elif kind != "string":
            dots = 0
        line += part.count("\n")
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the head of every statement: a whole header, or what stands before the "=" of a key."""
    line = start = 1
    depth, head, in_value = 0, "", False
    for token in _TOKEN.finditer(text + "\n"):
        kind, part = token.lastgroup, token.group()
        line += part.count("\n")
        if kind == "newline" and depth <= 0:
            if head.strip():
                yield start, head.strip()
            start, depth, head, in_value = line, 0, "", False
            continue
        depth += (kind == "open") - (kind == "close")
        in_value = in_value or kind == "equals"
        if not in_value and kind != "comment":
            head += part


def _keys(head: str) -> tuple[str, ...]:
    """Return the keys of a dotted key as written, none if it is not a valid one."""
    import tomllib

    try:
        value: Any = tomllib.loads(f"{head} = 0")
    except ValueError:
        return ()
    keys = []
    while isinstance(value, dict):
        [(key, value)] = value.items()
        keys.append(key)
    return tuple(keys)
