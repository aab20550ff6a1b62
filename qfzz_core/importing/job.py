"""One import: the rows of all its files, checked, counted and each track once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from qfzz_core.contracts.formats import Header, ImportFileError, Row
from qfzz_core.errors import InvalidInput, TrackError
from qfzz_core.formats.files import Progress, Readers, file_size
from qfzz_core.importing.collection import Collection
from qfzz_core.importing.column_types import ColumnTypes
from qfzz_core.importing.headers import AmbiguousColumnError
from qfzz_core.importing.joins import JoinedTracks
from qfzz_core.importing.mapping import UNKNOWN, Counts, FieldMapping
from qfzz_core.importing.presets import preset_of
from qfzz_core.importing.several import SEPARATORS, SEVERAL
from qfzz_core.importing.spool import Spool
from qfzz_core.importing.values import shown
from qfzz_core.model.genre_aliases import GenreAliases
from qfzz_core.model.tracks import Track, checked_track

_SHOWN_COLUMNS = 5  # of those that are ignored, each in a note


@frozen
class BadRow:
    """A row that gives no track, where it is and why; as text `file:line: reason`, of line 0 `file: reason`."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.reason}"


class ImportRowError(InvalidInput):
    """A strict import met a bad row, `bad_row`, and stops there."""

    def __init__(self, bad_row: BadRow) -> None:
        super().__init__(str(bad_row))
        self.bad_row = bad_row


@define
class ImportSummary:
    """What an import has counted so far: every row is a track, a bad row, one that joined a track, or a repeated one.

    `counts` are what was made up or could not be used, over all rows; `unknown` are the tracks that lack a value of a
    field, by field; `aliases` is how many genres were written as an alias. `ignored_columns` are those without a name
    of their own; `notes` say which they are, and what else the user should know.
    """

    rows: int = 0
    tracks: int = 0
    bad_rows: int = 0
    repeated: int = 0
    joined: int = 0
    ignored_columns: int = 0
    counts: Counts = field(factory=Counts)
    unknown: Counter[str] = field(factory=Counter)
    aliases: int = 0
    notes: list[str] = field(factory=list)


