"""`qfzz plugins`: what was found, what became of it, and why; and making and checking plugins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from qfzz_core.cli.options import command, json_option, listing_group
from qfzz_core.cli.output import print_json
from qfzz_core.cli.session import Session, storeless_engine

if TYPE_CHECKING:
    from qfzz_core.engine import Engine


@listing_group
@click.option("--timings", is_flag=True, help="How long each plugin's import took, the slowest first.")
@json_option
@click.pass_context
def plugins(ctx: click.Context, session: Session, as_json: bool, timings: bool) -> None:
    """List the plugins and what became of them.

    A plugin that failed or clashes is listed with its reason and does not change the exit code.
    """
    if ctx.invoked_subcommand is None:
        from qfzz_core.cli.plugin_records import as_dict, print_records, print_timings

        with tried_engine(session) as engine:
            found = [as_dict(record) for record in engine.plugins]
        if as_json:
            print_json(found)
        else:
            print_timings(found) if timings else print_records(found)


@command(plugins)
@click.argument("name")
@json_option
def show(session: Session, name: str, as_json: bool) -> None:
    """Show all that is known of a plugin, by its name or its distribution's; exit code 1 if there is none."""
    from qfzz_core.cli.plugin_records import as_dict, named, print_details, strategy_options

    with tried_engine(session) as engine:
        found = [
            {**as_dict(record), "options": strategy_options(record, engine)} for record in named(engine.plugins, name)
        ]
    print_json(found) if as_json else print_details(found)


@command(plugins)
@click.argument("kind", type=click.Choice(["store", "factor", "strategy"]))
@click.argument("name", required=False)
@json_option
def why(session: Session, kind: str, name: str | None, as_json: bool) -> None:
    """Show what decided about the store, a factor (by its NAME) or the strategy: default, file, environment, option."""
    from qfzz_core.cli.deciding import decision, print_decision

    if (kind == "factor") != (name is not None):
        raise click.UsageError("give a factor's name" if kind == "factor" else f"there is one {kind}; it takes no name")
    with tried_engine(session) as engine:
        decided = decision(session, engine, kind, name)
    print_json(attrs.asdict(decided)) if as_json else print_decision(decided)


@command(plugins)
@click.argument("target")
@click.option("--url", metavar="URL", help='A store\'s URL for its test, with "{directory}" where it may keep files.')
@json_option
@click.pass_context
def check(ctx: click.Context, session: Session, target: str, url: str | None, as_json: bool) -> None:
    """Run the contract suites on what a DISTRIBUTION or a FILE registers; exit code 1 if a promise is broken."""
    from qfzz_core.cli.checking import checked, print_verdict

    verdict = checked(target, url)
    print_json(attrs.asdict(verdict) | {"ok": verdict.ok}) if as_json else print_verdict(verdict)
    ctx.exit(0 if verdict.ok else 1)


@command(plugins)
@click.argument("kind", type=click.Choice(["scorer", "strategy", "store"]))
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIRECTORY",
    help="Where the project's directory is made.",
)
def new(session: Session, kind: str, name: str, directory: Path) -> None:
    """Write a complete distribution with a scorer, a strategy or a store of this NAME, ready to be tested."""
    from qfzz_core.cli.scaffold import write_project

    made = write_project(kind, name, directory)
    click.echo(f"{made} is ready. Try it:")
    click.echo(f'  cd {made}\n  python -m pip install --editable ".[test]"\n  pytest')


@contextmanager
def tried_engine(session: Session) -> Iterator[Engine]:
    """Give an engine that answered one request, so that its records tell what fails when it is used."""
    lenient = attrs.evolve(session.configuration(), strict=False)
    with storeless_engine(lenient) as engine:
        engine.plan("anyone", limit=5)
        yield engine
