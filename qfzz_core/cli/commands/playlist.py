"""`qfzz playlist`: lists of other programs, and what can be learned from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qfzz_core.cli.listed import Listed, print_report, report_of, resolved, shown_rows
from qfzz_core.cli.options import command
from qfzz_core.cli.output import note, print_json
from qfzz_core.cli.session import Session
from qfzz_core.formats.files import file_size
from qfzz_core.formats.playlists import PlaylistReaders

if TYPE_CHECKING:
    from qfzz_core.engine import Engine

_Function = Callable[..., Any]


@click.group()
def playlist() -> None:
    """Show playlists of other programs, and learn from them."""


def _reading_options(function: _Function) -> _Function:
    """Return the options that say how a playlist is read."""
    encoding = click.option("--encoding", metavar="NAME", help="How text without a byte order mark is encoded.")
    return click.option("--format", "format_", metavar="NAME", help="The format, whatever the suffix.")(
        encoding(function)
    )


@command(playlist, name="import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--user", required=True, metavar="USER", help="Whose playlists they are.")
@click.option("--as", "type_", default="like", show_default=True, metavar="TYPE", help="What being on a list means.")
@_reading_options
def import_playlists(
    session: Session,
    *,
    files: tuple[Path, ...],
    user: str,
    type_: str,
    format_: str | None,
    encoding: str | None,
    as_json: bool,
) -> None:
    """Learn from playlists: one interaction for each of their tracks that the catalogue has.

    Formats are M3U, M3U8, PLS, XSPF and JSPF, each also with .gz, and what plugins read. TYPE is favorite, like, play,
    skip, dislike, or one that a plugin adds.

    All files are one transaction. A list that is imported again, or a longer one of the same title, adds only what is
    new. A list without a title is known by the name of its file. Entries that may be several tracks are listed and left
    out. If no entry is a track of the catalogue, the exit code is 1.
    """
    with _resolved(session, files, format_, encoding) as (engine, entries):
        from qfzz_core.engine import UTC_NOW
        from qfzz_core.profiles.recorder import valid_feedback

        types = {name: each.value for name, each in engine.registry.interaction_types.items()}
        # said even if nothing of the list is there to learn from
        valid_feedback(types, user, "any", type_, clock=UTC_NOW)
        events = {each.event_id(type_): each.track_id for each in entries if each.track_id is not None}
        new = engine.record_many(
            {"user_id": user, "track_id": track_id, "interaction_type": type_, "event_id": event_id}
            for event_id, track_id in events.items()
        )
    report = {"user_id": user, "type": type_, **report_of(entries), "tracks": len(events), "new": new}
    print_json(report) if as_json else print_report(report, entries)
    if entries and not events:
        note("No entry is a track of the catalogue: nothing was learned.")
        raise click.exceptions.Exit(1)


@command(playlist)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@_reading_options
def show(
    session: Session, *, files: tuple[Path, ...], format_: str | None, encoding: str | None, as_json: bool
) -> None:
    """Show what playlists say, and which tracks of the catalogue they mean."""
    with _resolved(session, files, format_, encoding) as (_, entries):
        report = report_of(entries)
    if as_json:
        print_json(report)
        return
    from qfzz_core.cli.tables import print_table

    print_table(shown_rows(entries), (("line",), ("entry",), ("track",), ("by",)))


@contextmanager
def _resolved(
    session: Session, files: Sequence[Path], format_: str | None, encoding: str | None
) -> Iterator[tuple[Engine, list[Listed]]]:
    """Give the engine, and the entries of all files with the tracks that they mean."""
    for path in files:
        file_size(path)  # before the store is opened: a missing file must not make one
    with session.engine() as engine:
        readers = PlaylistReaders.of(engine.registry, engine.faults.report, format_, encoding=encoding)
        yield engine, resolved(engine, [readers.read(path) for path in files])
