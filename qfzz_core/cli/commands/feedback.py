"""`qfzz feedback`: one interaction, and what was learned from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qfzz_core.cli.commands.tracks import nearest_tracks
from qfzz_core.cli.options import command
from qfzz_core.cli.output import print_json, print_line, visible
from qfzz_core.cli.session import Session
from qfzz_core.model.learning import publisher_of
from qfzz_core.model.profiles import ProfileSnapshot, spelling_of
from qfzz_core.model.tracks import Track, names_of
from qfzz_core.model.weights import SINGULAR

if TYPE_CHECKING:
    from qfzz_core.engine import Engine

_TRUST = "trust"


@command()
@click.argument("user")
@click.argument("track")
@click.argument("interaction_type", metavar="TYPE")
@click.option("--rating", type=float, metavar="0..1", help="A rating, which counts instead of the type.")
@click.option("--event-id", metavar="ID", help="Your own id of this event: given again, it is not applied again.")
@click.option("--timestamp", metavar="MOMENT", help="When it happened: ISO-8601 with offset. Now, if not given.")
def feedback(session: Session, *, user: str, track: str, interaction_type: str, as_json: bool, **details: Any) -> None:
    """Record what a user did with a track, and learn from it.

    TRACK is a track's id. TYPE is favorite, like, play, skip, dislike, or one that a plugin adds. The weights of the
    track's genre, artist and mood move by the strength of the type; so does the trust in its publisher.
    """
    with session.engine() as engine:
        outcome = record(engine, user, track, interaction_type, **details)
    print_json(outcome) if as_json else _print(outcome)


def record(
    engine: Engine,
    user: str,
    track_id: str,
    interaction_type: str,
    *,
    rating: float | None = None,
    event_id: str | None = None,
    timestamp: str | None = None,
) -> dict[str, Any]:
    """Record one feedback and return what it changed; raises `FeedbackError`."""
    track = engine.get_track(track_id)
    before = engine.store.snapshot(user)
    trust = _trust(engine, user, track)
    engine.record_feedback(user, track_id, interaction_type, rating, event_id=event_id, timestamp=timestamp)
    # nothing was stored where another process erased the user at this moment
    after = engine.store.snapshot(user) or ProfileSnapshot(user_id=user)
    return {
        "user_id": user,
        "track_id": track_id,
        "type": interaction_type,
        "rating": rating,
        "event_id": event_id,
        "timestamp": timestamp,
        "recorded": before is None or before.revision != after.revision,
        "track": track,
        "near": [] if track else nearest_tracks(engine, track_id),
        "weights": [] if track is None else _moved(before or ProfileSnapshot(user_id=user), after, track),
        "trust": None if trust is None else {**trust, "after": engine.learned(_TRUST, user, trust["publisher"])},
    }


def _trust(engine: Engine, user: str, track: Track | None) -> dict[str, Any] | None:
    if track is None or _TRUST not in engine.registry.learners:
        return None
    publisher = publisher_of(track)
    return {"publisher": publisher, "before": engine.learned(_TRUST, user, publisher)}


def _moved(before: ProfileSnapshot, after: ProfileSnapshot, track: Track) -> list[dict[str, Any]]:
    """Return the weights of the track's genres, artists and mood that are not what they were."""
    moved = []
    named = [(field, name) for field, key in SINGULAR.items() for name in names_of(track, key)]
    for field, given in named:
        weights = getattr(after, field)
        name = spelling_of(weights, field, given) or given  # the profile may know "Jazz" where the track says "jazz"
        old, new = getattr(before, field).get(name, 0.0), weights.get(name, 0.0)
        if old != new:
            moved.append({"field": field, "name": name, "before": old, "after": new})
    return moved


def learned_lines(outcome: dict[str, Any]) -> list[str]:
    """Return a line for each weight that moved, and one for the trust."""
    moved = [(SINGULAR[item["field"]], item["name"], item) for item in outcome["weights"]]
    if outcome["trust"]:
        moved.append((_TRUST, outcome["trust"]["publisher"].partition(":")[2], outcome["trust"]))
    width = max((len(name) for _, name, _ in moved), default=0)
    return [
        visible(f"{word:<6}  {name:<{width}}  {item['before']:.2f} -> {item['after']:.2f}")
        for word, name, item in moved
    ]


def _print(outcome: dict[str, Any]) -> None:
    track = outcome["track"]
    if not outcome["recorded"]:
        print_line(f"This event was recorded before; nothing changed ({outcome['event_id']}).")
        return
    title = f"{track['title']} by {track['artist']}" if track else outcome["track_id"]
    print_line(f"{outcome['user_id']}: {outcome['type']} {title}")
    if track is None:
        print_line("The catalogue has no such track, so nothing is learned from it.")
        for near in outcome["near"]:
            print_line(f"Did you mean {near['track_id']}, {near['title']} by {near['artist']}?")
        return
    for line in learned_lines(outcome):
        print_line(f"  {line}")
    if not outcome["weights"]:
        print_line("  No weight moved.")
