"""`qfzz import`: files of other people into the catalogue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from qfzz_core.cli.options import command, size
from qfzz_core.cli.output import console, echo, note, print_json
from qfzz_core.cli.session import Session
from qfzz_core.contracts.limits import MAX_COLUMNS, MAX_EXPANSION, MAX_LINE, Limits
from qfzz_core.formats.files import Readers, file_size
from qfzz_core.importing.job import BadRow, Import
from qfzz_core.importing.mapping import PRESETS, mapping_from_options
from qfzz_core.importing.values import FAST_FROM, SLOW_BELOW
from qfzz_core.model.plain import MAX_DEPTH

SHOWN_BAD_ROWS = 20  # what a terminal of 24 lines shows; a wrong mapping makes every row a bad one

_POSITIVE = click.IntRange(min=1)
_MEANINGS = {
    "rows": "rows read",
    "added": "tracks added",
    "replaced": "tracks replaced",
    "repeated": "rows that repeat a track_id of this import, left out",
    "bad": "bad rows, left out",
}


@command(name="import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--format", "format_", metavar="NAME", help="The format, whatever the suffixes of the files.")
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help="Where the columns are in a well-known data set.")
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="The column of a field. Repeatable.")
@click.option("--slow-below", type=float, default=SLOW_BELOW, show_default=True, metavar="BPM", help="What is slow.")
@click.option("--fast-from", type=float, default=FAST_FROM, show_default=True, metavar="BPM", help="What is fast.")
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
    files: tuple[Path, ...],
    format_: str | None,
    strict: bool,
    max_line: int,
    max_columns: int,
    max_depth: int,
    max_expansion: int,
    as_json: bool,
    **mapped: Any,
) -> None:
    """Import tracks from files, such as CSV, JSON or JSON Lines.

    The suffix of a file chooses its format: .csv, .json, .jsonl, .ndjson or that of a plugin, each also with .gz.
    Columns named like the fields of a track are taken as they are; for others, use --preset or --map. A tempo can come
    from "bpm", a duration from "duration_ms", a mood from "valence" and the energy (the quadrants of Russell's
    circumplex of affect, 1980: upbeat, energetic, calm, mellow).

    All files are one transaction. Of several rows with one track_id the first counts; a track that is already in the
    catalogue is replaced. Bad rows are reported and skipped. A file that asks for more than the limits of --max-line,
    --max-columns, --max-depth and --max-expansion is refused; how many rows it has does not matter.
    """
    bad: list[BadRow] = []
    mapping = mapping_from_options(**mapped)
    limits = Limits(line=max_line, columns=max_columns, depth=max_depth, expansion=max_expansion)
    total = sum(map(file_size, files))  # before the store is opened: a missing file must not make one
    with session.engine() as engine:
        readers = Readers.of(engine.registry, engine.faults.report, format_, limits)
        job = Import(files, mapping, readers, strict)
        job.on_bad_row = lambda row: bad.append(row) if len(bad) < SHOWN_BAD_ROWS else None
        begun = time.perf_counter()
        with _progress_bar(job, total):
            written = engine.write_tracks(job)
        seconds = time.perf_counter() - begun
    _report_bad_rows(bad, job.summary.bad_rows)
    summary = {
        "files": [str(path) for path in files],
        "rows": job.summary.rows,
        "added": written.added,
        "replaced": written.replaced,
        "repeated": job.summary.repeated,
        "bad": job.summary.bad_rows,
        "seconds": round(seconds, 3),
        "rows_per_second": round(job.summary.rows / seconds),
    }
    print_json(summary) if as_json else _print_summary(summary)


@contextmanager
def _progress_bar(job: Import, total: int) -> Iterator[None]:
    """Show how many bytes were read, if stderr is a terminal."""
    stderr = console(stderr=True)
    if not stderr.is_terminal:
        yield
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Importing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        task = progress.add_task("", total=total)
        job.on_progress = lambda done: progress.update(task, completed=done)
        yield


def _report_bad_rows(shown: list[BadRow], count: int) -> None:
    for row in shown:
        note(row)
    if count > len(shown):
        note(f"... and {count - len(shown):,} more")


def _print_summary(summary: dict[str, Any]) -> None:
    files = len(summary["files"])
    echo(
        f"Imported {summary['added'] + summary['replaced']:,} tracks from {files} file{'s' if files > 1 else ''} "
        f"in {summary['seconds']:.1f} s ({summary['rows_per_second']:,} rows/s)."
    )
    for name, meaning in _MEANINGS.items():
        echo(f"{summary[name]:>9,}  {meaning}")
