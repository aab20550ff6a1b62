"""Files in the formats that plugins registered: which format a file has, reading its rows, writing a playlist."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from attrs import Factory, evolve, frozen

from qfzz_core.contracts.formats import Header, ImportFileError, Playlist, PlaylistError, Reader, Row, TrackFile, Writer
from qfzz_core.contracts.limits import Limits
from qfzz_core.errors import InvalidInput, did_you_mean
from qfzz_core.formats.decompression import decompressed
from qfzz_core.formats.encodings import check_encoding, decoded, encoding_of
from qfzz_core.model.files import open_ordinary
from qfzz_core.model.plain import copied, deeper_than, own_text
from qfzz_core.plugins.faults import BrokenContractError, Report, answers, described, fault_in

if TYPE_CHECKING:
    from qfzz_core.plugins.registry import Registered, Registry

Progress = Callable[[int], None]
Formats = Mapping[str, "Registered[Any]"]

_DAMAGED = (OSError, EOFError, zlib.error)


# ---- choosing -------------------------------------------------------------------------------------------------------


def by_name(formats: Formats, name: str, error: type[InvalidInput]) -> Registered[Any]:
    """Return the format of a name; raises `error` with the nearest name, or with all of them."""
    if name not in formats:
        hint = did_you_mean(name, formats) or f"; there are {', '.join(sorted(formats))}"
        raise error(f'there is no format "{name}" for this{hint}')
    return formats[name]


def by_suffix(formats: Formats, path: Path, error: type[InvalidInput], *, also: str = "") -> Registered[Any]:
    """Return the format of the suffix of `path`; `also` says in the error what else a name may end in.

    Raises `error` if no format has the suffix, or if several plugins claim it.
    """
    found = with_suffix(formats, path)
    # a plugin that also claims .csv must not make every `qfzz import x.csv` ambiguous
    found = [each for each in found if each.built_in] or found
    if not found:
        suffixes = sorted({suffix for each in formats.values() for suffix in each.suffixes})
        raise error(f"{path}: the name must end in one of {', '.join(suffixes)}{also}")
    if len(found) > 1:
        claims = " and ".join(sorted(f'"{each.name}" of {each.origin}' for each in found))
        raise error(f"{path}: {path.suffix.lower()} is read or written by {claims}; choose one with --format")
    return found[0]


def with_suffix(formats: Formats, path: Path) -> list[Registered[Any]]:
    """Return the formats that have the suffix of `path`."""
    suffix = path.suffix.lower()
    return [each for each in formats.values() if suffix in each.suffixes]


# ---- reading --------------------------------------------------------------------------------------------------------


@frozen
class Readers:
    """The readers of one engine, to which their faults are reported; without a `format`, the suffix chooses one.

    What a file asks for beyond the `limits` is refused. `encoding` is that of files without a byte order mark, UTF-8 if
    not given; the `delimiter` of tables is found where none is given. Files that only the readers of `playlists` read
    are refused as such.
    """

    registered: Mapping[str, Registered[Reader]]
    report: Report
    format: str | None = None
    limits: Limits = Factory(Limits)
    encoding: str | None = None
    delimiter: str | None = None
    playlists: Formats = Factory(dict)

    @classmethod
    def of(
        cls,
        registry: Registry,
        report: Report,
        format: str | None = None,  # noqa: A002 - as the field
        limits: Limits | None = None,
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> Readers:
        """Return the readers of a registry.

        Raises `ImportFileError` for a format that nobody registered and for an encoding that there is not.
        """
        if format is not None:
            by_name(registry.readers, format, ImportFileError)
        if encoding is not None:
            check_encoding(encoding)
        return cls(registry.readers, report, format, limits or Limits(), encoding, delimiter, registry.playlist_readers)

    def rows(self, path: Path, on_progress: Progress | None = None) -> Iterator[Row]:
        """Yield the rows of a file.

        A single row that cannot be read has a `problem`; what makes the whole file unusable raises `ImportFileError`,
        possibly after rows were yielded. `on_progress` gets the number of bytes read from the file so far, compressed
        as it is: every few hundred lines and at the end, when it is the file's size.
        """
        reader = self._reader(path)
        reading = opened(path, self.limits, encoding=self.encoding, delimiter=self.delimiter, on_progress=on_progress)
        with reading as file:
            for row in guarded(reader, "reader", file, self.report, _check):
                yield self._within_limits(row)
        if on_progress:
            on_progress(file_size(path))

    def one_track_suffixes(self) -> frozenset[str]:
        """Return the suffixes of files that are a track each; none if another format was asked for."""
        readers = [each for each in self.registered.values() if self.format in (None, each.name)]
        return frozenset(suffix for each in readers if each.one_track for suffix in each.suffixes)

    def _reader(self, path: Path) -> Registered[Reader]:
        if self.format is not None:
            return by_name(self.registered, self.format, ImportFileError)
        named = uncompressed(path)
        if not with_suffix(self.registered, named) and with_suffix(self.playlists, named):
            raise ImportFileError(
                f"{path}: this is a playlist, which holds no tracks but names them: "
                f"`qfzz playlist import {path} --user USER` learns from those that the catalogue has"
            )
        return by_suffix(self.registered, named, ImportFileError, also=", each also with .gz")

    def _within_limits(self, row: Row) -> Row:
        """Return a row, or one with a problem in place of a row that has too much."""
        problem = None
        if len(row.values) > self.limits.columns:
            problem = f"has {len(row.values):,} columns, more than {self.limits.columns:,} (--max-columns allows more)"
        elif row.typed and deeper_than(self.limits.depth, row.values.values()):
            problem = f"is nested deeper than {self.limits.depth} levels (--max-depth)"
        return row if problem is None else Row(row.line, problem=problem, header=row.header)


@contextmanager
def opened(
    path: Path,
    limits: Limits,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    on_progress: Progress | None = None,
    limited: Callable[[IO[bytes]], IO[bytes]] = lambda stream: stream,
) -> Iterator[TrackFile]:
    """Give a file as readers get it; raises `ImportFileError` where it cannot be opened or read on.

    `limited` returns the stream that is read instead of the decompressed one.
    """
    try:
        with open_ordinary(path, streams=True) as raw:
            stream = limited(decompressed(path, raw, limits.expansion) if is_gzip(path) else raw)
            report = (lambda: on_progress(raw.tell())) if on_progress else (lambda: None)
            known = encoding_of(stream, encoding)
            with decoded(stream, known) as text:
                yield TrackFile(path, text, report, limits, known, delimiter)
    except _DAMAGED as error:
        raise unreadable(path, error) from error


def guarded(
    reader: Registered[Any],
    kind: str,
    file: TrackFile,
    report: Report,
    check: Callable[[Any], None],
    *,
    damage: tuple[type[Exception], ...] = _DAMAGED,
) -> Iterator[Any]:
    """Yield what a reader gives, checked; a fault of its own is reported, and ends the import.

    `damage` are errors of the file, which pass.
    """
    try:
        for item in answers(reader.value.read, file):
            check(item)
            yield item
    except ImportFileError:
        raise
    except damage:
        raise
    except Exception as error:
        report(reader.origin, f"{kind} {reader.name}", error)
        raise file.unusable(f"{kind} {reader.name} of {reader.origin} failed: {described(error)}") from error


def _check(row: Any) -> None:
    if not isinstance(row, Row):
        raise BrokenContractError(f"read must give objects of Row, got {row!r}")
    if not isinstance(row.values, dict) or not isinstance(row.line, int):
        raise BrokenContractError(f"a Row has a line number and a dict of values, got {row!r}")
    if row.header is not None and row.values and not _fits(row.values, row.header):
        raise BrokenContractError(f"the values of a table are strings by the columns of its header, got {row!r}")


def _fits(values: Mapping[str, Any], header: Header) -> bool:
    return tuple(values) == header.columns and {str}.issuperset(map(type, values.values()))


def file_size(path: Path) -> int:
    """Return the size of a file in bytes, at which its progress ends; raises `ImportFileError` if there is none."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> ImportFileError:
    """Return the error that says why a file cannot be read, to be raised."""
    if isinstance(error, OSError) and error.strerror:
        return ImportFileError(f"{path}: cannot be read: {error.strerror}")
    kind = "gzip file" if is_gzip(path) else "zip archive"
    return ImportFileError(f"{path}: not a valid {kind}: {error}")


