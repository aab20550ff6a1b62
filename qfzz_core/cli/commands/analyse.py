"""`qfzz analyse`: what analysers hear in audio files, for tracks of which it is unknown."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qfzz_core.cli.options import command
from qfzz_core.cli.output import echo, note, print_json, progress_line, visible
from qfzz_core.cli.session import Session
from qfzz_core.errors import InvalidInput, did_you_mean
from qfzz_core.importing.analysis import Analysis

if TYPE_CHECKING:
    from qfzz_core.engine import Engine
    from qfzz_core.plugins.registry import Registered

_SHOWN_FAILURES = 20  # as many as an import shows


class UnknownAnalyserError(InvalidInput):
    """No plugin has an analyser of this name, or none has any."""


@command(name="analyse")
@click.option("--with", "name", metavar="NAME", help="The analyser; without it, each one that is installed.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="How many files at most.")
@click.option("--retry-failed", is_flag=True, help="Also the files that could not be analysed before.")
def analyse(session: Session, *, name: str | None, limit: int | None, retry_failed: bool, as_json: bool) -> None:
    """Analyse audio files for what their tags do not say.

    Tracks that lack a tempo, an energy or what else an analyser hears are given it. Analysers come with plugins. What
    is known already is not changed; what is new is written every 20 files, so that an interrupted run goes on where it
    ended. A file that cannot be analysed is reported, and left out in later runs.
    """
    begun = time.perf_counter()
    done: list[Analysis] = []
    with session.existing_store() as engine, progress_line() as show:
        for analyser in _chosen(engine, name):
            left = None if limit is None else limit - sum(each.analysed + each.failed for each in done)
            analysis = Analysis(analyser, engine.store, engine.faults.report, retry_failed)
            done.append(analysis)
            files = analysis.lacking(track for _, track in engine.store.catalogue_since(None).written)
            _show_what_happens(analysis, len(files), show)
            analysis.run(islice(files, left))
    _print(done, time.perf_counter() - begun, as_json)
    if any(each.failed for each in done) and not any(each.analysed for each in done):
        raise click.exceptions.Exit(1)


def _chosen(engine: Engine, name: str | None) -> list[Registered[Any]]:
    analysers = engine.registry.analysers
    if not analysers:
        raise UnknownAnalyserError("no analyser is installed; they come with plugins, such as qfzz-analyser-librosa")
    if name is None:
        return [analysers[each] for each in sorted(analysers)]
    if name not in analysers:
        hint = did_you_mean(name, analysers) or f"; there are {', '.join(sorted(analysers))}"
        raise UnknownAnalyserError(f'there is no analyser "{name}"{hint}')
    return [analysers[name]]


def _show_what_happens(analysis: Analysis, files: int, show: Any) -> None:
    def begin(path: Path) -> None:
        show(f"{analysis.analyser.name}: {analysis.analysed + analysis.failed + 1:,} of {files:,}: {path.name}")

    def fail(path: Path, reason: str) -> None:
        if analysis.failed <= _SHOWN_FAILURES:
            note(f"{path}: {reason}")

    analysis.on_progress, analysis.on_failure = begin, fail


def _print(done: list[Analysis], seconds: float, as_json: bool) -> None:
    if as_json:
        counts = [
            {
                "analyser": each.label,
                "analysed": each.analysed,
                "failed": each.failed,
                "without_file": each.without_file,
            }
            for each in done
        ]
        print_json({"analyses": counts, "seconds": round(seconds, 3)})
        return
    for each in done:
        echo(f"{visible(each.label)}: analysed {each.analysed:,} files in {seconds:.1f} s.")
        if each.failed:
            echo(f"{each.failed:>9,}  files that could not be analysed (--retry-failed tries them again)")
        if each.without_file:
            echo(f"{each.without_file:>9,}  tracks whose location is no file of this computer")
