"""How a table is written: what separates its fields, found in its header and its first rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from qfzz_core.contracts.formats import TrackFile

DELIMITERS = (",", ";", "\t", "|")
# Rows that show what separates fields: a header alone may hold a comma within a name. Twenty rows take 0.2 ms.
_LINES = 20
_CHARACTERS = 65_536
_LONGEST_FIELD = 2**31 - 1  # the most that a C long holds on every system
_SAID = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)  # how spreadsheets name the delimiter, above the header


class TableLines:
    """The lines of a table below the one that names its delimiter, which is `delimiter`.

    The lines of one row together must not be longer than a line may be; `first` is the line of the header.
    """

    def __init__(self, file: TrackFile) -> None:
        self._file = file
        self._lines = file.lines()
        ahead = self._ahead()
        said = _SAID.fullmatch(ahead[0]) if ahead else None
        self.first = 2 if said else 1
        self._first_lines = iter(ahead[self.first - 1 :])
        self.delimiter = file.delimiter or (said[1] if said else delimiter_of(ahead))
        self.begin_row(self.first)

    def _ahead(self) -> list[str]:
        ahead: list[str] = []
        left = _CHARACTERS
        while left > 0 and len(ahead) < _LINES and (line := next(self._lines, None)) is not None:
            ahead.append(line)
            left -= len(line)
        return ahead

    def begin_row(self, line: int) -> None:
        """Begin to count the characters of a row that starts on this line."""
        self._row = line
        self._left = self._file.limits.line

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._first_lines, None) or next(self._lines)
        self._left -= len(line)
        if self._left < 0:
            raise self._file.too_long("the row", self._row)
        return line


def delimiter_of(lines: Sequence[str]) -> str:
    """Return what separates the fields of a table of which these are the first lines; a comma if nothing shows it.

    It gives the header at least two fields, and half of the rows as many as the header; of several, the one that gives
    most fields.
    """
    return max(DELIMITERS, key=lambda delimiter: _fit(lines, delimiter))


def _fit(lines: Sequence[str], delimiter: str) -> tuple[bool, int, int]:
    widths = []
    for fields in filter(None, csv.reader(lines, delimiter=delimiter)):
        while len(fields) > 1 and not fields[-1].strip():
            fields.pop()
        widths.append(len(fields))
    if not widths or widths[0] < 2:
        return False, 0, 0
    # the empty last field of a row may be a value that is missing: such a row has at most as many as the header
    agreeing = sum(1 < width <= widths[0] for width in widths[1:])
    return agreeing * 2 >= len(widths) - 1, widths[0], agreeing


def allow_long_fields() -> None:
    """Let a field be as long as a line may be, which `TableLines` checks; the module's own limit is 131,072.

    It is one for the whole process: it is only ever raised, and by one call, so threads do not disturb each other.
    """
    if csv.field_size_limit() < _LONGEST_FIELD:
        csv.field_size_limit(_LONGEST_FIELD)
