"""`qfzz plugins`: what was found, what became of it, and why; and making and checking plugins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from qfzz_core.cli.options import command, listing_group
from qfzz_core.cli.output import echo, print_json, print_line, visible
from qfzz_core.cli.session import Session, storeless_engine
from qfzz_core.errors import RequestError, did_you_mean
from qfzz_core.plugins.faults import add_what_happened
from qfzz_core.plugins.record import PluginRecord, normalised

if TYPE_CHECKING:
    from qfzz_core.engine import Engine

_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@listing_group
@click.option("--timings", is_flag=True, help="How long the import of each plugin took, the slowest first.")
@click.pass_context
def plugins(ctx: click.Context, session: Session, as_json: bool, timings: bool) -> None:
    """List the plugins and what became of them.

    A plugin that failed or clashes is listed with its reason and does not change the exit code.
    """
    if ctx.invoked_subcommand is None:
        with _tried_engine(session) as engine:
            found = [_as_dict(record) for record in engine.plugins]
        if as_json:
            print_json(found)
        else:
            _print_timings(found) if timings else _print_list(found)


@command(plugins)
@click.argument("name")
def show(session: Session, name: str, as_json: bool) -> None:
    """Show all that is known of a plugin, by its name or its distribution's; exit code 1 if there is none."""
    with _tried_engine(session) as engine:
        found = [
            {**_as_dict(record), "options": _strategy_options(record, engine)}
            for record in _named(engine.plugins, name)
        ]
    print_json(found) if as_json else _print_details(found)


@command(plugins)
@click.argument("kind", type=click.Choice(["store", "factor", "strategy"]))
@click.argument("name", required=False)
def why(session: Session, kind: str, name: str | None, as_json: bool) -> None:
    """Show what decided about the store, a factor (by its NAME) or the strategy: default, file, environment, option."""
    from qfzz_core.cli.decisions import decision, print_decision

    if (kind == "factor") != (name is not None):
        raise click.UsageError("give a factor's name" if kind == "factor" else f"there is one {kind}; it takes no name")
    with _tried_engine(session) as engine:
        decided = decision(session, engine, kind, name)
    print_json(attrs.asdict(decided)) if as_json else print_decision(decided)


@command(plugins)
@click.argument("target")
@click.option("--url", metavar="URL", help='The URL of a store to test, with "{directory}" for a temporary directory.')
@click.pass_context
def check(ctx: click.Context, session: Session, target: str, url: str | None, as_json: bool) -> None:
    """Run the contract suites on what a DISTRIBUTION or a FILE registers; exit code 1 if a promise is broken."""
    from qfzz_core.cli.plugin_check import checked, print_verdict

    verdict = checked(target, url)
    print_json(attrs.asdict(verdict) | {"ok": verdict.ok}) if as_json else print_verdict(verdict)
    ctx.exit(0 if verdict.ok else 1)


@command(plugins, json=False)
@click.argument("kind", type=click.Choice(["scorer", "strategy", "store"]))
@click.argument("name")
@click.option("--directory", type=_DIRECTORY, default=Path(), help="Where the project's directory is made.")
def new(session: Session, kind: str, name: str, directory: Path) -> None:
    """Write a complete distribution with a scorer, a strategy or a store of this NAME, ready to be tested."""
    from qfzz_core.cli.scaffold import write_project

    made = write_project(kind, name, directory)
    echo(f"{made} is ready. Try it:")
    echo(f'  cd {made}\n  python -m pip install --editable ".[test]"\n  pytest')


@contextmanager
def _tried_engine(session: Session) -> Iterator[Engine]:
    """Give an engine that answered one request, so that its records show what fails when it is used."""
    with storeless_engine(session.configuration(), lenient=True) as engine:
        # a plan runs every factor and the strategy, and creates no user
        engine.plan("anyone", limit=5)
        add_what_happened(engine.plugins)
        yield engine


# ---- records --------------------------------------------------------------------------------------------------------


def _as_dict(record: PluginRecord) -> dict[str, Any]:
    """Return a plugin's record in plain types."""
    return {
        "name": record.name,
        "status": record.status,
        "where": record.where,
        "distribution": record.origin.distribution,
        "version": record.origin.version,
        "file": record.origin.file,
        "registered": list(record.objects),
        "hooks": list(record.hooks),
        "problems": [*([record.reason] if record.reason else []), *record.problems],
        "failures": dict(record.failures),
        "import_seconds": record.import_seconds,
    }


