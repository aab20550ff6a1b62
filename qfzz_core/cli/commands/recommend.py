"""`qfzz recommend`: a list for one user, and why each track is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qfzz_core.cli.options import command, given_preferences, json_option, name_values, preference_options
from qfzz_core.cli.output import note, print_json
from qfzz_core.cli.session import Session

if TYPE_CHECKING:
    from qfzz_core.engine import Engine
    from qfzz_core.requests.recommendation import Recommendation


@command()
@click.argument("user")
@click.option(
    "-n", "--limit", type=click.IntRange(min=0), default=20, show_default=True, metavar="N", help="How many tracks."
)
@click.option("--explain", is_flag=True, help="Show what each factor contributes to each score.")
@click.option("--seed", type=int, metavar="N", help="Draw the same surprises again.")
@preference_options
@click.option("--exclude", multiple=True, metavar="ID", help="A track to leave out. Repeatable.")
@click.option(
    "--where",
    multiple=True,
    metavar="NAME=VALUE",
    callback=name_values,
    help='Only such tracks: "genre=jazz", "energy=0.2..0.8", "heard_within_days=30". Repeatable.',
)
@click.option(
    "--max-per-artist",
    type=click.IntRange(min=0),
    default=3,
    metavar="N",
    show_default=True,
    help="How many tracks of one artist; 0 for any number.",
)
@click.option("--distinct/--no-distinct", default=True, show_default=True, help="The same artist and title once.")
@json_option
def recommend(
    session: Session,
    *,
    user: str,
    limit: int,
    explain: bool,
    seed: int | None,
    exclude: tuple[str, ...],
    where: list[tuple[str, str]],
    max_per_artist: int,
    distinct: bool,
    as_json: bool,
    **preferences: Any,
) -> None:
    """Recommend tracks to a user.

    --genre, --artist, --mood, --energy, --tempo and --discovery take the place of the profile's for this call only.
    Tracks that the user disliked last are left out, unless --where disliked=true.

    With --where, several values of one column are alternatives. A user who is not known yet is created.
    """
    from qfzz_core.cli.where import conditions

    with session.engine(seed=seed) as engine:
        found = engine.recommend(
            user,
            given_preferences(preferences),
            limit=limit,
            exclude=exclude,
            where=conditions(engine.registry, where),
            max_per_artist=max_per_artist or None,
            distinct=distinct,
        )
        if as_json:
            print_json([as_dict(recommendation, explain) for recommendation in found])
        else:
            _print(engine, found, explain)


def as_dict(recommendation: Recommendation, explain: bool) -> dict[str, Any]:
    """Return a recommendation in plain types, with its explanation if wanted."""
    plain = recommendation.to_dict()
    return {**plain, "explanation": recommendation.explanation.to_dict()} if explain else plain


def _print(engine: Engine, found: list[Recommendation], explain: bool) -> None:
    from qfzz_core.cli.known_tracks import serves_samples
    from qfzz_core.cli.lists import print_explained, print_list

    if found and serves_samples(engine):
        note("The store holds no tracks yet: these are invented samples. Import your own with `qfzz import`.")
    if not found:
        note("No track is left to recommend.")
    elif explain:
        print_explained(engine, found)
    else:
        print_list(found)
