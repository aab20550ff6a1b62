"""From a file to its rows, through a reader that a plugin registered."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO

from attrs import frozen

from qfzz_core.contracts.formats import ImportFileError, Reader, Row, TrackFile
from qfzz_core.formats.asking import answered
from qfzz_core.formats.choice import by_name, by_suffix
from qfzz_core.plugins.faults import BrokenContractError, Report, described

if TYPE_CHECKING:
    from qfzz_core.plugins.registry import Registered, Registry

Progress = Callable[[int], None]

_DAMAGED = (OSError, EOFError, zlib.error)


@frozen
class Readers:
    """The readers of one engine, to which their faults are reported; `format` names one, else suffixes tell."""

    registered: Mapping[str, Registered[Reader]]
    report: Report
    format: str | None = None

    @classmethod
    def of(cls, registry: Registry, report: Report, format: str | None = None) -> Readers:  # noqa: A002 - as the field
        """Return the readers of a registry; raises `ImportFileError` for a format that nobody registered."""
        if format is not None:
            by_name(registry.readers, format, ImportFileError)
        return cls(registry.readers, report, format)

    def rows(self, path: Path, on_progress: Progress | None = None) -> Iterator[Row]:
        """Yield the rows of a file; see `qfzz_core.importing.readers.read_rows`."""
        reader = self._reader(path)
        try:
            with path.open("rb") as raw, _text(path, raw) as text:
                report = (lambda: on_progress(raw.tell())) if on_progress else (lambda: None)
                yield from self._guarded(reader, TrackFile(path, text, report))
        except _DAMAGED as error:
            raise _unreadable(path, error) from error
        if on_progress:
            on_progress(file_size(path))

    def _reader(self, path: Path) -> Registered[Reader]:
        if self.format is not None:
            return by_name(self.registered, self.format, ImportFileError)
        also = ", each also with .gz"
        return by_suffix(self.registered, path, ImportFileError, gzipped=is_gzip(path), also=also)

    def _guarded(self, reader: Registered[Reader], file: TrackFile) -> Iterator[Row]:
        """Yield what a reader gives; a fault of its own is reported, and ends the import."""
        name = reader.value.name
        try:
            for row in answered(reader.value.read, file):
                _check(row)
                yield row
        except (ImportFileError, *_DAMAGED):
            raise
        except Exception as error:
            self.report(reader.origin, f"reader {name}", error)
            raise file.unusable(f"reader {name} of {reader.origin} failed: {described(error)}") from error


def _check(row: Any) -> None:
    if not isinstance(row, Row):
        raise BrokenContractError(f"read must give objects of Row, got {row!r}")
    if not isinstance(row.values, dict) or not isinstance(row.line, int):
        raise BrokenContractError(f"a Row has a line number and a dict of values, got {row!r}")


def file_size(path: Path) -> int:
    """Return the bytes that a progress ends at; raises `ImportFileError` if there is no such file."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ImportFileError:
    if isinstance(error, OSError) and error.strerror:
        return ImportFileError(f"{path}: cannot be read: {error.strerror}")
    return ImportFileError(f"{path}: not a valid gzip file: {error}")


def is_gzip(path: Path) -> bool:
    """Return whether a name says that the file is compressed."""
    return path.suffix.lower() == ".gz"


def _text(path: Path, raw: IO[bytes]) -> TextIO:
    stream = gzip.GzipFile(fileobj=raw) if is_gzip(path) else raw
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
