"""`qfzz history`: years of listening, from what services and scrobblers export."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from qfzz_core.cli.import_summary import SHOWN_BAD_ROWS
from qfzz_core.cli.options import command, limit_option, size
from qfzz_core.cli.output import echo, note, print_json, print_line, print_result, progress_bar, progress_line
from qfzz_core.cli.session import Session
from qfzz_core.contracts.limits import MAX_EXPANSION, MAX_LINE, Limits
from qfzz_core.formats.files import file_size
from qfzz_core.importing.job import BadRow

if TYPE_CHECKING:
    from qfzz_core.importing.unmatched import Unmatched
    from qfzz_core.profiles.recorder import Feedback

_REPORTED = 1000  # plays between two reports of progress: 0.1 s
_USER = click.option("--user", required=True, metavar="USER", help="Whose history it is.")

_MEANINGS = {
    "entries": "entries read",
    "plays": "plays",
    "skips": "skips",
    "repeated": "entries that an earlier file had, left out",
    "podcasts": "podcasts and audiobooks, left out",
    "incognito": "plays in a private session, left out",
    "others": "entries that are no plays, left out",
    "bad": "bad entries, left out",
    "matched": "plays and skips of tracks of the catalogue",
    "ambiguous": "of several tracks that it may be, kept without learning",
    "unmatched": "of tracks that the catalogue lacks, kept without learning",
    "recorded": "new to the log",
}
_ALWAYS = ("entries", "plays", "skips", "matched", "recorded")


@click.group()
def history() -> None:
    """Import a listening history, and list what is not found."""


@command(history, "import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@_USER
@click.option("--format", "format_", metavar="NAME", help="The form of the files, whatever they look like.")
@click.option("--dry-run", is_flag=True, help="Read, match and count, and record nothing.")
@click.option(
    "--max-line", type=size, default=MAX_LINE, show_default=True, metavar="SIZE", help="Characters of one entry."
)
@click.option(
    "--max-expansion",
    type=click.IntRange(min=1),
    default=MAX_EXPANSION,
    show_default=True,
    metavar="N",
    help="How many times its size a .gz or .zip file may become.",
)
def import_history(
    session: Session,
    *,
    files: tuple[Path, ...],
    user: str,
    format_: str | None,
    dry_run: bool,
    max_line: int,
    max_expansion: int,
    as_json: bool,
) -> None:
    """Record plays and skips from exports of Spotify, ListenBrainz, Last.fm, maloja and Pano Scrobbler.

    The content of a file shows its form; a .zip may hold many, and each may be compressed with .gz. Each play is
    recorded with its own time, of UTC, and an id made of what the export says of it: importing again, or a later export
    that overlaps, adds what is new. Times are the export's. A play of less than 30 seconds is a skip, and so is one
    that the export calls skipped and of which less than half was heard. Plays of tracks that the catalogue lacks are
    kept and teach nothing until `qfzz history rematch` finds the track.

    All files are one transaction. If no entry could be used, the exit code is 1.
    """
    from qfzz_core.formats.histories import Histories
    from qfzz_core.importing.history import HistoryImport

    bad: list[BadRow] = []
    total = sum(map(file_size, files))  # before the store is opened: a missing file must not make one
    with session.engine() as engine:
        listening = engine.listening
        limits = Limits(line=max_line, expansion=max_expansion)
        histories = Histories.of(engine.registry, engine.faults.report, format_, limits)
        job = HistoryImport(files, histories, listening.find, listening.clock)
        job.on_bad_row = lambda row: bad.append(row) if len(bad) < SHOWN_BAD_ROWS else None
        begun = time.perf_counter()
        with progress_bar("Reading", total) as job.on_progress:
            summary = job.read()
        if not dry_run:
            summary.recorded = listening.record(user, _reported(job.feedback(user, listening.types)))
        seconds = time.perf_counter() - begun
    _report_bad(bad, summary.bad)
    counts = attrs.asdict(summary)
    used = summary.plays + summary.skips + summary.repeated
    result = {"files": [str(path) for path in files], "user_id": user, **counts, "seconds": round(seconds, 3)}
    print_json(result) if as_json else _print(result, dry_run)
    if summary.entries and not used:
        note("No entry could be used: nothing was recorded.")
        raise click.exceptions.Exit(1)


def _reported(feedbacks: Iterable[Feedback]) -> Iterator[Feedback]:
    """Yield feedback, and show on a terminal how much there was."""
    with progress_line() as show:
        for count, feedback in enumerate(feedbacks):
            if not count % _REPORTED:
                show(f"Recording, {count:,} plays")
            yield feedback


def _report_bad(shown: list[BadRow], count: int) -> None:
    for row in shown:
        note(row)
    if count > len(shown):
        note(f"... and {count - len(shown):,} more")


def _print(counts: dict[str, Any], dry_run: bool) -> None:
    files = len(counts["files"])
    done = "Would record" if dry_run else "Recorded"
    number = counts["plays"] + counts["skips"] if dry_run else counts["recorded"]
    echo(f"{done} {number:,} events from {files} file{'s' if files > 1 else ''} in {counts['seconds']:.1f} s.")
    for name, meaning in _MEANINGS.items():
        if counts[name] or name in _ALWAYS:
            echo(f"{counts[name]:>9,}  {meaning}")


@command(history)
@_USER
@limit_option(1)
def unmatched(session: Session, *, user: str, limit: int, as_json: bool) -> None:
    """List what was heard and not found in the catalogue, the most played first."""
    with session.existing_store() as engine:
        tracks = engine.listening.unmatched(user)
    if as_json:
        print_json(tracks[:limit])
    elif not tracks:
        note("Everything that was heard is in the catalogue.")
    else:
        for track in tracks[:limit]:
            _print_unmatched(track)
        if len(tracks) > limit:
            note(f"There are {len(tracks):,}; -n shows more of them.")


def _print_unmatched(track: Unmatched) -> None:
    heard = track.heard
    names = [name for name in (heard.artist, heard.title) if name] or [heard.location or track.track_id]
    print_line(f"{track.plays:>6,}  {': '.join(names)} (last {track.last[:10]})")
    if track.candidates:
        print_line(f"{'':>8}may be {', '.join(track.candidates)}")


@command(history)
@_USER
def rematch(session: Session, *, user: str, as_json: bool) -> None:
    """Look again for what was not found, and learn from what is there now.

    Each such play is retracted and recorded again with its track and its own time, all in one transaction.
    """
    with session.existing_store() as engine:
        rematched, left = engine.listening.rematch(user)
    text = f"Found the tracks of {rematched:,} plays; {left:,} are left without."
    print_result({"user_id": user, "rematched": rematched, "unmatched": left}, as_json, text)
