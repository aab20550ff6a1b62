"""`qfzz profile`: what is known of a user, to see, to change, to take along and to erase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from qfzz_core.cli.options import command, given_preferences, json_option, preference_options
from qfzz_core.cli.output import print_json, visible
from qfzz_core.cli.session import Session
from qfzz_core.errors import ProfileError
from qfzz_core.model.profiles import UserProfile, checked_user_id, spelling_of
from qfzz_core.model.weights import SINGULAR, WEIGHT_FIELDS, checked_weights

if TYPE_CHECKING:
    from qfzz_core.engine import Engine


@click.group()
def profile() -> None:
    """Show, change, move or forget what is known of a user."""


@command(profile)
@click.argument("user")
@json_option
def show(session: Session, user: str, as_json: bool) -> None:
    """Show a user's preferences and latest interactions."""
    with session.engine() as engine:
        _show(engine, _known(engine, user), as_json)


@command(profile, name="list")
@json_option
def list_users(session: Session, as_json: bool) -> None:
    """List the ids of all users."""
    with session.engine() as engine:
        if as_json:
            print_json(list(engine.store.user_ids()))
        else:
            for user_id in engine.store.user_ids():
                click.echo(visible(user_id))


@command(profile, name="set")
@click.argument("user")
@preference_options
@click.option(
    "--drop-genre", "drop_genres", multiple=True, metavar="NAME", help="A genre to take out of the profile. Repeatable."
)
@click.option("--drop-artist", "drop_artists", multiple=True, metavar="NAME", help="An artist to take out. Repeatable.")
@click.option("--drop-mood", "drop_moods", multiple=True, metavar="NAME", help="A mood to take out. Repeatable.")
@json_option
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
        _show(engine, _known(engine, user), as_json)


@command(profile)
@click.argument("user")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to write; stdout if not given.")
@json_option
def export(session: Session, user: str, output: Path | None, as_json: bool) -> None:
    """Write everything that is held of a user as JSON.

    That is the profile, the whole log, and what was learned from it. A file is written whole or not at all, and for
    its owner only.
    """
    from qfzz_core.cli.exporting import write_whole
    from qfzz_core.storage.copies import profile_document

    with session.engine() as engine:
        record = engine.store.record(checked_user_id(user))
        if record is None:
            raise _nobody(user)
        held = profile_document(record)
    if output is None or str(output) == "-":
        print_json(held)
        return
    write_whole(output, held)
    if as_json:
        print_json({"user_id": user, "file": str(output), "events": len(held["events"])})
    else:
        click.echo(visible(f"Wrote profile and {len(held['events']):,} events of {user} to {output}."))


@command(profile, name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Put the import in the place of a user who exists.")
@json_option
def import_profile(session: Session, file: Path, replace: bool, as_json: bool) -> None:
    """Put a user who was exported into the store, with the whole log; "-" reads stdin.

    All or nothing: a file that is not what `export` writes is refused with the place where it differs.
    """
    from qfzz_core.cli.exporting import read_document
    from qfzz_core.storage.copies import record_from_document, restore_user

    record = record_from_document(read_document(file))
    user, events = record.profile.user_id, list(record.events)
    with session.engine() as engine:
        restore_user(engine.store, attrs.evolve(record, events=events), replace=replace)
    if as_json:
        print_json({"user_id": user, "events": len(events)})
    else:
        click.echo(visible(f"Imported profile and {len(events):,} events of {user}."))


@command(profile)
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def forget(session: Session, user: str, yes: bool, as_json: bool) -> None:
    """Erase everything that is known of a user."""
    with session.engine() as engine:
        _known(engine, user)
        if not yes:
            click.confirm(visible(f"Erase everything known of {user}?"), abort=True, err=True)
        forgotten = engine.forget(user)
    if as_json:
        print_json({"user_id": user, "forgotten": forgotten})
    else:
        click.echo(visible(f"{user} is forgotten."))


def _known(engine: Engine, user: str) -> UserProfile:
    """Return the profile of a user; raises `ProfileError` for one who does not exist."""
    found = engine.get_profile(checked_user_id(user))
    if found is None:
        raise _nobody(user)
    return found


def _nobody(user: str) -> ProfileError:
    return ProfileError(f"there is no user {user!r}; `qfzz profile list` says who there is")


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
    from qfzz_core.cli.portraits import print_profile

    print_json(shown.to_dict()) if as_json else print_profile(engine, shown)
