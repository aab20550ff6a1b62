"""The command: which sections to run, on what, and how the figures are shown."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.ranking.report import printed
from benchmarks.ranking.settings import Section
from benchmarks.storage.databases import KINDS, Databases, connected
from benchmarks.storage.settings import Settings

SECTIONS = {
    "feedback": "durable feedback against the same statements, and in batches",
    "importing": "an import against writing ready tuples",
    "opening": "opening to the first answer, without a cache and with one",
    "history_filters": "filters by what a listener did, against no filter",
}


def main(arguments: list[str] | None = None) -> None:
    """Run the sections that were chosen and print tables, or one JSON document."""
    known = parser()
    options = known.parse_args(arguments)
    if options.url and options.store != "postgresql":
        known.error(f"--url is for postgresql; {options.store} makes its databases in --directory")
    with (
        tempfile.TemporaryDirectory(prefix="qfzz-benchmark-", dir=options.directory) as place,
        connected(options.store, options.url, directory := Path(place).resolve()) as databases,
    ):
        settings = Settings(tracks=options.tracks, rounds=options.rounds, directory=directory)
        document: dict[str, Any] = {"store": databases.name, "version": databases.version}
        for name in options.only:
            section = _measured(name, databases, settings)
            document[name] = section.figures
            if not options.json:
                print(printed(section), flush=True)
    if options.json:
        print(json.dumps(document, indent=2))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    sections = "\n".join(f"  {name:<15} {what}" for name, what in SECTIONS.items())
    known = argparse.ArgumentParser(
        prog="python -m benchmarks.storage",
        description="What a store costs beyond its database: each figure against the same work done with nothing but "
        "the driver.",
        epilog=f"sections:\n{sections}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = known.add_argument
    add("--store", choices=KINDS, default=KINDS[0], help=f"default: {KINDS[0]}")
    add("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION", help="default: all")
    add("--tracks", type=int, default=1_000_000, help="the size of the catalogue, or of a log (default: 1000000)")
    add("--rounds", type=int, default=7, help="how often each is measured (default: 7; what is large, at most 3)")
    add("--directory", type=Path, help="where files are made: on the disk to measure (default: a temporary one)")
    server = "a server of PostgreSQL whose user may create databases"
    add("--url", help=f"{server} (default: one of our own, in the system's temporary directory)")
    add("--json", action="store_true", help="print one JSON document")
    return known


def _measured(name: str, databases: Databases, settings: Settings) -> Section:
    print(f"{databases.name} {name}: {SECTIONS[name]} ...", file=sys.stderr, flush=True)
    section: Section = import_module(f"benchmarks.storage.sections.{name}").measured(databases, settings)
    return section
