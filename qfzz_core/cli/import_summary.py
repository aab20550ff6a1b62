"""What `qfzz import` says it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import asdict

from qfzz_core.cli.output import echo, note, visible
from qfzz_core.importing.job import BadRow, Import, ImportSummary
from qfzz_core.importing.several import SEVERAL

if TYPE_CHECKING:
    from qfzz_core.contracts.stores import Written

SHOWN_BAD_ROWS = 20  # what a terminal of 24 lines shows; a wrong mapping makes every row a bad one

_MEANINGS = {
    "rows": "rows read",
    "added": "tracks added",
    "replaced": "tracks replaced",
    "repeated": "rows that repeat a track_id of this import, left out",
    "bad": "bad rows, left out",
}

_OF_FILES = {
    "new": "new audio files",
    "changed": "changed audio files, read again",
    "moved": "audio files that are elsewhere now, whose tracks keep their ids",
    "unchanged": "unchanged audio files, not read",
    "gone": "tracks whose files are gone (--prune removes them)",
    "removed": "of them removed",
    "titles_of_names": "files without a title, which is made of the file's name",
    "artists_of_paths": "files without an artist, which is made of the path",
    "unknown_artists": "files without an artist, whose artist is called Unknown artist",
}


def report_rows(shown: Sequence[BadRow], summary: ImportSummary) -> None:
    """Write bad rows and notes to stderr."""
    for row in shown:
        note(row)
    if summary.bad_rows > len(shown):
        note(f"... and {summary.bad_rows - len(shown):,} more")
    for each in summary.notes:
        note(each)


def summary_of(job: Import, written: Written, seconds: float) -> dict[str, Any]:
    """Return all counts and notes of an import, as its JSON document has them."""
    summary = job.summary
    look_several: Counter[str] = Counter()
    for (name, _), count in summary.counts.several.items():
        look_several[name] += count
    return {
        "files": [str(path) for path in (*job.paths, *(job.collection.roots if job.collection else ()))],
        "rows": summary.rows,
        "added": written.added,
        "replaced": written.replaced,
        "repeated": summary.repeated,
        "joined": summary.joined,
        "bad": summary.bad_rows,
        "ignored_columns": summary.ignored_columns,
        "made_ids": summary.counts.made_ids,
        "aliases": summary.aliases,
        "defaults": dict(summary.counts.defaults),
        "unusable": dict(summary.counts.unusable),
        "unknown": dict(summary.unknown),
        "split": dict(summary.counts.split),
        "look_several": dict(look_several),
        **({"collection": asdict(job.collection.counts)} if job.collection else {}),
        "notes": list(summary.notes),
        "seconds": round(seconds, 3),
        "rows_per_second": round(summary.rows / seconds),
    }


def print_summary(summary: Mapping[str, Any]) -> None:
    """Write the counts to stdout: those that every import has, and the others where there is something to count."""
    files = len(summary["files"])
    word = "path" if "collection" in summary else "file"
    echo(
        f"Imported {summary['added'] + summary['replaced']:,} tracks from {files} {word}{'s' if files > 1 else ''} "
        f"in {summary['seconds']:.1f} s ({summary['rows_per_second']:,} rows/s)."
    )
    for name, meaning in _MEANINGS.items():
        echo(f"{summary[name]:>9,}  {meaning}")
    if summary["joined"]:
        echo(f"{summary['joined']:>9,}  rows that add a genre or an artist to a track of this import")
    for name, meaning in _OF_FILES.items() if "collection" in summary else ():
        if count := summary["collection"][name]:
            echo(f"{count:>9,}  {meaning}")
    if summary["aliases"]:
        echo(f"{summary['aliases']:>9,}  genres that were written otherwise, read by an alias")
    for field, count in summary["defaults"].items():
        echo(f"{count:>9,}  rows without {field}, which got the default")
    for field, count in summary["unknown"].items():
        echo(f"{count:>9,}  tracks of unknown {field}")
    for field, count in summary["split"].items():
        echo(f"{count:>9,}  rows with several {SEVERAL[field]}")
    for column, count in summary["unusable"].items():
        echo(f"{count:>9,}  values of {visible(column)} that its column cannot use")
