"""Tables of tracks: one line for each where they fit, else several facts below one another in a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qfzz_core.cli.output import UNLIMITED, visible

Cells = Mapping[str, str]
Layout = Sequence[Sequence[str]]

TRACK_LINE = (("title",), ("artist",), ("genre",), ("mood",), ("tempo",), ("energy",))

_HEADINGS = {"rank": "#", "sound": "Genre, mood, tempo, energy", "track_id": "Track"}
_NUMBERS = ("rank", "energy", "score", "value", "weight")
_SECONDARY = ("sound", "track_id", "why")
_SHORT = 12  # characters up to which a column is never folded


def track_cells(track: Mapping[str, Any]) -> dict[str, str]:
    """Return what a table shows of a track."""
    cells = {name: visible(track[name]) for name in ("title", "artist", "genre", "mood", "tempo", "track_id")}
    cells["energy"] = f"{track['energy']:.2f}"
    return {**cells, "sound": ", ".join(cells[name] for name in ("genre", "mood", "tempo", "energy"))}


def fitting_table(console: Console, rows: Sequence[Cells], line: Layout, stacked: Layout) -> Table:
    """Return the table with one line for each row if that fits the console, else the stacked one."""
    table = table_of(rows, line)
    natural = console.measure(table, options=console.options.update(width=UNLIMITED)).maximum
    return table if natural <= console.width else table_of(rows, stacked)


def table_of(rows: Sequence[Cells], layout: Layout) -> Table:
    """Return a table whose columns each show one or more of the rows' cells, below one another."""
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
    said = {name: _HEADINGS.get(name, name.capitalize()) for name in names}
    return Text.assemble(_cell(said, names), "\n" * (height - len(names)))


def _cell(row: Cells, names: Sequence[str]) -> Text:
    return Text("\n").join(Text(row[name], style="dim" if name in _SECONDARY else "") for name in names)