def is_gzip(path: Path) -> bool:
    """Return whether a name says that the file is compressed."""
    return path.suffix.lower() == ".gz"


def uncompressed(path: Path) -> Path:
    """Return the name of a file as it would be without compression."""
    return path.with_suffix("") if is_gzip(path) else path


# ---- writing --------------------------------------------------------------------------------------------------------


def chosen_writer(registry: Registry, path: Path, name: str | None = None) -> Registered[Writer]:
    """Return the writer of a name, or of the suffix of `path`; raises `PlaylistError` if there is none."""
    if name is not None:
        return by_name(registry.writers, name, PlaylistError)
    return by_suffix(registry.writers, path, PlaylistError)


def playlist_bytes(writer: Registered[Writer], playlist: Playlist, report: Report) -> bytes:
    """Return a playlist as a file holds it.

    A writer that fails is reported, and `PlaylistError` raised, which names it; one that a writer raises itself, for
    tracks that its format cannot hold, is raised as it is.
    """
    own = evolve(playlist, tracks=[copied(dict(track)) for track in playlist.tracks])
    try:
        return "".join(_pieces(writer.value, own)).encode()
    except PlaylistError:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        fault = fault_in(error)
        report(writer.origin, f"writer {writer.name}", fault)
        raise PlaylistError(f"writer {writer.name} of {writer.origin} failed: {described(fault)}") from fault


def _pieces(writer: Writer, playlist: Playlist) -> Iterator[str]:
    for piece in answers(writer.write, playlist):
        if not isinstance(piece, str):
            raise BrokenContractError(f"write must give text, got {piece!r}")
        yield own_text(piece)
