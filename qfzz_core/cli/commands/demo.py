"""`qfzz demo`: the whole loop on a catalogue that ships with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from qfzz_core.cli.options import command, json_option
from qfzz_core.cli.output import print_json, prose_console
from qfzz_core.cli.session import Session

if TYPE_CHECKING:
    from qfzz_core.cli.demo_story import Story


@command()
@click.option("--seed", type=int, default=7, show_default=True, metavar="N", help="Other surprises.")
@json_option
def demo(session: Session, seed: int, as_json: bool) -> None:
    """Show the whole loop on a catalogue that ships with QFZZ.

    Recommendations, an explanation, feedback and what it changes, in memory: neither your store nor your
    configuration is used.
    """
    from qfzz_core.cli.demo_story import live
    from qfzz_core.cli.demo_telling import tell
    from qfzz_core.engine import Engine

    with Engine(store="memory:", seed=seed) as engine:
        story = live(engine)
        print_json(as_dict(story)) if as_json else tell(engine, story, prose_console())


def as_dict(story: Story) -> dict[str, Any]:
    """Return the story in plain types."""
    plain: dict[str, Any] = {}
    for name, value in attrs.asdict(story, recurse=False).items():
        if name in ("first", "learned", "tonight", "after_dislike"):
            plain[name] = [recommendation.to_dict() for recommendation in value]
        else:
            plain[name] = value.to_dict() if name.startswith("why_") else value
    return plain
