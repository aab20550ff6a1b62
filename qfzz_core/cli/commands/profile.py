"""`qfzz profile`: what is known of a user, to see, to change, to take along and to erase."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from qfzz_core.cli.files import MAX_SIZE, read_document, write_bytes
from qfzz_core.cli.options import command, size
from qfzz_core.cli.output import console, echo, print_json, print_line, print_result, visible
from qfzz_core.cli.request_options import given_preferences, preference_options
from qfzz_core.cli.session import Session
from qfzz_core.errors import ProfileError
from qfzz_core.model.events import Interaction, in_effect
from qfzz_core.model.profiles import UserProfile, checked_user_id, spelling_of
from qfzz_core.model.weights import SINGULAR, WEIGHT_FIELDS, checked_weights

if TYPE_CHECKING:
    from qfzz_core.engine import Engine

# one screen of 24 lines shows a new profile whole; --json shows everything
SHOWN_NAMES = 10
SHOWN_INTERACTIONS = 5


@click.group()
def profile() -> None:
    """Show, change, move or forget what is known of a user."""


@command(profile)
@click.argument("user")
def show(session: Session, user: str, as_json: bool) -> None:
    """Show a user's preferences and latest interactions."""
    with session.engine() as engine:
        _show(engine, known_profile(engine, user), as_json)


@command(profile, name="list")
def list_users(session: Session, as_json: bool) -> None:
    """List the ids of all users."""
    with session.engine() as engine:
        if as_json:
            print_json(list(engine.store.user_ids()))
        else:
            for user_id in engine.store.user_ids():
                print_line(user_id)


@command(profile, name="set")
@click.argument("user")
@preference_options
@click.option("--drop-genre", "drop_genres", multiple=True, metavar="NAME", help="A genre to remove. Repeatable.")
@click.option("--drop-artist", "drop_artists", multiple=True, metavar="NAME", help="An artist to remove. Repeatable.")
@click.option("--drop-mood", "drop_moods", multiple=True, metavar="NAME", help="A mood to remove. Repeatable.")
def set_preferences(session: Session, user: str, as_json: bool, **values: Any) -> None:
    """Change preferences of a user, all at once or none.

    Names that are not given keep their weight. A user who is not known yet is created.
    """
    preferences = given_preferences(values)
    drops = {field: values[f"drop_{field}"] for field in WEIGHT_FIELDS}
    if not preferences and not any(drops.values()):
        raise click.UsageError("nothing to set: give a preference such as --genre jazz=0.9, or --drop-genre jazz")
    with session.engine() as engine:
        with engine.edit(user) as draft:
            for field, names in drops.items():
                _drop(draft, field, names)
            for field, value in preferences.items():
                _set(draft, field, value)
        _show(engine, known_profile(engine, user), as_json)


@command(profile)
@click.argument("user")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to write; stdout if not given.")
def export(session: Session, user: str, output: Path | None, as_json: bool) -> None:
    """Write everything that is known of a user as JSON.

    That is the profile, the whole log, and what was learned from it. A file is written whole or not at all, and only
    its owner can read it.
    """
    from qfzz_core.storage.copies import profile_document

    with session.engine() as engine:
        record = engine.store.record(checked_user_id(user))
        if record is None:
            raise _nobody(user)
        held = profile_document(record)
    if output is None or str(output) == "-":
        print_json(held)
        return
    write_bytes(output, f"{json.dumps(held, indent=2, ensure_ascii=False)}\n".encode(), private=True)
    events = len(held["events"])
    text = f"Wrote the profile and {events:,} events of {user} to {output}."
    print_result({"user_id": user, "file": str(output), "events": events}, as_json, text)


