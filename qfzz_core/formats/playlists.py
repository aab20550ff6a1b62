"""Playlists of other programs, read by the readers that plugins registered."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from attrs import Factory, fields, frozen

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import ImportFileError
from qfzz_core.contracts.limits import Limits
from qfzz_core.contracts.playlists import PlaylistEntry, PlaylistFile, PlaylistReader, PlaylistTitle
from qfzz_core.formats.encodings import check_encoding
from qfzz_core.formats.files import by_name, by_suffix, guarded, opened, uncompressed
from qfzz_core.model.names import is_storable
from qfzz_core.plugins.faults import BrokenContractError, Report

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from qfzz_core.plugins.registry import Registered, Registry

# which become up to four times as much text in memory, where each line holds a character beyond the first plane
MAX_BYTES = 32_000_000
_BUFFER = 1 << 16
_STRINGS = tuple(each.name for each in fields(Description) if each.name not in ("duration", "artists"))
_HALF = "holds a lone surrogate, which is no character"


@frozen
class PlaylistReaders:
    """The readers of playlists of one engine; without a `format`, the suffix of a file chooses one.

    `encoding` is that of files without a byte order mark; where it is not given, each format knows its own.
    """

    registered: Mapping[str, Registered[PlaylistReader]]
    report: Report
    format: str | None = None
    encoding: str | None = None
    limits: Limits = Factory(Limits)

    @classmethod
    def of(
        cls,
        registry: Registry,
        report: Report,
        format: str | None = None,  # noqa: A002 - as the field
        *,
        encoding: str | None = None,
    ) -> PlaylistReaders:
        """Return the readers of a registry; raises `ImportFileError` for an unknown format or encoding."""
        if format is not None:
            by_name(registry.playlist_readers, format, ImportFileError)
        if encoding is not None:
            check_encoding(encoding)
        return cls(registry.playlist_readers, report, format, encoding)

    def read(self, path: Path) -> PlaylistFile:
        """Return what a playlist says.

        An entry that cannot be read has a `problem`; what makes the whole file unusable raises `ImportFileError`. So
        does a file of more than 100,000 entries, or of more than 32 MB.
        """
        reader = self._reader(path)
        title: str | None = None
        entries: list[PlaylistEntry] = []
        with opened(path, self.limits, encoding=self.encoding, limited=partial(_Limited.over, path)) as file:
            for item in guarded(reader, "playlist reader", file, self.report, _check):
                if isinstance(item, PlaylistTitle):
                    title = item.text if is_storable(item.text) else None
                    continue
                if len(entries) >= self.limits.entries:
                    raise file.too_many_entries(item.line)
                entries.append(_storable(item))
        return PlaylistFile(path, reader.name, title, tuple(entries))

    def _reader(self, path: Path) -> Registered[PlaylistReader]:
        if self.format is not None:
            return by_name(self.registered, self.format, ImportFileError)
        return by_suffix(self.registered, uncompressed(path), ImportFileError, also=", each also with .gz")


def _check(item: Any) -> None:
    if isinstance(item, PlaylistTitle) and isinstance(item.text, str):
        return
    if not isinstance(item, PlaylistEntry) or not isinstance(item.line, int):
        raise BrokenContractError(f"read must give objects of PlaylistEntry and PlaylistTitle, got {item!r}")
    if not isinstance(item.description, Description) or not _is_well_typed(item.description):
        raise BrokenContractError(f"a PlaylistEntry has a Description of strings and a duration, got {item!r}")


def _is_well_typed(heard: Description) -> bool:
    said = (*heard.artists, *(getattr(heard, name) for name in _STRINGS))
    is_text = all(value is None or isinstance(value, str) for value in said)
    return is_text and (heard.duration is None or isinstance(heard.duration, (int, float)))


def _storable(entry: PlaylistEntry) -> PlaylistEntry:
    """Return an entry, or one with a problem in place of one that no store could hold."""
    said = (getattr(entry.description, name) for name in _STRINGS)
    if all(value is None or is_storable(value) for value in said):
        return entry
    return PlaylistEntry(entry.line, problem=_HALF)


class _Limited(io.RawIOBase):
    """A raw stream over another one, which refuses to become more than a playlist is."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        super().__init__()
        self._path = path
        self._stream = stream
        self._left = MAX_BYTES

    @classmethod
    def over(cls, path: Path, stream: IO[bytes]) -> IO[bytes]:
        """Return a buffered stream over another one."""
        return io.BufferedReader(cls(path, stream), _BUFFER)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read up to as much as the buffer holds, and return how much that was."""
        view = memoryview(buffer).cast("B")
        piece = self._stream.read(len(view))
        view[: len(piece)] = piece
        self._left -= len(piece)
        if self._left < 0:
            raise ImportFileError(f"{self._path}: this has more than {MAX_BYTES:,} bytes, and is no playlist")
        return len(piece)