def _strategy_options(record: PluginRecord, engine: Engine) -> list[str]:
    """Return a sentence for each strategy of a plugin that has options: "strategy split: pool_depth = 5"."""
    own = {name for name, each in engine.registry.strategies.items() if each.origin == record.origin}
    return [
        f"strategy {name}: {', '.join(f'{key} = {value}' for key, value in attrs.asdict(options).items())}"
        for name, options in engine.settings.strategy_options.items()
        if name in own and options is not None
    ]


def _named(records: Sequence[PluginRecord], name: str) -> list[PluginRecord]:
    """Return the records of a plugin's name or of a distribution's; raises `RequestError` if there is none."""
    found = [record for record in records if name == record.name]
    found = found or [record for record in records if normalised(name) == normalised(record.origin.distribution or "")]
    if not found:
        known = {*(record.name for record in records), *(record.origin.distribution or "" for record in records)}
        raise RequestError(f'there is no plugin or distribution "{name}"{did_you_mean(name, known)}')
    return found


def _print_list(found: Sequence[dict[str, Any]]) -> None:
    """Write the list, and below it what is wrong."""
    from qfzz_core.cli.tables import print_table

    rows = [
        {
            "name": visible(record["name"]),
            "status": record["status"],
            "from": visible(f"{_brought_by(record)}, {record['where']}"),
            "registered": visible(_registered(record)),
        }
        for record in found
    ]
    print_table(rows, (("name",), ("status",), ("from",), ("registered",)))
    for record in found:
        for problem in record["problems"]:
            print_line(f"{record['name']} ({record['distribution'] or record['file']}): {problem}")


def _print_details(found: Sequence[dict[str, Any]]) -> None:
    """Write all that is known, a line for each thing."""
    for number, record in enumerate(found):
        failures = [f"{component}: {count} times" for component, count in record["failures"].items()]
        lines = {
            "name": [record["name"]],
            "status": [record["status"]],
            "where": [f"{_brought_by(record)}, {record['where']}"],
            "import": [_milliseconds(record)],
            "hooks": record["hooks"] or ["none"],
            "registered": record["registered"] or ["nothing"],
            **({"options": record["options"]} if record["options"] else {}),
            "failed": failures or ["never"],
            "problems": record["problems"] or ["none"],
        }
        if number:
            echo()
        for title, values in lines.items():
            for heading, value in zip([f"{title}:", *[""] * len(values)], values, strict=False):
                print_line(f"{heading:<12}{value}")


def _print_timings(found: Sequence[dict[str, Any]]) -> None:
    """Write how long each import took, the slowest first, and all of them together."""
    from qfzz_core.cli.tables import print_table

    slowest = sorted(found, key=lambda record: -record["import_seconds"])
    total = {"name": "all", "import_seconds": sum(record["import_seconds"] for record in found), "status": ""}
    rows = [
        {"name": visible(record["name"]), "import": _milliseconds(record), "status": record["status"]}
        for record in [*slowest, total]
    ]
    print_table(rows, (("name",), ("import",), ("status",)))


def _milliseconds(record: dict[str, Any]) -> str:
    return f"{1000 * record['import_seconds']:.1f} ms"


def _brought_by(record: dict[str, Any]) -> str:
    return str(record["file"] or f"{record['distribution']} {record['version']}")


def _registered(record: dict[str, Any]) -> str:
    """Return what a plugin registered, objects of one kind together: "column title, artist; factor trust"."""
    from qfzz_core.plugins.registry import KINDS

    words = [kind.word for kind in KINDS.values()]
    by_kind: dict[str, list[str]] = {}
    for described in record["registered"]:
        kind = next(word for word in words if described.startswith(f"{word} "))
        by_kind.setdefault(kind, []).append(described.removeprefix(f"{kind} "))
    objects = [f"{kind} {', '.join(names)}" for kind, names in by_kind.items()]
    # what is no object with a name, such as similar genres, commands and observers, is known by its hook
    return "; ".join(objects or [hook.removeprefix("qfzz_").replace("_", " ") for hook in record["hooks"]])