@command(profile, name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace the user if there is one.")
@click.option(
    "--max-size", type=size, default=MAX_SIZE, show_default=True, metavar="SIZE", help="Characters of the file."
)
def import_profile(session: Session, file: Path, replace: bool, max_size: int, as_json: bool) -> None:
    """Put an exported user into the store, with the whole log; "-" reads stdin.

    All or nothing: a file that is not what `export` writes is refused, with the place where it differs.
    """
    from qfzz_core.storage.copies import record_from_document, restore_user

    record = record_from_document(read_document(file, max_size))
    # a list, because the events of a record can be read once, and are counted below
    user, events = record.profile.user_id, list(record.events)
    with session.engine() as engine:
        restore_user(engine.store, attrs.evolve(record, events=events), replace=replace)
    text = f"Imported the profile and {len(events):,} events of {user}."
    print_result({"user_id": user, "events": len(events)}, as_json, text)


@command(profile)
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(session: Session, user: str, yes: bool, as_json: bool) -> None:
    """Erase everything that is known of a user."""
    with session.engine() as engine:
        refuse_unknown(engine, user)
        if not yes:
            click.confirm(visible(f"Erase everything known of {user}?"), abort=True, err=True)
        forgotten = engine.forget(user)
    print_result({"user_id": user, "forgotten": forgotten}, as_json, f"{user} is forgotten.")


def known_profile(engine: Engine, user: str) -> UserProfile:
    """Return the profile of a user; raises `ProfileError` for one who does not exist."""
    found = engine.get_profile(checked_user_id(user))
    if found is None:
        raise _nobody(user)
    return found


def refuse_unknown(engine: Engine, user: str) -> None:
    """Raise `ProfileError` for a user who does not exist; what is stored of one need not be readable."""
    if engine.store.revision(checked_user_id(user)) is None:
        raise _nobody(user)


def _nobody(user: str) -> ProfileError:
    return ProfileError(f"there is no user {user!r}; `qfzz profile list` shows all users")


def _drop(draft: UserProfile, field: str, names: tuple[str, ...]) -> None:
    weights = getattr(draft, field)
    for name in names:
        spelling = spelling_of(weights, field, name)
        if spelling is None:
            raise ProfileError(f"the profile has no {SINGULAR[field]} {name!r} to drop")
        del weights[spelling]


def _set(draft: UserProfile, field: str, value: Any) -> None:
    """Set a field, or the given names of one, each under the spelling that it has already."""
    if field not in WEIGHT_FIELDS:
        setattr(draft, field, value)
        return
    weights = getattr(draft, field)
    given = checked_weights(field, value)
    weights.update({spelling_of(weights, field, name) or name: weight for name, weight in given.items()})


def _show(engine: Engine, shown: UserProfile, as_json: bool) -> None:
    print_json(shown.to_dict()) if as_json else _print(engine, shown)


# ---- a profile as a person wants to read it -------------------------------------------------------------------------


def _print(engine: Engine, shown: UserProfile) -> None:
    """Write a profile's preferences, what was learned beside them, and the latest interactions."""
    from rich.text import Text

    from qfzz_core.cli.tables import print_table

    console().print(Text(visible(shown.user_id), style="bold"))
    print_line(
        f"energy {shown.energy_level:.2f}, tempo {shown.tempo_preference}, discovery {shown.discovery_factor:.2f}"
    )
    rows = list(_rows(engine, shown))
    if rows:
        echo()
        print_table(rows, (("kind",), ("name",), ("weight",)))
    events = in_effect(engine.store.events(shown.user_id, newest_first=True))
    interactions = (event.interaction for event in events if event.interaction is not None)
    latest = list(islice(interactions, SHOWN_INTERACTIONS))
    if latest:
        echo("\nLatest interactions, newest first")
    for interaction in latest:
        print_line(f"{interaction.timestamp[:16].replace('T', ' ')}  {_sentence(engine, interaction)}")


def _rows(engine: Engine, shown: UserProfile) -> Iterator[dict[str, str]]:
    for field, kind in SINGULAR.items():
        yield from _strongest(kind, getattr(shown, field))
    for name, learner in engine.registry.learners.items():
        states = engine.store.states(shown.user_id, name)
        yield from _strongest(name, {key: learner.value.read(state) for key, state in states.items()})


def _strongest(kind: str, weights: Mapping[str, float]) -> Iterator[dict[str, str]]:
    """Yield the rows of the largest weights, and one that says how many more there are."""
    names = sorted(weights, key=lambda name: -weights[name])
    for name in names[:SHOWN_NAMES]:
        yield {"kind": visible(kind), "name": visible(name), "weight": f"{weights[name]:.2f}"}
    if len(names) > SHOWN_NAMES:
        yield {"kind": visible(kind), "name": f"... and {len(names) - SHOWN_NAMES:,} more (--json)", "weight": ""}


def _sentence(engine: Engine, interaction: Interaction) -> str:
    track = engine.get_track(interaction.track_id)
    title = f"{track['title']} by {track['artist']}" if track else f"{interaction.track_id} (not in the catalogue)"
    rating = "" if interaction.rating is None else f" (rated {interaction.rating:g})"
    return f"{interaction.type}{rating}: {title}"
