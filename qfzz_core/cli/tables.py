"""Tables of tracks, of recommendations and of anything else, and the factors of one recommendation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from qfzz_core.cli.output import UNLIMITED, console, visible
from qfzz_core.model.tracks import names_of

if TYPE_CHECKING:
    from qfzz_core.contracts.recommendation import Explanation, FactorExplanation, Recommendation
    from qfzz_core.engine import Engine
    from qfzz_core.model.tracks import Track

Cells = Mapping[str, str]
Layout = Sequence[Sequence[str]]  # the names of the cells that each column shows, below one another

_HEADINGS = {"rank": "#", "sound": "Genre, mood, tempo, energy", "track_id": "Track"}
_NUMBERS = ("rank", "energy", "score", "value", "weight")
_SECONDARY = ("sound", "track_id", "why")
_SHORT = 12  # characters up to which a column is never folded: "melancholic" and "electronic" stay whole
_INDENT = 5  # columns, the width of a rank
UNKNOWN = "-"  # what is shown of a value that nobody knows

_TRACK = (("title",), ("artist",), ("genre",), ("mood",), ("tempo",), ("energy",))
_RANKED = (("rank",), *_TRACK, ("score",), ("why",))


# ---- tables ---------------------------------------------------------------------------------------------------------


def print_table(rows: Sequence[Cells], layout: Layout) -> None:
    """Write a table whose columns each show one or more of the rows' cells, below one another."""
    console().print(_table(rows, layout))


def _print_fitting(rows: Sequence[Cells], line: Layout, stacked: Layout) -> None:
    """Write the table with one line for each row if that fits the console, else the stacked one."""
    out = console()
    table = _table(rows, line)
    # measured without the console's width, which would cut the measure at what fits
    natural = out.measure(table, options=out.options.update(width=UNLIMITED)).maximum
    out.print(table if natural <= out.width else _table(rows, stacked))


def _table(rows: Sequence[Cells], layout: Layout) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    height = max(map(len, layout))
    for names in layout:
        longest = max((len(row[name]) for row in rows for name in names), default=0)
        table.add_column(
            _heading(names, height),
            justify="right" if names[0] in _NUMBERS else "left",
            overflow="fold",
            no_wrap=longest <= _SHORT,
        )
    for row in rows:
        table.add_row(*(_cell(row, names) for names in layout))
    return table


def _heading(names: Sequence[str], height: int) -> Text:
    """Return the headings of a column's cells, blank lines below so that it begins in the first line."""
    headings = {name: _HEADINGS.get(name, name.capitalize()) for name in names}
    return Text.assemble(_cell(headings, names), "\n" * (height - len(names)))


def _cell(row: Cells, names: Sequence[str]) -> Text:
    return Text("\n").join(Text(row[name], style="dim" if name in _SECONDARY else "") for name in names)


# ---- tracks and recommendations -------------------------------------------------------------------------------------


def print_tracks(tracks: Iterable[Track]) -> None:
    """Write the table of tracks."""
    rows = [_track_cells(track) for track in tracks]
    _print_fitting(rows, (*_TRACK, ("track_id",)), (("title", "sound"), ("artist", "track_id")))


def print_list(found: Sequence[Recommendation], *, with_ids: bool = True) -> None:
    """Write the table of recommendations, with the track ids, which `qfzz feedback` takes, if wanted."""
    line = (*_RANKED, ("track_id",)) if with_ids else _RANKED
    artist = ("artist", "track_id") if with_ids else ("artist",)
    rows = [
        {
            **_track_cells(recommendation.track),
            "rank": str(recommendation.rank),
            "score": f"{recommendation.score:.4f}",
            "why": visible(recommendation.reason),
        }
        for recommendation in found
    ]
    _print_fitting(rows, line, (("rank",), ("title", "sound"), artist, ("score", "why")))


def _track_cells(track: Mapping[str, Any]) -> dict[str, str]:
    names = {name: names_of(track, name) for name in ("title", "artist", "genre", "mood", "tempo", "track_id")}
    cells = {name: visible(", ".join(several)) if several else UNKNOWN for name, several in names.items()}
    cells["energy"] = UNKNOWN if track["energy"] is None else f"{track['energy']:.2f}"
    return {**cells, "sound": ", ".join(cells[name] for name in ("genre", "mood", "tempo", "energy"))}


# ---- explanations ---------------------------------------------------------------------------------------------------


def print_explained(engine: Engine, found: Sequence[Recommendation]) -> None:
    """Write each recommendation with its factors below it, and at the end what was left out because it failed."""
    out = console()
    explanations = [recommendation.explanation for recommendation in found]
    for recommendation, explanation in zip(found, explanations, strict=True):
        out.print(_headline(recommendation))
        print_factors(out, engine, explanation)
        out.print()
    for note in dict.fromkeys(note for explanation in explanations for note in explanation.faults):
        plugin = f"plugin {note.plugin} of {note.distribution} {note.version}"
        out.print(visible(f"left out: {note.component} ({plugin}): {note.message}"))


def _headline(recommendation: Recommendation) -> Group:
    cells = _track_cells(recommendation.track)
    first = Text.assemble(
        f"{recommendation.rank:>{_INDENT - 2}}  ",
        (cells["title"], "bold"),
        f" by {cells['artist']}  {recommendation.score:.4f}",
        (f"  {visible(recommendation.reason)}", "dim"),
    )
    sound = f"{cells['genre']}, {cells['mood']}, {cells['tempo']}, energy {cells['energy']}"
    return Group(first, _indented(Text.assemble((sound, "dim"), f"  {cells['track_id']}")))


def print_factors(out: Console, engine: Engine, explanation: Explanation) -> None:
    """Write one line for each factor: contribution = weight x value, its name, and the reason."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for part in explanation.factors:
        style = "" if part.contribution > 0 else "dim"
        product = f"{part.contribution:.3f} = {part.weight:.3f} x {part.value:.3f}"
        grid.add_row(product, visible(part.name), f"{visible(part.reason)}{_origin(engine, part)}", style=style)
    for name in explanation.abstained:
        grid.add_row("", visible(name), "does not apply to this request", style="dim")
    out.print(_indented(grid))


def _indented(shown: RenderableType) -> Padding:
    return Padding(shown, (0, 0, 0, _INDENT), expand=False)


def _origin(engine: Engine, part: FactorExplanation) -> str:
    """Return where a factor comes from that is not built in."""
    registered = engine.registry.factors[part.name]
    if registered.built_in:
        return ""
    brought = registered.origin.file or f"{part.distribution} {part.version}"
    return visible(f" (plugin {part.plugin} of {brought})")
