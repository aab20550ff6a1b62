"""The command: which trials to run, how often, and how the findings are shown."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from benchmarks.robustness import trials
from benchmarks.robustness.report import document, line, write_page
from benchmarks.robustness.trial import Finding, Settings, Trial
from benchmarks.storage.postgresql import own_server


def main(arguments: list[str] | None = None) -> int:
    """Run the trials that were chosen; return 1 if anything does not hold."""
    known = all_trials()
    options = parser(known).parse_args(arguments)
    with (
        ExitStack() as stack,
        tempfile.TemporaryDirectory(prefix="qfzz-robustness-", dir=options.directory) as place,
    ):
        settings = Settings(
            scale=options.scale,
            seed=options.seed,
            directory=Path(place).resolve(),
            postgresql=options.postgresql or own_server(stack),
        )
        found = [(known[name], _findings(known[name], settings, show=not options.json)) for name in options.only]
    if options.json:
        print(json.dumps(document(found), indent=2))
    if options.docs is not None:
        write_page(options.docs, found)
    return 0 if all(each.holds for _, findings in found for each in findings) else 1


def all_trials() -> dict[str, Trial]:
    """Return every trial by its name."""
    names = sorted(module.name for module in iter_modules(trials.__path__))
    found: list[Trial] = [import_module(f"{trials.__name__}.{name}").TRIAL for name in names]
    return {trial.name: trial for trial in found}


def parser(known: Mapping[str, Trial]) -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.robustness",
        description="What holds when processes fork, servers stall, files vanish, data is damaged and plugins break.",
        epilog="trials:\n" + "\n".join(f"  {trial.name:<14} {trial.tried}" for trial in known.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = found.add_argument
    add("--only", nargs="+", choices=known, default=list(known), metavar="TRIAL", help="default: all")
    add("--scale", type=float, default=1.0, help="the share of the full number of attempts (default: 1)")
    add("--seed", type=int, default=1, help="of what is drawn (default: 1)")
    add("--directory", type=Path, help="where files are made (default: a temporary one)")
    add("--postgresql", metavar="URL", help="a server whose user may create databases (default: one of our own)")
    add("--json", action="store_true", help="print one JSON document")
    add("--docs", type=Path, metavar="DIRECTORY", help="write the figures into what-holds.md there")
    return found


def _findings(trial: Trial, settings: Settings, *, show: bool) -> Sequence[Finding]:
    print(f"{trial.name}: {trial.tried} ...", file=sys.stderr, flush=True)
    findings = []
    for finding in trial.run(settings):
        findings.append(finding)
        if show:
            print(line(finding), flush=True)
    return findings
