"""Tables for the terminal and for the documentation, and the plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.ranking.settings import Section

BEGIN = "<!-- figures: written by the command -->"
END = "<!-- end of figures -->"
PAGE, PLOT = "benchmarks.md", "benchmarks.svg"


def printed(section: Section) -> str:
    """Return a section as text in columns."""
    lines = [section.head, *section.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(section.head))]
    table = [
        "  ".join(_aligned(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    ]
    return "\n".join(["", section.title, section.pattern, "", *table])


def _aligned(cell: str, width: int) -> str:
    return cell.rjust(width) if cell[:1].isdigit() or cell == "-" else cell.ljust(width)


def written(document: dict[str, Any], directory: Path) -> None:
    """Write the tables between the page's markers, and the plot; raises ValueError if the page has no markers."""
    page = directory / PAGE
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} needs the lines {BEGIN!r} and {END!r}")
    sections = document["sections"]
    drawn = "scaling" in sections and plotted(sections["scaling"]["figures"], directory / PLOT)
    parts = [_ran(document)]
    for section in sections.values():
        parts.append(markdown(section))
    if drawn:
        parts.insert(1, f"![Median time of a ranking by the size of the catalogue, both logarithmic]({PLOT})")
    page.write_text("\n\n".join([before + begin, *parts, end + after]), encoding="utf-8")


def _ran(document: dict[str, Any]) -> str:
    machine, settings = document["machine"], document["settings"]
    return (
        f"Python {machine['python']} on {machine['machine']} with {machine['cores']} cores, of which one is used; "
        f"{settings['listeners']} listeners, {settings['calls']} calls."
    )


def markdown(section: dict[str, Any]) -> str:
    """Return a section as a heading, a sentence and a table."""
    head, pattern = list(section["head"]), section["pattern"]
    lines = [head, ["---"] * len(head), *section["rows"]]
    table = "\n".join("| " + " | ".join(cell or " " for cell in line) + " |" for line in lines)
    return f"### {section['title']}\n\n{pattern[0].upper()}{pattern[1:]}.\n\n{table}"


def plotted(sizes: dict[str, Any], path: Path) -> bool:
    """Draw the medians by size; return whether matplotlib is installed to do so."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(6.4, 4.0))
    axes = figure.add_subplot()
    for name, points in _series(sizes).items():
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="tracks", ylabel="median, milliseconds")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    return True


def _series(sizes: dict[str, Any]) -> dict[str, list[tuple[int, float]]]:
    series: dict[str, list[tuple[int, float]]] = {}
    for size, figures in sizes.items():
        if size.replace(",", "").isdigit():
            for name, groups in figures["contestants"].items():
                series.setdefault(name, []).append((int(size.replace(",", "")), groups["all"]["median_ms"]))
    return series
