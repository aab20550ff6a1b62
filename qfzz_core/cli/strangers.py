"""The commands that plugins add. Nothing a plugin does here can break the command line."""

from __future__ import annotations

import attrs
import click

from qfzz_core.cli.failures import warnings_as_lines
from qfzz_core.cli.session import Session, storeless_engine
from qfzz_core.errors import QfzzError


def plugin_commands(session: Session) -> dict[str, click.Command]:
    """Return the commands of the active plugins by name; none, and a warning on stderr, if there can be no engine."""
    from qfzz_core.plugins.record import find_plugins

    try:
        config = attrs.evolve(session.configuration(), strict=False)
        # the engine takes a while to import, and most people have no plugin of others
        if all(record.built_in for record in find_plugins(config=config)):
            return {}
        with warnings_as_lines(), storeless_engine(config) as engine:
            return engine.commands()
    except QfzzError as error:
        click.echo(f"warning: the commands of plugins are not available: {error}", err=True)
        return {}
