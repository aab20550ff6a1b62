"""The command: which sections to run, on what, and where the figures go."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.ranking import rivals
from benchmarks.ranking.report import printed, written
from benchmarks.ranking.settings import Section, Settings

SECTIONS = {
    "scaling": "the engine's call against the rivals, and how it grows between their scans",
    "growth": "the engine's call on catalogues of all sizes, among themselves",
    "unknown": "half of the values unknown against all of them known",
    "whole": "the documented call against the engine's own",
    "function": "a column function of 64 dimensions against an equally pruned scan",
    "changing": "adding tracks against building again, and the call after it",
    "batch": "many users against the batches of implicit ALS",
    "everything": "limit=None against copying the dictionaries",
    "planner": "what the planner chooses against scan and index",
    "process": "memory, the first answer and four threads, from SQLite",
    "filters": "filters and exclusions against the unfiltered call and a filtered scan",
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS")
ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> None:
    """Run the sections that were asked for, print tables, and write what was asked for."""
    options = parser().parse_args(arguments)
    if any(os.environ.get(name) != "1" for name in THREADS):
        sys.exit(_again_on_one_thread(sys.argv[1:] if arguments is None else arguments))
    with tempfile.TemporaryDirectory(prefix="qfzz-benchmark-", dir=options.directory) as directory:
        settings = _settings(options, Path(directory).resolve())
        results = {name: _measured(name, settings) for name in options.only}
    document = {"machine": machine(), "settings": _plain(settings), "sections": results}
    if options.json:
        document["sections"] = {**_kept(options.json), **results}
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if options.docs:
        written(document, options.docs)


def _kept(file: Path) -> dict[str, Any]:
    """Return the sections that a file has already."""
    sections: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["sections"] if file.exists() else {}
    return sections


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    sections = "\n".join(f"  {name:<11} {what}" for name, what in SECTIONS.items())
    known = argparse.ArgumentParser(
        prog="python -m benchmarks.ranking",
        description="What an exact ranking costs, against the ways in which others would do it; on one thread.",
        epilog=f"sections:\n{sections}\n\nrivals: {', '.join(rivals.NAMES)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = known.add_argument
    add("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION", help="default: all")
    add(
        "--sizes",
        nargs="+",
        type=int,
        default=[100_000, 1_000_000, 10_000_000],
        help="catalogues of `scaling` and `growth`",
    )
    add("--tracks", type=int, default=1_000_000, help="the catalogue of the other sections (default: 1000000)")
    add("--stored", nargs="+", type=int, metavar="SIZE", help="catalogues of `process` (default: that of --tracks)")
    add("--rivals-at", type=int, default=1_000_000, help="the size at which all rivals are measured (default: 1000000)")
    add("--rivals", nargs="*", choices=rivals.NAMES, default=list(rivals.NAMES), metavar="RIVAL", help="default: all")
    add("--limit", type=int, default=50, help="tracks in an answer (default: 50)")
    add("--listeners", type=int, default=200, help="profiles, a fifth of them cold (default: 200)")
    add("--calls", type=int, default=800, help="calls of each contestant (default: 800)")
    add("--rounds", type=int, default=15, help="rounds where whole rounds are compared (default: 15)")
    add("--real", type=Path, help="also rank the tracks of this file, which `qfzz import --preset spotify` reads")
    add("--directory", type=Path, help="where stores are made (default: a temporary directory)")
    add("--json", type=Path, metavar="FILE", help="write the figures there; those of sections that are not run stay")
    add("--docs", type=Path, metavar="DIRECTORY", help="bring table and plot of DIRECTORY/benchmarks.md up to date")
    return known


def _again_on_one_thread(arguments: list[str]) -> int:
    """Start again with libraries set to use one thread, which they read when they are imported."""
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": _path()}
    command = [sys.executable, "-m", "benchmarks.ranking", *arguments]
    return subprocess.run(command, env=environment, check=False).returncode


def _path() -> str:
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))


def _settings(options: argparse.Namespace, directory: Path) -> Settings:
    return Settings(
        sizes=tuple(options.sizes),
        rivals_at=options.rivals_at,
        tracks=options.tracks,
        stored=tuple(options.stored or [options.tracks]),
        limit=options.limit,
        listeners=options.listeners,
        calls=options.calls,
        rounds=options.rounds,
        rivals=tuple(options.rivals),
        directory=directory,
        real=options.real,
    )


def _measured(name: str, settings: Settings) -> dict[str, Any]:
    print(f"{name}: {SECTIONS[name]} ...", file=sys.stderr, flush=True)
    section: Section = import_module(f"benchmarks.ranking.sections.{name}").measured(settings)
    print(printed(section), flush=True)
    return {
        "title": section.title,
        "pattern": section.pattern,
        "head": section.head,
        "rows": section.rows,
        "figures": section.figures,
    }


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}


def _plain(settings: Settings) -> dict[str, Any]:
    return {
        "sizes": settings.sizes,
        "tracks": settings.tracks,
        "limit": settings.limit,
        "listeners": settings.listeners,
        "calls": settings.calls,
        "rounds": settings.rounds,
    }