@define
class Import:
    """The valid tracks of some files, in order, when iterated; the files are read as the tracks are taken.

    A bad row is counted and given to `on_bad_row`; if `strict`, the first raises `ImportRowError` instead. Of rows
    that repeat a track_id, in one file or several, the first good one is the track and later ones are counted; where
    the mapping says so, those of the same title and artist add their genre or artist to it. Tracks that rows may join
    are kept, as `JoinedTracks` says. What makes a file unusable raises `ImportFileError`.

    A table of which the header is unmistakably that of one of the `presets` is mapped by it instead of `mapping`.
    Extra columns of a table become what all their values are, so its rows are kept in a temporary file until the last
    is read, unless all of them turn out to be text before.

    Of genres that are `aliases`, the genre is taken. A `collection` comes after the files: its rows name the fields
    themselves, whatever `mapping` reads them from.

    `summary` has the counts of the latest iteration. `on_progress` gets the bytes read so far, of all files together.
    """

    paths: Sequence[Path]
    mapping: FieldMapping
    readers: Readers
    strict: bool = False
    on_bad_row: Callable[[BadRow], None] | None = None
    on_progress: Progress | None = None
    presets: Mapping[str, FieldMapping] = field(factory=dict)
    collection: Collection | None = None
    aliases: GenreAliases = field(factory=GenreAliases)
    summary: ImportSummary = field(init=False, factory=ImportSummary)

    def __iter__(self) -> Iterator[Track]:
        self.summary = ImportSummary()
        with JoinedTracks() as joined:
            for track in self._different(joined):
                self._count(track)
                yield track
            for track in joined.tracks():
                self._count(track)
                yield track
            self.summary.joined += joined.joined
            self.summary.repeated += joined.repeated
        self.summary.notes += _notes_on_several(self.summary.counts.several)

    def _count(self, track: Track) -> None:
        self.summary.tracks += 1
        if None in track.values():
            self.summary.unknown.update(name for name in UNKNOWN if track[name] is None)

    def _different(self, joined: JoinedTracks) -> Iterator[Track]:
        """Yield the first track of each id, as long as no further row can join it; then keep them all in `joined`."""
        summary = self.summary
        seen: set[str] = set()
        for path, joins, tracks in self._sources():
            for track in tracks:
                summary.rows += 1
                if track is None:
                    summary.bad_rows += 1
                elif track["track_id"] not in seen:
                    seen.add(track["track_id"])
                    if joins or joined:
                        _keep(path, joined.keep, track)
                    else:
                        yield track
                elif joins:
                    joined.add(track, joins)
                else:
                    summary.repeated += 1

    def _sources(self) -> Iterator[tuple[Path, frozenset[str], Iterator[Track | None]]]:
        """Yield the files and the collection, each with the fields in which its rows join, and its tracks."""
        summary = self.summary
        done = 0
        for path in self.paths:
            made_before = summary.counts.made_ids
            yield path, *self._file(path, done)
            if made := summary.counts.made_ids - made_before:
                summary.notes.append(f"{path}: {made:,} ids were made from artist and title")
            done += file_size(path)
        if self.collection is not None:
            yield self.collection.roots[0], frozenset(), self._collected(self.collection, done)

    def _collected(self, collection: Collection, done: int) -> Iterator[Track | None]:
        """Yield the track of each audio file that is to be read, None for one that cannot be."""
        report = self.on_progress
        mapping = evolve(self.mapping, columns=FieldMapping().columns, extras=None)
        for path, row in collection.rows(report and (lambda position: report(done + position))):
            yield self._track(path, row, mapping)

    def _file(self, path: Path, done: int) -> tuple[frozenset[str], Iterator[Track | None]]:
        """Return the fields in which rows of a file join, and the track of each row, None for a bad one."""
        report = self.on_progress
        rows = self.readers.rows(path, report and (lambda position: report(done + position)))
        first = next(rows, None)
        if first is None:
            return frozenset(), iter(())
        rows = chain([first], rows)
        if first.header is None:
            return self.mapping.joins, (self._track(path, row, self.mapping) for row in rows)
        mapping = self._mapping_of(path, first.header)
        return mapping.joins, self._table(path, first.header, rows, mapping)

    def _table(self, path: Path, header: Header, rows: Iterator[Row], mapping: FieldMapping) -> Iterator[Track | None]:
        try:
            columns = mapping.text_extras(header)
        except AmbiguousColumnError as error:
            raise ImportFileError(f"{path}: {error}") from None
        with Spool(header) as spool:
            types = ColumnTypes(columns.values(), mapping.missing)
            rows = chain(_kept_until_settled(path, rows, types, spool), rows)
            converters = types.converters()
            mapping = mapping.converting({key: converters[c] for key, c in columns.items() if c in converters})
            yield from (self._track(path, row, mapping) for row in rows)

    def _mapping_of(self, path: Path, header: Header) -> FieldMapping:
        """Return the mapping of a table, and note what its header says."""
        summary = self.summary
        summary.ignored_columns += len(header.unnamed) + len(header.repeated)
        if header.unnamed:
            many = len(header.unnamed) > 1
            places = ", ".join(map(str, header.unnamed[:_SHOWN_COLUMNS])) + (
                " and others" if len(header.unnamed) > _SHOWN_COLUMNS else ""
            )
            which = f"columns {places} of the header have" if many else f"column {places} of the header has"
            summary.notes.append(f"{path}: {which} no name and {'are' if many else 'is'} ignored")
        summary.notes += [
            f"{path}: the column {shown(name)} is there more than once and is ignored"
            for name in header.repeated[:_SHOWN_COLUMNS]
        ]
        name = preset_of(header, self.presets)
        if name is None:
            return self.mapping
        summary.notes.append(f"{path}: read by the preset {name}, which its header shows")
        return self.presets[name]

    def _track(self, path: Path, row: Row, mapping: FieldMapping) -> Track | None:
        """Return the track of a row; None for a bad one, which is reported or raised."""
        try:
            if row.problem:
                raise InvalidInput(row.problem)
            found = mapping.track(row, self.summary.counts)
            self.summary.aliases += self.aliases.apply(found)
            return checked_track(found)
        except InvalidInput as error:
            # the line number makes the "track (track_id ...)" of a `TrackError` superfluous
            bad_row = BadRow(path, row.line, error.reason if isinstance(error, TrackError) else str(error))
        if self.strict:
            raise ImportRowError(bad_row)
        if self.on_bad_row:
            self.on_bad_row(bad_row)
        return None


def _notes_on_several(several: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Yield for each field how many of its values look like several names, and the option that splits them."""
    for name in SEVERAL:
        found = {separator: count for (field, separator), count in several.items() if field == name}
        if found:
            count = sum(found.values())
            many = "cells look" if count > 1 else "cell looks"
            characters = f"='{next(iter(found))}'" if len(found) == 1 and {*found} <= {*SEPARATORS} else ""
            yield f"{count:,} {name} {many} like several names: --split {name}{characters}"


def _keep(path: Path, keep: Callable[[Any], None], value: Any) -> None:
    try:
        keep(value)
    except OSError as error:
        raise ImportFileError(f"{path}: no room for its rows in a temporary file: {error.strerror}") from error


def _kept_until_settled(path: Path, rows: Iterator[Row], types: ColumnTypes, spool: Spool) -> Iterator[Row]:
    """Take rows until it is known what all columns hold, and return those that were taken."""
    if types.is_settled():
        return iter(())
    for row in rows:
        _keep(path, spool.add, row)
        if not row.problem:
            types.add(row.values)
            if types.is_settled():
                break
    return spool.rows()
