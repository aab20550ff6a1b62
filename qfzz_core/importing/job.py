"""One import: the rows of all its files, checked, counted and each track once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import define, field, frozen

from qfzz_core.contracts.formats import Row
from qfzz_core.errors import InvalidInput, TrackError
from qfzz_core.formats.files import Progress, Readers, file_size
from qfzz_core.importing.mapping import FieldMapping
from qfzz_core.model.tracks import Track, checked_track


@frozen
class BadRow:
    """A row that gives no track, where it is and why; as text `file:line: reason`."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


class ImportRowError(InvalidInput):
    """A strict import met a bad row, `bad_row`, and stops there."""

    def __init__(self, bad_row: BadRow) -> None:
        super().__init__(str(bad_row))
        self.bad_row = bad_row


@define
class ImportSummary:
    """What an import has counted so far: every row is a track, a bad row or a repeated one."""

    rows: int = 0
    tracks: int = 0
    bad_rows: int = 0
    repeated: int = 0


@define
class Import:
    """The valid tracks of some files, in order, when iterated; the files are read as the tracks are taken.

    A bad row is counted and given to `on_bad_row`; if `strict`, the first raises `ImportRowError` instead. Of rows
    that repeat a track_id, in one file or several, the first good one is the track and later ones are counted. What
    makes a file unusable raises `ImportFileError`.

    `summary` has the counts of the latest iteration. `on_progress` gets the bytes read so far, of all files together.
    """

    paths: Sequence[Path]
    mapping: FieldMapping
    readers: Readers
    strict: bool = False
    on_bad_row: Callable[[BadRow], None] | None = None
    on_progress: Progress | None = None
    summary: ImportSummary = field(init=False, factory=ImportSummary)

    def __iter__(self) -> Iterator[Track]:
        summary = self.summary = ImportSummary()
        seen: set[str] = set()
        for path, row in self._rows():
            summary.rows += 1
            track = self._track(path, row)
            if track is None:
                summary.bad_rows += 1
            elif track["track_id"] in seen:
                summary.repeated += 1
            else:
                seen.add(track["track_id"])
                summary.tracks += 1
                yield track

    def _rows(self) -> Iterator[tuple[Path, Row]]:
        done = 0
        for path in self.paths:
            for row in self.readers.rows(path, self._progress_after(done)):
                yield path, row
            done += file_size(path)

    def _progress_after(self, done: int) -> Progress | None:
        report = self.on_progress
        return report and (lambda position: report(done + position))

    def _track(self, path: Path, row: Row) -> Track | None:
        """Return the track of a row; None for a bad one, which is reported or raised."""
        try:
            if row.problem:
                raise InvalidInput(row.problem)
            return checked_track(self.mapping.track(row))
        except InvalidInput as error:
            # the line number makes the "track (track_id ...)" of a `TrackError` superfluous
            bad_row = BadRow(path, row.line, error.reason if isinstance(error, TrackError) else str(error))
        if self.strict:
            raise ImportRowError(bad_row)
        if self.on_bad_row:
            self.on_bad_row(bad_row)
        return None
