"""How findings are shown: in the terminal, as one JSON document, and as the table of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.robustness.trial import Finding, Trial

Found = tuple[Trial, Sequence[Finding]]

PAGE = "what-holds.md"
BEGIN = "<!-- figures, made by `python -m benchmarks.robustness --docs docs/explanation` -->"
END = "<!-- end of the figures -->"


def line(finding: Finding) -> str:
    """Return a finding for the terminal."""
    return f"  {'holds' if finding.holds else 'FAILS':<6} {finding.what}: {finding.value}"


def document(found: Iterable[Found]) -> dict[str, Any]:
    """Return all findings as plain data."""
    return {
        trial.name: {
            "tried": trial.tried,
            "findings": [{"what": each.what, "value": each.value, "holds": each.holds} for each in findings],
        }
        for trial, findings in found
    }


def section(trial: Trial, findings: Iterable[Finding]) -> str:
    """Return the part of the page that is about a trial."""
    rows = [f"| {each.what} | {each.value}{'' if each.holds else ' (does not hold)'} |" for each in findings]
    return "\n".join([f"### {trial.name}", "", trial.tried, "", "| | found |", "| --- | --- |", *rows])


def write_page(directory: Path, found: Sequence[Found]) -> None:
    """Replace the figures of the page in a directory."""
    page = directory / PAGE
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    figures = "\n\n".join(section(trial, findings) for trial, findings in found)
    page.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}", "utf-8")
