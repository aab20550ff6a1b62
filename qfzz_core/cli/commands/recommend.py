"""`qfzz recommend`: a list for one user, and why each track is on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qfzz_core.cli.commands.tracks import serves_samples
from qfzz_core.cli.files import write_bytes
from qfzz_core.cli.options import command, limit_option
from qfzz_core.cli.output import note, print_file, print_json, print_line
from qfzz_core.cli.request_options import given_preferences, list_keywords, request_options
from qfzz_core.cli.session import Session
from qfzz_core.contracts.formats import Playlist, Writer
from qfzz_core.formats.files import chosen_writer, playlist_bytes

if TYPE_CHECKING:
    from qfzz_core.contracts.plan import Plan
    from qfzz_core.contracts.recommendation import Recommendation
    from qfzz_core.engine import Engine
    from qfzz_core.plugins.registry import Registered


@command()
@click.argument("user")
@limit_option(0)
@click.option("--explain", is_flag=True, help="Show what each factor contributes to each score.")
@click.option("--plan", "as_plan", is_flag=True, help="Show how the list is found, and how fast, instead of the list.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write a playlist; - is stdout.")
@click.option("--format", "format_", metavar="NAME", help="The format of the playlist, whatever the suffix of FILE.")
@click.option("--safe-csv", is_flag=True, help="Put ' before what a spreadsheet would take for a formula.")
@click.option("--allow-unplayable", is_flag=True, help="Write the ids of tracks that have no location.")
@request_options
def recommend(
    session: Session,
    *,
    user: str,
    limit: int,
    explain: bool,
    as_plan: bool,
    output: Path | None,
    format_: str | None,
    safe_csv: bool,
    allow_unplayable: bool,
    seed: int | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Recommend tracks to a user.

    --genre, --artist, --mood, --energy, --tempo and --discovery replace those of the profile for this call only. Tracks
    whose latest judgement by the user was a dislike are left out, unless --where disliked=true.

    With --where, several values of one column are alternatives. A user who is not known yet is created, but not by
    --plan.

    With --output, the list becomes a playlist instead: .m3u8, .pls, .xspf, .jspf, .csv, .json, .jsonl, or what a plugin
    writes. M3U and PLS need the location of every track.
    """
    if format_ and output is None:
        raise click.UsageError("--format is the format of a playlist: say with --output where it goes")
    if safe_csv and output is None:
        raise click.UsageError("--safe-csv is about a file of CSV: say with --output where it goes")
    if allow_unplayable and output is None:
        raise click.UsageError("--allow-unplayable is about a playlist: say with --output where it goes")
    with session.engine(seed=seed) as engine:
        writer = output and chosen_writer(engine.registry, output, format_)
        keywords = list_keywords(engine.registry, values)
        if as_plan:
            _print_plan(engine.plan(user, given_preferences(values), limit=limit, **keywords), as_json)
            return
        found = engine.recommend(user, given_preferences(values), limit=limit, **keywords)
        if output and writer:
            tracks = [each.track for each in found]
            _write_playlist(engine, writer, output, Playlist(f"QFZZ for {user}", tracks, safe_csv, allow_unplayable))
        elif as_json:
            print_json([{**each.to_dict(), "explanation": each.explanation} for each in found] if explain else found)
        else:
            _print(engine, found, explain)


def _print_plan(plan: Plan, as_json: bool) -> None:
    if as_json:
        print_json(plan.to_dict())
        return
    print_line(f"{plan.method}, because {plan.reason}")
    looked_at = f"{plan.looked_at:,} rows looked at, {plan.scored:,} scored, {plan.cells:,} cells"
    print_line(f"{plan.tracks:,} tracks: {looked_at}")
    for part, seconds in plan.seconds.items():
        print_line(f"{part:<10}{seconds * 1e3:10.3f} ms")


def _write_playlist(engine: Engine, writer: Registered[Writer], output: Path, playlist: Playlist) -> None:
    content = playlist_bytes(writer, playlist, engine.faults.report)
    if str(output) == "-":
        print_file(content)
        return
    write_bytes(output, content)
    note(f"{output}: {len(playlist.tracks)} tracks, format {writer.name}.")


def _print(engine: Engine, found: list[Recommendation], explain: bool) -> None:
    from qfzz_core.cli.tables import print_explained, print_list

    if found and serves_samples(engine):
        note("The store holds no tracks yet: these are invented samples. Import your own with `qfzz import`.")
    if not found:
        note("No track is left to recommend.")
    elif explain:
        print_explained(engine, found)
    else:
        print_list(found)
