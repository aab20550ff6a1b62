"""`qfzz import`: files of other people into the catalogue."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve

from qfzz_core.cli.import_summary import SHOWN_BAD_ROWS, print_summary, report_rows, summary_of
from qfzz_core.cli.options import command, size
from qfzz_core.cli.output import note, print_json, progress_bar
from qfzz_core.cli.session import Session
from qfzz_core.contracts.limits import MAX_COLUMNS, MAX_EXPANSION, MAX_LINE, Limits
from qfzz_core.formats.files import Readers, file_size
from qfzz_core.formats.histories import Histories
from qfzz_core.importing.collection import Collection, known_files
from qfzz_core.importing.column_types import declared_kinds
from qfzz_core.importing.job import BadRow, Import
from qfzz_core.importing.presets import PRESETS, mapping_from_options, presets_like
from qfzz_core.importing.several import SEVERAL
from qfzz_core.importing.values import FAST_FROM, SLOW_BELOW
from qfzz_core.model.plain import MAX_DEPTH

if TYPE_CHECKING:
    from qfzz_core.engine import Engine

_POSITIVE = click.IntRange(min=1)
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|"}


def _delimiter(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    found = _DELIMITERS.get(value, value) if value else value
    if found is not None and (len(found) != 1 or found in '"\r\n \0'):
        raise click.BadParameter(f"{value!r} is no delimiter such as ; or tab")
    return found


@command(name="import")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIRECTORY...", type=click.Path(path_type=Path))
@click.option("--format", "format_", metavar="NAME", help="The format, whatever the suffixes of the files.")
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help="Where the columns are in a well-known data set.")
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="The column of a field. Repeatable.")
@click.option(
    "--default", "defaults", multiple=True, metavar="FIELD=VALUE", help="A field where a row has none. Repeatable."
)
@click.option("--scale", "scales", multiple=True, metavar="FIELD=N", help="Divide a column, as energy=100. Repeatable.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    metavar="FIELD[=CHARACTERS]",
    help="Genres or artists in one cell, as genre or genre=';'. Repeatable.",
)
@click.option(
    "--join",
    "joins",
    multiple=True,
    type=click.Choice(tuple(SEVERAL)),
    help="Rows that repeat a track add their genre or artist to it. Repeatable.",
)
@click.option("--delimiter", callback=_delimiter, metavar="CHARACTER", help="What separates the fields of a table.")
@click.option("--encoding", metavar="NAME", help="How text without a byte order mark is encoded.  [default: utf-8]")
@click.option("--slow-below", type=float, default=SLOW_BELOW, show_default=True, metavar="BPM", help="What is slow.")
@click.option("--fast-from", type=float, default=FAST_FROM, show_default=True, metavar="BPM", help="What is fast.")
@click.option("--no-aliases", is_flag=True, help="Keep genres as files write them.")
@click.option("--prune", is_flag=True, help="Remove what was imported from a directory and is no longer there.")
@click.option("--strict", is_flag=True, help="Stop at the first bad row and import nothing.")
@click.option(
    "--max-line", type=size, default=MAX_LINE, show_default=True, metavar="SIZE", help="Characters of one row."
)
@click.option(
    "--max-columns", type=_POSITIVE, default=MAX_COLUMNS, show_default=True, metavar="N", help="Columns of one row."
)
@click.option(
    "--max-depth",
    type=click.IntRange(0, MAX_DEPTH),
    default=MAX_DEPTH,
    show_default=True,
    metavar="N",
    help="Lists and objects within each other.",
)
@click.option(
    "--max-expansion",
    type=_POSITIVE,
    default=MAX_EXPANSION,
    show_default=True,
    metavar="N",
    help="How many times its size a .gz file may become.",
)
def import_tracks(
    session: Session,
    *,
    paths: tuple[Path, ...],
    format_: str | None,
    prune: bool,
    no_aliases: bool,
    strict: bool,
    max_line: int,
    max_columns: int,
    max_depth: int,
    max_expansion: int,
    encoding: str | None,
    delimiter: str | None,
    as_json: bool,
    **mapped: Any,
) -> None:
    """Import tracks from files, or directories of audio files.

    The suffix of a file chooses its format: .csv, .tsv, .json, .jsonl, .ndjson or that of a plugin, each also with .gz.
    Columns named like the fields of a track are taken, however case, spaces and hyphens are written; for others, use
    --map. Well-known data sets are recognised by their header. A tempo can come from "bpm", a duration from
    "duration_ms", a mood from "valence" and the energy (the quadrants of Russell's circumplex of affect, 1980: upbeat,
    energetic, calm, mellow), an id from artist and title.

    Of a DIRECTORY, all audio files below it are imported by their tags; again, only those that changed. What is not
    tagged stays unknown. --prune removes the tracks of files that are gone.

    All files are one transaction. Of several rows with one track_id the first counts; a track that is already in the
    catalogue is replaced. Bad rows are reported and skipped; if there are no others, the exit code is 1. A file that
    asks for more than the limits of --max-line, --max-columns, --max-depth and --max-expansion is refused; how many
    rows it has does not matter.
    """
    bad: list[BadRow] = []
    mapping = mapping_from_options(**mapped)
    presets = {} if mapped["preset"] or mapped["pairs"] else presets_like(mapping)
    limits = Limits(line=max_line, columns=max_columns, depth=max_depth, expansion=max_expansion)
    for path in paths:
        file_size(path)  # before the store is opened: a missing file must not make one
    with session.engine() as engine:
        readers = Readers.of(
            engine.registry, engine.faults.report, format_, limits, encoding=encoding, delimiter=delimiter
        )
        collection = _collection_at(paths, readers, engine)
        files = [path for path in paths if collection is None or path not in collection.roots]
        if not (format_ or mapped["preset"] or mapped["pairs"]):
            _refuse_histories(files, engine)
        kinds = declared_kinds(column.value for column in engine.registry.columns.values())
        job = Import(files, evolve(mapping, declared=kinds), readers, strict)
        job.presets = {name: evolve(each, declared=kinds) for name, each in presets.items()}
        job.collection = collection
        if not no_aliases:
            job.aliases = engine.registry.genre_aliases
        job.on_bad_row = lambda row: bad.append(row) if len(bad) < SHOWN_BAD_ROWS else None
        begun = time.perf_counter()
        total = sum(map(file_size, files)) + (collection.size if collection else 0)
        with progress_bar("Importing", total) as job.on_progress:
            written = engine.write_tracks(job)
        if collection is not None and prune and collection.found:
            collection.counts.removed = engine.remove_content(collection.gone)
        seconds = time.perf_counter() - begun
    report_rows(bad, job.summary)
    summary = summary_of(job, written, seconds)
    print_json(summary) if as_json else print_summary(summary)
    if nothing_usable := _why_nothing(job):
        note(f"{nothing_usable}: nothing was imported.")
        raise click.exceptions.Exit(1)


def _refuse_histories(files: Sequence[Path], engine: Engine) -> None:
    """Raise `ImportFileError` for a file that is a listening history, and names the command that takes it."""
    histories = Histories.of(engine.registry, engine.faults.report)
    for path in files:
        histories.refuse(path)


def _collection_at(paths: Sequence[Path], readers: Readers, engine: Engine) -> Collection | None:
    """Return the audio files at those of the paths that are directories or audio files; None if none is."""
    suffixes = readers.one_track_suffixes()
    roots = tuple(path for path in paths if suffixes and (path.is_dir() or path.suffix.lower() in suffixes))
    if not roots:
        return None
    return Collection(roots, readers, known_files(track for _, track in engine.store.catalogue_since(None).written))


def _why_nothing(job: Import) -> str | None:
    """Return why an import took nothing, None if it did or had nothing to take."""
    unchanged = job.collection.counts.unchanged if job.collection else 0
    if job.summary.rows and not job.summary.tracks and not unchanged:
        return "No row could be used"
    if job.collection and not job.paths and not job.collection.found:
        return f"There is no audio file below {', '.join(map(str, job.collection.roots))}"
    return None
