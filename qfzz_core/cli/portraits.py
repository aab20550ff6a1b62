"""A profile as a person wants to read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from qfzz_core.cli.known_tracks import find_track
from qfzz_core.cli.output import console, visible
from qfzz_core.cli.tables import table_of
from qfzz_core.engine import Engine
from qfzz_core.model.events import Interaction
from qfzz_core.model.profiles import UserProfile
from qfzz_core.model.weights import SINGULAR

SHOWN_NAMES = 10
SHOWN_INTERACTIONS = 5


def print_profile(engine: Engine, profile: UserProfile) -> None:
    """Write a profile's preferences, what was learned beside them, and the latest interactions."""
    out = console()
    out.print(Text(visible(profile.user_id), style="bold"))
    out.print(
        f"energy {profile.energy_level:.2f}, tempo {profile.tempo_preference}, discovery {profile.discovery_factor:.2f}"
    )
    rows = list(_rows(engine, profile))
    if rows:
        out.print()
        out.print(table_of(rows, (("kind",), ("name",), ("weight",))))
    latest = _latest(engine, profile.user_id)
    if latest:
        out.print("\nLatest interactions, newest first")
    for interaction in latest:
        out.print(f"{interaction.timestamp[:16].replace('T', ' ')}  {_said(engine, interaction)}")


def _rows(engine: Engine, profile: UserProfile) -> Iterator[dict[str, str]]:
    for field, kind in SINGULAR.items():
        yield from _strongest(kind, getattr(profile, field))
    for name, learner in engine.registry.learners.items():
        states = engine.store.states(profile.user_id, name)
        yield from _strongest(name, {key: learner.value.read(state) for key, state in states.items()})


def _strongest(kind: str, weights: Mapping[str, float]) -> Iterator[dict[str, str]]:
    """Yield the rows of the largest weights, and one that says how many there are beyond."""
    names = sorted(weights, key=lambda name: -weights[name])
    for name in names[:SHOWN_NAMES]:
        yield {"kind": visible(kind), "name": visible(name), "weight": f"{weights[name]:.2f}"}
    if len(names) > SHOWN_NAMES:
        yield {"kind": visible(kind), "name": f"... and {len(names) - SHOWN_NAMES:,} more (--json)", "weight": ""}


def _latest(engine: Engine, user_id: str) -> list[Interaction]:
    found = []
    for event in engine.store.events(user_id, newest_first=True):
        if event.interaction is not None:
            found.append(event.interaction)
        if len(found) == SHOWN_INTERACTIONS:
            break
    return found


def _said(engine: Engine, interaction: Interaction) -> str:
    track = find_track(engine, interaction.track_id)
    title = f"{track['title']} by {track['artist']}" if track else f"{interaction.track_id} (not in the catalogue)"
    rating = "" if interaction.rating is None else f" (rated {interaction.rating:g})"
    return visible(f"{interaction.type}{rating}: {title}")
