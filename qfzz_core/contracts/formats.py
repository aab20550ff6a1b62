"""What readers and writers of files promise: tracks that are read, playlists that are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, TextIO, runtime_checkable

from attrs import Factory, field, frozen

from qfzz_core.contracts.limits import Limits
from qfzz_core.errors import InvalidInput
from qfzz_core.model.encodings import undecodable
from qfzz_core.model.names import is_storable

__all__ = [
    "Header",
    "ImportFileError",
    "Playlist",
    "PlaylistError",
    "Reader",
    "Row",
    "TrackFile",
    "Writer",
]

# 56,000 lines of gzipped CSV are read in a second: about 110 reports, smooth on a terminal and too few to cost anything
_LINES_PER_REPORT = 512
_PIECE = 1 << 16  # characters: 380 objects of JSON; the rows of a file of 50 MB take as long with twice as many


class ImportFileError(InvalidInput):
    """A file cannot be imported at all; the message names the file, and the line where there is one."""


class PlaylistError(InvalidInput):
    """A playlist cannot be written in this format; nothing was written."""


# ---- reading --------------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Header:
    """The header of a table, which all its rows share.

    `columns` are the keys of the values of a row, in their order. Columns without a name and columns of a `repeated`
    name are no keys: `unnamed` are the places of the first ones, from 1 on. `decimal_comma` says that 0,5 is a number
    in this table.
    """

    columns: tuple[str, ...]
    unnamed: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()
    decimal_comma: bool = False


@frozen
class Row:
    """One row of a file.

    `line` is where it starts: in the file, the first line being 1, or in a list, its first item being 1.
    `values` maps columns to values; `typed` says whether they have types of their own (JSON) or are all text (CSV).
    `problem` says why a row could not be read; its values are empty then. `header` is that of a table, the same object
    for each row; None where every row names its own columns.
    """

    line: int
    values: Mapping[str, Any] = Factory(dict)
    typed: bool = False
    problem: str | None = None
    header: Header | None = field(default=None, eq=False, repr=False)


@frozen(eq=False)
class TrackFile:
    """A file that a reader reads: its `path`, for messages, and its content, decompressed if the name ends in .gz.

    Take `lines()` or `pieces()` for text, or `content`, a binary stream, for anything else; one of them.

    `limits` say how much may be read at a time. Lines, pieces and the rows that a reader yields are checked, and so is
    what a compressed file becomes; what else it puts together, a reader has to check. `encoding` is how the text is
    encoded, by the byte order mark or as the user says; `delimiter` is what the user says of a table, None if nothing.
    """

    path: Path
    _text: TextIO = field(repr=False)
    _on_lines: Callable[[], None] = field(default=lambda: None, repr=False)
    limits: Limits = field(factory=Limits)
    encoding: str = "utf-8"
    delimiter: str | None = None

    @property
    def content(self) -> IO[bytes]:
        """The content as a binary stream."""
        return self._text.buffer

    def lines(self) -> Iterator[str]:
        """Yield the lines of text with their endings, without a byte order mark.

        Raises `ImportFileError`, which a reader lets through, at a line that cannot be decoded or is too long.
        """
        most = self.limits.line
        for number, line in enumerate(iter(partial(self._text.readline, most + 1), ""), start=1):
            # the decoder lets bad bytes through as surrogates, so that the error can name their line
            if not is_storable(line):
                raise self.unusable(undecodable(line, self.encoding), number)
            if len(line) > most:
                raise self.too_long("the line", number)
            if not number % _LINES_PER_REPORT:
                self._on_lines()
            yield line

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces of up to 65,536 characters, for what does not come in lines.

        Raises `ImportFileError`, which a reader lets through, at a line that cannot be decoded.
        """
        line = 1
        for piece in iter(partial(self._text.read, _PIECE), ""):
            if not is_storable(piece):
                good = next(place for place, character in enumerate(piece) if not is_storable(character))
                raise self.unusable(undecodable(piece, self.encoding), line + piece.count("\n", 0, good))
            line += piece.count("\n")
            self._on_lines()
            yield piece

    def too_long(self, what: str, line: int | None = None) -> ImportFileError:
        """Return the error that says what of this file is longer than a line may be, to be raised."""
        return self.unusable(f"{what} has more than {self.limits.line:,} characters (--max-line allows more)", line)

    def too_many_entries(self, line: int | None = None) -> ImportFileError:
        """Return the error that says that this playlist has more entries than are read, to be raised."""
        return self.unusable(f"a playlist of more than {self.limits.entries:,} entries, which has to be divided", line)

    def unusable(self, reason: str, line: int | None = None) -> ImportFileError:
        """Return the error that says why this file cannot be imported, to be raised."""
        place = self.path if line is None else f"{self.path}: line {line}"
        return ImportFileError(f"{place}: {reason}")


@runtime_checkable
class Reader(Protocol):
    """Reads the tracks of one format; `qfzz import --format NAME` chooses it, or the suffix of a file does."""

    @property
    def name(self) -> str:
        """The name of the format."""
        ...

    @property
    def suffixes(self) -> Sequence[str]:
        """The suffixes that it reads, in small letters, such as (".csv",); a further `.gz` is taken care of."""
        ...

    def read(self, file: TrackFile) -> Iterable[Row]:
        """Yield the rows of a file, as they are read.

        A reader of which `one_track` is True gives one typed row for each file: a file is a track, which
        `qfzz import DIRECTORY` finds by its suffix.

        A row that cannot be read has a `problem`, and the rest follows; where the whole file is of no use, raise
        `file.unusable(reason, line)`. Which column is which field is not the reader's to decide.
        """
        ...


# ---- writing --------------------------------------------------------------------------------------------------------


@frozen
class Playlist:
    """What a writer writes: a title, and the tracks in their order, whole and as copies.

    `safe_csv` says that a spreadsheet may open the file: no cell of it must be taken for a formula.
    `allow_unplayable` lets formats that need a location take the id of a track that has none, which no player can open.
    """

    title: str
    tracks: Sequence[Mapping[str, Any]]
    safe_csv: bool = False
    allow_unplayable: bool = False


@runtime_checkable
class Writer(Protocol):
    """Writes tracks as one format; `qfzz recommend --output FILE` chooses it by suffix or by `--format NAME`."""

    @property
    def name(self) -> str:
        """The name of the format."""
        ...

    @property
    def suffixes(self) -> Sequence[str]:
        """The suffixes that it writes, in small letters, such as (".m3u8", ".m3u")."""
        ...

    def write(self, playlist: Playlist) -> Iterable[str]:
        """Yield the text of the file in pieces, line endings included; it is stored as UTF-8, whole or not at all."""
        ...
