"""`qfzz demo`: the whole loop on a catalogue that ships with the package."""

from __future__ import annotations

import attrs
import click

from qfzz_core.cli.options import command
from qfzz_core.cli.output import print_json, prose_console
from qfzz_core.cli.session import Session


@command()
@click.option("--seed", type=int, default=7, show_default=True, metavar="N", help="Draw other surprises.")
def demo(session: Session, seed: int, as_json: bool) -> None:
    """Show the whole loop on a catalogue that ships with QFZZ.

    Recommendations, an explanation, feedback and what it changes, in memory: neither your store nor your
    configuration is used.
    """
    from qfzz_core.cli.demo import live, print_story
    from qfzz_core.engine import Engine

    with Engine(store="memory:", seed=seed) as engine:
        story = live(engine)
        print_json(attrs.asdict(story, recurse=False)) if as_json else print_story(engine, story, prose_console())
