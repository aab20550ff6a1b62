"""Recommendations as a table, or one after the other with every factor's part in the score."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from qfzz_core.cli.output import console, visible
from qfzz_core.cli.tables import TRACK_LINE, fitting_table, track_cells
from qfzz_core.contracts.recommendation import Explanation, FactorExplanation, Recommendation
from qfzz_core.engine import Engine

_INDENT = 5  # columns, the width of a rank
_RANKED = (("rank",), *TRACK_LINE, ("score",), ("why",))


def print_list(found: Sequence[Recommendation]) -> None:
    """Write the table of recommendations, with the ids for which feedback asks."""
    out = console()
    stacked = (("rank",), ("title", "sound"), ("artist", "track_id"), ("score", "why"))
    out.print(fitting_table(out, _rows(found), (*_RANKED, ("track_id",)), stacked))


def print_short_list(found: Sequence[Recommendation]) -> None:
    """Write the table without ids."""
    out = console()
    out.print(fitting_table(out, _rows(found), _RANKED, (("rank",), ("title", "sound"), ("artist",), ("score", "why"))))


def _rows(found: Sequence[Recommendation]) -> list[dict[str, str]]:
    return [
        {
            **track_cells(recommendation.track),
            "rank": str(recommendation.rank),
            "score": f"{recommendation.score:.4f}",
            "why": visible(recommendation.reason),
        }
        for recommendation in found
    ]


def print_explained(engine: Engine, found: Sequence[Recommendation]) -> None:
    """Write each recommendation with its factors below it, and at the end what was left out because it failed."""
    out = console()
    explanations = [recommendation.explanation for recommendation in found]
    for recommendation, explanation in zip(found, explanations, strict=True):
        out.print(_headline(recommendation))
        out.print(factors(engine, explanation))
        out.print()
    for line in left_out(explanations):
        out.print(line)


def _headline(recommendation: Recommendation) -> Group:
    track = recommendation.track
    first = Text.assemble(
        f"{recommendation.rank:>{_INDENT - 2}}  ",
        (visible(track["title"]), "bold"),
        f" by {visible(track['artist'])}  {recommendation.score:.4f}",
        (f"  {visible(recommendation.reason)}", "dim"),
    )
    cells = track_cells(track)
    second = Text(f"{cells['genre']}, {cells['mood']}, {cells['tempo']}, energy {cells['energy']}", style="dim")
    second.append(f"  {cells['track_id']}")
    return Group(first, _indented(second))


def factors(engine: Engine, explanation: Explanation) -> Padding:
    """Return one line for each factor: contribution = weight x value, its name, and the reason."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for part in explanation.factors:
        style = "" if part.contribution > 0 else "dim"
        sum_ = f"{part.contribution:.3f} = {part.weight:.3f} x {part.value:.3f}"
        grid.add_row(sum_, visible(part.name), f"{visible(part.reason)}{_origin(engine, part)}", style=style)
    for name in explanation.abstained:
        grid.add_row("", visible(name), "has nothing to say of this request", style="dim")
    return _indented(grid)


def _indented(shown: RenderableType) -> Padding:
    return Padding(shown, (0, 0, 0, _INDENT), expand=False)


def _origin(engine: Engine, part: FactorExplanation) -> str:
    """Return where a factor comes from that is not built in."""
    registered = engine.registry.factors[part.name]
    if registered.built_in:
        return ""
    brought = registered.origin.file or f"{part.distribution} {part.version}"
    return visible(f" (plugin {part.plugin} of {brought})")


def left_out(explanations: Sequence[Explanation]) -> list[str]:
    """Return a line for each component that failed and was left out of any of the scores."""
    notes = dict.fromkeys(note for explanation in explanations for note in explanation.faults)
    return [
        visible(
            f"left out: {note.component} (plugin {note.plugin} of {note.distribution} {note.version}): {note.message}"
        )
        for note in notes
    ]
