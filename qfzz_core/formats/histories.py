"""Files of listening histories: which reader reads one, found by what the file holds, and the entries of it."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from attrs import Factory, frozen

from qfzz_core.contracts.formats import ImportFileError, TrackFile
from qfzz_core.contracts.histories import HistoryReader, LeftOut, Play
from qfzz_core.contracts.limits import Limits
from qfzz_core.formats.archives import DAMAGED, files_in, is_zip
from qfzz_core.formats.decompression import decompressed
from qfzz_core.formats.encodings import decoded, encoding_of
from qfzz_core.formats.files import Progress, by_name, file_size, guarded, is_gzip, unreadable
from qfzz_core.model.files import open_ordinary
from qfzz_core.plugins.faults import BrokenContractError, Report, answer, fault_in

if TYPE_CHECKING:
    from qfzz_core.plugins.registry import Registered, Registry

Entries = Iterator[tuple[Path, Play | LeftOut]]

_DAMAGE = (OSError, EOFError, *DAMAGED)
_BEGINNING = 65_536  # bytes that a reader recognises a file by: a listen with all that ListenBrainz knows has 5,000


@frozen
class Histories:
    """The readers of histories of one engine; without a `format`, the first that recognises a file reads it."""

    registered: Mapping[str, Registered[HistoryReader]]
    report: Report
    format: str | None = None
    limits: Limits = Factory(Limits)

    @classmethod
    def of(
        cls,
        registry: Registry,
        report: Report,
        format: str | None = None,  # noqa: A002 - as the field
        limits: Limits | None = None,
    ) -> Histories:
        """Return the readers of a registry; raises `ImportFileError` for a format that nobody registered."""
        if format is not None:
            by_name(registry.history_readers, format, ImportFileError)
        return cls(registry.history_readers, report, format, limits or Limits())

    def recognised(self, path: Path, stream: IO[bytes]) -> Registered[HistoryReader] | None:
        """Return the reader of a file whose stream is at its beginning and stays there; None if no reader knows it."""
        named = path.with_suffix("") if is_gzip(path) else path
        beginning = _beginning(stream)
        for reader in sorted(self.registered.values(), key=lambda each: (not each.built_in, each.name)):
            try:
                if named.suffix.lower() in reader.suffixes and answer(reader.value.recognises, named.name, beginning):
                    return reader
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
                self.report(reader.origin, f"history reader {reader.name}", fault_in(error))
        return None

    def refuse(self, path: Path) -> None:
        """Raise `ImportFileError` for a file that is a listening history and no list of tracks.

        What cannot be looked at is none: reading it says what is wrong with it. A pipe could not be read again.
        """
        try:
            with open_ordinary(path) as raw:
                readers = (self.recognised(inner, stream) for inner, stream in self._contents(path, raw))
                reader = next(filter(None, readers), None)
        except (ImportFileError, *_DAMAGE):
            return
        if reader is not None:
            raise ImportFileError(
                f"{path}: this is listening history ({reader.name}) and no list of tracks; "
                f"`qfzz history import FILE --user NAME` takes it"
            )

    def entries(self, path: Path, on_progress: Progress | None = None) -> Entries:
        """Yield the entries of a file, or of all histories in an archive, each with the path of its file.

        What makes the whole file unusable raises `ImportFileError`, possibly after entries were yielded. `on_progress`
        gets the number of bytes read from the file so far, compressed as it is.
        """
        try:
            with open_ordinary(path, streams=not is_zip(path)) as raw:
                report = (lambda: on_progress(raw.tell())) if on_progress else (lambda: None)
                yield from self._of_contents(path, raw, report)
        except _DAMAGE as error:
            raise unreadable(path, error) from error
        if on_progress:
            on_progress(file_size(path))

    def _of_contents(self, path: Path, raw: IO[bytes], report: Callable[[], None]) -> Entries:
        found = False
        for inner, stream in self._contents(path, raw):
            reader = self.recognised(inner, stream) if self.format is None else self._chosen(path, inner)
            if reader is None:
                continue
            found = True
            encoding = encoding_of(stream)
            with decoded(stream, encoding) as text:
                file = TrackFile(inner, text, report, self.limits, encoding)
                entries = guarded(reader, "history reader", file, self.report, _check, damage=_DAMAGE)
                yield from ((inner, entry) for entry in entries)
        if not found:
            raise self._unknown(path)

    def _contents(self, path: Path, raw: IO[bytes]) -> Iterator[tuple[Path, IO[bytes]]]:
        if is_zip(path):
            yield from files_in(path, raw, self.limits.expansion)
        elif is_gzip(path):
            yield path, decompressed(path, raw, self.limits.expansion)
        else:
            yield path, raw

    def _chosen(self, path: Path, inner: Path) -> Registered[HistoryReader] | None:
        """Return the reader that was asked for; of an archive, which holds other things too, for its suffixes alone."""
        reader = by_name(self.registered, self.format or "", ImportFileError)
        return reader if inner == path or inner.suffix.lower() in reader.suffixes else None

    def _unknown(self, path: Path) -> ImportFileError:
        what = "no file of the archive is" if is_zip(path) else "this is not"
        names = ", ".join(sorted(self.registered))
        return ImportFileError(
            f"{path}: {what} a listening history that is known by its content; --format names one of {names}"
        )


def _beginning(stream: IO[bytes]) -> str:
    """Return the text that a buffered stream begins with, which stays."""
    buffered: Any = stream
    encoding = encoding_of(stream)
    piece = buffered.peek(_BEGINNING)[:_BEGINNING]
    return codecs.getincrementaldecoder(encoding)(errors="replace").decode(piece).lstrip("\ufeff")


def _check(entry: Any) -> None:
    if not isinstance(entry, (Play, LeftOut)):
        raise BrokenContractError(f"read must give objects of Play or LeftOut, got {entry!r:.200}")
