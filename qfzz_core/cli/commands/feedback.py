"""`qfzz feedback`: one interaction, and what was learned from it."""

from __future__ import annotations

from typing import Any

import click

from qfzz_core.cli.options import command, json_option
from qfzz_core.cli.output import print_json, visible
from qfzz_core.cli.session import Session


@command()
@click.argument("user")
@click.argument("track")
@click.argument("interaction_type", metavar="TYPE")
@click.option("--rating", type=float, metavar="0..1", help="A rating, which counts instead of the type.")
@click.option("--event-id", metavar="ID", help="Your own id of this event: given again, it is not applied again.")
@json_option
def feedback(
    session: Session,
    *,
    user: str,
    track: str,
    interaction_type: str,
    rating: float | None,
    event_id: str | None,
    as_json: bool,
) -> None:
    """Record what a user did with a track, and learn from it.

    TRACK is a track's id. TYPE is favorite, like, play, skip, dislike, or one that a plugin adds. The track's genre,
    artist and mood move by the strength of the type; so does the trust in who published it.
    """
    from qfzz_core.cli.learned import record

    with session.engine() as engine:
        outcome = record(engine, user, track, interaction_type, rating=rating, event_id=event_id)
    print_json(outcome) if as_json else _print(outcome)


def _print(outcome: dict[str, Any]) -> None:
    track = outcome["track"]
    if not outcome["recorded"]:
        click.echo(f"This event was recorded before; nothing changed ({visible(outcome['event_id'])}).")
        return
    title = f"{track['title']} by {track['artist']}" if track else outcome["track_id"]
    click.echo(visible(f"{outcome['user_id']}: {outcome['type']} {title}"))
    if track is None:
        click.echo("The catalogue has no such track, so it teaches nothing.")
        return
    from qfzz_core.cli.learned import learned_lines

    for line in learned_lines(outcome):
        click.echo(f"  {line}")
    if not outcome["weights"]:
        click.echo("  No weight moved.")
