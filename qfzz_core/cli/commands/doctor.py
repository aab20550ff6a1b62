"""`qfzz doctor`: what is installed, where the store stands, and what is wrong."""

from __future__ import annotations

from typing import Any

import click

from qfzz_core.cli.options import command, json_option
from qfzz_core.cli.output import print_json, visible
from qfzz_core.cli.session import Session


@command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, session: Session, as_json: bool) -> None:
    """Look for what is wrong: versions, store, room, plugins.

    Exit code 1 if something is wrong. A warning is about what could go wrong some day, and does not change the code.
    Nothing is made or written: a store that does not exist yet stays so.
    """
    from qfzz_core.cli.examining import examined

    report = examined(session)
    print_json(report) if as_json else _print(report)
    ctx.exit(0 if report["ok"] else 1)


def _print(report: dict[str, Any]) -> None:
    for title in ("versions", "configuration", "store", "cache", "plugins"):
        click.echo(f"{title}:")
        for name, value in report[title].items():
            click.echo(visible(f"  {name + ':':<18}{_shown(value)}").rstrip())
    for kind in ("warning", "problem"):
        for sentence in report[f"{kind}s"]:
            click.echo(visible(f"{kind}: {sentence}"))
    if report["ok"]:
        click.echo("Nothing is wrong.")


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)
